"""Fingerprints of benchmarks: made from files of their items, shipped and read without any of their text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from proofpile2 import assets, shards
from proofpile2.contamination import NGRAM, SHORT, Declaration, declarations, grams, key, words
from proofpile2.errors import ConfigError, InputError, MissingFile

__all__ = ["Index", "Item", "Made", "counts", "fingerprints", "known", "load", "make", "read_items"]

SCHEMA = pa.schema(
    [
        pa.field("benchmark", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("kind", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("key", pa.uint64(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
    ]
)
"""A fingerprint file. ``kind``: ``<language>`` (statement), ``<language>+name`` (short statement with its name),
``name`` (full name of a declaration), ``rare_name``, ``own_name`` (see :data:`NAMES`), ``text`` (n-gram of words)."""

NAMES = ("no", "own", "rare")
"""What a name alone is worth. ``no``: nothing. ``own``: several of them in one file show a copy, or another version, of
the benchmark (``exercise_2_26``). ``rare``: one is enough (``mathd_numbertheory_277``)."""

_STATEMENTS = ("formal_statement", "statement", "theorem_statement", "lean_code", "text", "content", "code")
_TEXTS = (
    "problem", "question", "nl_statement", "informal_statement", "informal_stmt", "prompt",
    "solution", "answer", "nl_proof", "informal_proof",
)  # fmt: skip
_ITEM = ("name", "problem_name", "full_name", "id", "idx", "file")
_KEYWORD = {
    "lean": re.compile(
        r"^[ \t]*(?:@\[[^\n]*\]\s*)?(?:noncomputable\s+)?(?:theorem|lemma|example|def|instance)\b", re.MULTILINE
    ),
    "isabelle": re.compile(r"^[ \t]*(?:theorem|lemma|corollary|proposition|schematic_goal)\b", re.MULTILINE),
    "coq": re.compile(r"^[ \t]*(?:Theorem|Lemma|Example|Corollary|Proposition|Remark|Fact)\b", re.MULTILINE),
}
_ISABELLE = re.compile(
    r'\\<\w+>|\bfixes\b|\bshows\b|\bassumes\b|^\s*(?:lemma|theorem|corollary)\s*(?:\([^)]*\)\s*)?[^"\n]*"', re.M
)


_LEAN_END = re.compile(r":=\s*(?:by|begin|sorry|\Z)")


@dataclass(frozen=True)
class Item:
    """One item of a benchmark: a formal ``statement`` in a ``language``, informal ``texts``, or a declaration's name.

    ``context`` is the file it stands in (``Algebra/Group.lean``), which guards short names and unnamed statements.
    """

    name: str
    statement: str = ""
    language: str = ""
    texts: tuple[str, ...] = ()
    full_name: str = ""
    context: str = ""


@dataclass(frozen=True)
class Made:
    """What :func:`make` wrote: items read, fingerprints by kind, and items which gave none."""

    path: str
    items: int
    kinds: Mapping[str, int]
    without: tuple[str, ...]


def read_items(paths: Sequence[str | Path], field: str = "", language: str = "") -> Iterator[Item]:
    """Items of JSON, JSON lines, or of formal files themselves (``.lean``, ``.thy``, ``.v``: each claim is an item).

    ``field`` names the key that holds the statement or the text; without it the usual names are looked for.
    ``language`` is that of the statements where it can't be seen from the file or the statement.
    """
    for path in map(Path, paths):
        try:
            raw = path.read_bytes().decode("utf-8-sig", "replace")
        except OSError as error:
            raise MissingFile(f"{path}: {error.strerror or error}") from None
        of_suffix = {".lean": "lean", ".thy": "isabelle", ".v": "coq"}.get(path.suffix)
        if of_suffix:
            for number, one in enumerate(declarations(raw, of_suffix)):
                if one.statement:
                    yield Item(
                        one.name or f"{path.stem}:{number}", raw[one.start : one.end], of_suffix, context=path.name
                    )
            continue
        found = False
        for number, row in enumerate(_rows(path, raw)):
            item = _item(row, f"{path.stem}:{number}", field, language)
            if item is not None:
                found = True
                yield item
        if not found:
            wanted = field or f"one of {', '.join((*_STATEMENTS, *_TEXTS, 'full_name'))}"
            raise InputError(f"{path}: no item with {wanted}; name the key with --field")


def _rows(path: Path, raw: str) -> Iterator[Mapping[str, Any]]:
    try:
        values = (
            json.loads(raw)
            if raw.lstrip().startswith("[")
            else [json.loads(line) for line in raw.splitlines() if line.strip()]
        )
    except ValueError as error:
        raise InputError(f"{path}: neither JSON nor JSON lines ({error})") from None
    for value in values:
        if isinstance(value, dict):
            yield value


def _item(row: Mapping[str, Any], otherwise: str, field: str, language: str) -> Item | None:
    def first(names: Iterable[str]) -> str:
        return next((str(row[name]) for name in names if isinstance(row.get(name), str | int) and row[name] != ""), "")

    name = first(_ITEM) or otherwise
    context = first(("thy", "file_path", "path", "theory"))
    full_name = first(("full_name",))
    statement = first((field,)) if field else first(_STATEMENTS)
    texts = () if field else tuple(row[name] for name in _TEXTS if isinstance(row.get(name), str))
    tongue = language or _language(statement, str(row.get("lang", "isabelle" if "thy" in row else "")))
    if field and not tongue:
        statement, texts = "", (statement,)
    if not (texts or full_name or statement):
        return None
    return Item(name, statement if tongue else "", tongue, texts, full_name, context)


def _language(statement: str, given: str) -> str:
    """The language of a statement: what the item says, else what it looks like; empty if it is none of ours."""
    given = given.lower()
    if given:
        return next((name for name in _KEYWORD if given.startswith(name)), "")
    if _KEYWORD["coq"].search(statement):
        return "coq"
    if not _KEYWORD["lean"].search(statement) and not _KEYWORD["isabelle"].search(statement):
        return ""
    return "isabelle" if _ISABELLE.search(statement) and not _LEAN_END.search(statement) else "lean"


def fingerprints(items: Iterable[Item], benchmark: str, names: str = "no", stride: int = 8) -> Iterator[dict[str, Any]]:
    """Rows of :data:`SCHEMA`; ``stride``: of the n-grams of a text every so manieth is kept, and the last."""
    for item in items:
        for kind, number, name in _keys(item, names, stride):
            yield {"benchmark": benchmark, "kind": kind, "key": number, "item": re.sub(r"\s+", "_", name)}


def _keys(item: Item, names: str, stride: int) -> Iterator[tuple[str, int, str]]:
    if item.statement:
        for one in declarations(item.statement, item.language):
            if not one.statement:
                continue
            called = f"{stem(item.context)}.{one.name}".strip(".") if item.context else item.name
            kind = item.language if len(one.statement) >= SHORT else f"{item.language}+name"
            yield kind, statement_key(kind, one, item.context), called
            if one.name and item.context:  # another version of the same theorem
                yield "name", key("full_name", one.name, stem(item.context)), called
            if one.name and names != "no":
                yield f"{names}_name", _own_key(one.name, item.language if names == "own" else ""), called
    if item.full_name:
        yield "name", name_key(item.full_name, item.context), item.full_name
    for text in item.texts:
        found = grams(words(text))
        for place in sorted({*range(0, len(found), stride), len(found) - 1} - {-1}):
            yield "text", int(found[place]), item.name


def statement_key(kind: str, one: Declaration, path: str) -> int:
    """Of a short statement with its name, or the name of its file where it has none; of others without either."""
    return key(kind, one.name or stem(path), *one.statement) if kind.endswith("+name") else key(kind, *one.statement)


def _own_key(name: str, language: str) -> int:
    """Of a name that is the benchmark's own; a rare one counts in every language."""
    return key("name", language, name)


