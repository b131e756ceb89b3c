"""What a Lake project says of itself, read without running anything: its modules, options, revision, imports."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from hashlib import blake2b
from pathlib import Path
from typing import Any

from proofpile2.errors import ConfigError

__all__ = ["Lakefile", "Option", "command", "digests", "lakefile_of", "modules", "option", "read_toml", "revision"]

Option = str | bool | int

_LAKEFILES = ("lakefile.lean", "lakefile.toml")  # Lake prefers the first
_PASSED_OVER = frozenset({"build", "lake-packages"})


def lakefile_of(root: Path) -> Path | None:
    """The file that makes ``root`` a Lake project."""
    return next((root / name for name in _LAKEFILES if (root / name).is_file()), None)


def modules(root: Path) -> Iterator[str]:
    """Paths of the Lean files below ``root``, sorted by folder; not those of dependencies or of projects inside it."""
    for folder, below, names in os.walk(root, followlinks=False):
        if Path(folder) != root and not set(_LAKEFILES).isdisjoint(names):
            below[:] = []
            continue
        below[:] = sorted(name for name in below if not name.startswith(".") and name not in _PASSED_OVER)
        for name in sorted(names):
            path = Path(folder) / name
            if name.endswith(".lean") and not name.startswith(".") and name not in _LAKEFILES and path.is_file():
                yield path.relative_to(root).as_posix()


# --- Options ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lakefile:
    """What of a lakefile decides how its modules are elaborated.

    ``options``    of the whole package; ``libraries``: root modules and options of each library or program
    ``folders``    in which modules lie (``srcDir``), longest first
    ``left_out``   arguments for Lean that can't be given to the extractor, such as ``--plugin=...``
    """

    options: Mapping[str, Option]
    libraries: tuple[tuple[tuple[str, ...], Mapping[str, Option]], ...] = ()
    folders: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def module(self, path: str) -> str:
        """Name of the module that lies at ``path``."""
        for folder in self.folders:
            path = path.removeprefix(folder + "/")
        return path.removesuffix(".lean").replace("/", ".")

    def options_of(self, module: str) -> dict[str, Option]:
        """Options of a module: of the package and of the library whose root it is or stands below."""
        for roots, options in self.libraries:
            if any(module == root or module.startswith(root + ".") for root in roots):
                return {**self.options, **options}
        return dict(self.options)


def read_toml(text: str) -> Lakefile:
    """A ``lakefile.toml``. ConfigError where it is no TOML; what we don't know in it is passed over."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"lakefile.toml: {error}") from None
    left_out: list[str] = []
    options = _options(table, left_out)
    top = str(table.get("srcDir", "."))
    libraries = []
    folders = {top}
    for kind in ("lean_lib", "lean_exe"):
        for one in table.get(kind, ()):
            name = str(one.get("name", ""))
            roots = one.get("roots") or ([one["root"]] if "root" in one else [name])
            names = {str(root).rstrip(".+*") for root in [*roots, *_listed(one.get("globs", ()))]}
            libraries.append((tuple(sorted(names - {""})), _options(one, left_out)))
            folders.add(os.path.normpath(os.path.join(top, str(one.get("srcDir", ".")))))
    kept = sorted((os.path.normpath(folder) for folder in folders), key=len, reverse=True)
    return Lakefile(options, tuple(libraries), tuple(one for one in kept if one != "."), tuple(left_out))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _options(table: Mapping[str, Any], left_out: list[str]) -> dict[str, Option]:
    given = table.get("leanOptions", {})
    found = dict(_flat(given)) if isinstance(given, dict) else {}
    for one in _listed(given):  # the other way to write them
        if isinstance(one, dict) and isinstance(one.get("value"), str | bool | int):
            found[str(one.get("name"))] = one["value"]
    words = [str(word) for key in ("moreLeanArgs", "weakLeanArgs") for word in _listed(table.get(key))]
    at = 0
    while at < len(words):
        word = words[at]
        if word == "-D" and at + 1 < len(words):
            at += 1
            word += words[at]
        if word.startswith("-D") and "=" in word:
            name, value = option(word)
            found[name] = value
        else:
            left_out.append(word)
        at += 1
    return found


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Option]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        elif isinstance(value, str | bool | int):
            yield before + key, value


def option(text: str) -> tuple[str, Option]:
    """``-DautoImplicit=false`` or ``autoImplicit=false`` -> name and value. ConfigError for anything else."""
    name, equals, value = text.removeprefix("-D").strip().partition("=")
    if not equals or not name or any(letter.isspace() or letter == '"' for letter in name):
        raise ConfigError(f"lean: {text!r} is no option; write name=value, such as autoImplicit=false")
    if value in {"true", "false"}:
        return name, value == "true"
    return name, int(value) if value.isascii() and value.isdigit() else value


def command(name: str, value: Option) -> str:
    """The Lean command that sets an option. ``weak.`` goes: Lake says it of options that may not exist."""
    return f"set_option {name.removeprefix('weak.')} {json.dumps(value, ensure_ascii=False)}"


# --- Identity --------------------------------------------------------------------------------------------------------


def revision(root: Path) -> str | None:
    """Commit that is checked out in ``root``, read from its ``.git``; None where that can't be told."""
    try:
        git = root / ".git"
        if git.is_file():  # a work tree or a submodule: "gitdir: place"
            git = root / git.read_text(encoding="utf-8").partition(":")[2].strip()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref:"):
            return _commit(head)
        name = head.partition(":")[2].strip()
        common = git
        if (git / "commondir").is_file():
            common = git / (git / "commondir").read_text(encoding="utf-8").strip()
        for place in (git, common):
            if (place / name).is_file():
                return _commit((place / name).read_text(encoding="utf-8"))
        for line in (common / "packed-refs").read_text(encoding="utf-8").splitlines():
            commit, _, ref = line.partition(" ")
            if ref.strip() == name:
                return _commit(commit)
    except (OSError, UnicodeDecodeError):
        pass
    return None


def _commit(text: str) -> str | None:
    text = text.strip()
    return text if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text) else None


_IMPORT = re.compile(r"^\s*(?:(?:public|private|meta)\s+)*import\s+(?:(?:all|runtime)\s+)?(\S+)", re.MULTILINE)


def digests(texts: Mapping[str, bytes]) -> dict[str, str]:
    """Module -> digest of its text and of those of the project that it imports, however far.

    Goals are printed with the notation of the modules imported, so a change in one of them may change them.
    """
    imports = {
        name: sorted(
            {found for found in _IMPORT.findall(text.decode("utf-8", "replace")) if found in texts and found != name}
        )
        for name, text in texts.items()
    }
    found: dict[str, str] = {}
    for name in _in_order(imports):
        digest = blake2b(texts[name], digest_size=16)
        for one in imports[name]:
            digest.update(found.get(one, one).encode())
        found[name] = digest.hexdigest()
    return found


def _in_order(imports: Mapping[str, Sequence[str]]) -> list[str]:
    """Imported ones first; a circle (an ``import`` in a comment can look like one) is broken by leaving order be."""
    try:
        return list(TopologicalSorter(imports).static_order())
    except CycleError:
        return sorted(imports)