def name_key(full_name: str, path: str) -> int:
    """Names with a dot speak for themselves; others, such as ``lift``, only in a file of the same name."""
    return key("full_name", full_name, "" if "." in full_name else stem(path))


def stem(path: str) -> str:
    """``thys/Valuation/Valuation1.thy`` -> ``Valuation1``."""
    return re.split(r"[/\\:]", path)[-1].rsplit(".", 1)[0]


def make(
    paths: Sequence[str | Path], out: str, benchmark: str = "", names: str = "no", field: str = "", language: str = "",
    stride: int = 8, texts: bool = True,
) -> Made:  # fmt: skip
    """Write the fingerprint file of a benchmark. ConfigError or InputError if a file can't be read or has no items."""
    if names not in NAMES:
        raise ConfigError(f"names: expected one of {', '.join(NAMES)}, found {names!r}")
    if stride < 1:
        raise ConfigError(f"stride: expected at least 1, found {stride}")
    benchmark = benchmark or Path(out).stem
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    count, without = 0, []
    for item in read_items(paths, field, language):
        count += 1
        found = [row for row in fingerprints([item], benchmark, names, stride) if texts or row["kind"] != "text"]
        if not found:
            without.append(item.name)
        for row in found:
            rows.setdefault((row["kind"], row["key"]), row)
    table = pa.Table.from_pylist([rows[place] for place in sorted(rows)], schema=SCHEMA)
    with shards.atomic(out) as handle:
        pq.write_table(table, pa.PythonFile(handle, mode="w"), compression="zstd", compression_level=19)
    kinds: dict[str, int] = {}
    for kind, _ in rows:
        kinds[kind] = kinds.get(kind, 0) + 1
    return Made(out, count, dict(sorted(kinds.items())), tuple(without))


@dataclass(frozen=True)
class Index:
    """All fingerprints of some benchmarks in memory: kind -> key -> (benchmark, item); n-grams sorted."""

    kinds: Mapping[str, Mapping[int, tuple[str, str]]]
    texts: npt.NDArray[np.uint64]
    named_benchmarks: frozenset[str] = frozenset()

    def statement(self, one: Declaration, language: str, path: str) -> tuple[str, str] | None:
        """Benchmark and item whose statement, or whose full name, a declaration has."""
        hit = None
        if one.statement:
            kind = language if len(one.statement) >= SHORT else f"{language}+name"
            hit = self._find(kind, statement_key(kind, one, path))
        if hit is None and one.name and "name" in self.kinds:
            hit = self._find("name", name_key(one.qualified, path))
            hit = hit or self._find("name", key("full_name", one.name, stem(path)))
        return hit

    def named(self, one: Declaration, language: str = "") -> tuple[str, str] | None:
        """Benchmark and item whose name a declaration has: a rare one, or one of its own in ``language``."""
        return self._find("own_name" if language else "rare_name", _own_key(one.name, language)) if one.name else None

    def by_name(self, benchmark: str) -> bool:
        """Whether the names of a benchmark's items say that something is of it."""
        return benchmark in self.named_benchmarks

    def text(self, text: str, length: int = NGRAM) -> tuple[str, str] | None:
        """Benchmark and item with an n-gram of a text, or None."""
        if not len(self.texts):
            return None
        found = grams(words(text), length)
        places = np.searchsorted(self.texts, found)
        places[places == len(self.texts)] = 0
        hits = np.flatnonzero(self.texts[places] == found)
        return self._find("text", int(found[hits[0]])) if len(hits) else None

    def _find(self, kind: str, number: int) -> tuple[str, str] | None:
        return self.kinds.get(kind, {}).get(number)


def known(overlay: Sequence[str] = ()) -> dict[str, Path]:
    """Names and files of the benchmarks that ship, or lie in ``benchmarks/`` of an overlay."""
    found: dict[str, Path] = {}
    for root in reversed(assets.roots("data", overlay)):
        found |= {path.stem: path for path in sorted((root / "benchmarks").glob("*.parquet"))}
    return dict(sorted(found.items()))


def path_of(name: str, overlay: Sequence[str] = ()) -> Path:
    """The fingerprint file of a benchmark that ships, or of a user, by path. MissingFile with what is known."""
    if name.endswith(".parquet"):
        return assets.find("data", name, overlay)
    try:
        return assets.find("data", f"benchmarks/{name}.parquet", overlay)
    except MissingFile:
        raise MissingFile(
            f"no benchmark {name!r}; known: {', '.join(known(overlay)) or 'none'}; "
            "or give the path of a file that `proofpile2 benchmarks make` wrote"
        ) from None


def load(names: Sequence[str], overlay: Sequence[str] = ()) -> Index:
    """The index of some benchmarks; where two have a fingerprint, the first named one has it."""
    kinds: dict[str, dict[int, tuple[str, str]]] = {}
    for name in names:
        path = path_of(name, overlay)
        try:
            table = pq.read_table(path)
            columns = [table.column(column).to_pylist() for column in SCHEMA.names]
        except (pa.ArrowInvalid, KeyError) as error:
            raise ConfigError(f"{path}: no file of fingerprints ({error})") from None
        for benchmark, kind, number, item in zip(*columns, strict=True):
            kinds.setdefault(kind, {}).setdefault(number, (benchmark, item))
    by_name = {hit[0] for kind in ("own_name", "rare_name") for hit in kinds.get(kind, {}).values()}
    return Index(kinds, np.array(sorted(kinds.get("text", {})), np.uint64), frozenset(by_name))


def counts(path: str | Path) -> dict[str, int]:
    """Fingerprints of a file by kind."""
    found = pc.value_counts(pq.read_table(path, columns=["kind"]).column("kind").cast(pa.string()))
    return {str(row["values"]): int(row["counts"]) for row in found.to_pylist()}
