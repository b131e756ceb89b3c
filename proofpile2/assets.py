"""Where pipelines/, filters/ and data/ are, whether installed from a wheel, editable, or run from a bare checkout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proofpile2.errors import MissingFile

__all__ = ["find", "roots"]

_PACKAGE = Path(__file__).resolve().parent


def roots(kind: str, overlay: Sequence[str | Path] = ()) -> list[Path]:
    """Folders that may hold assets of ``kind`` (``pipelines``, ``filters`` or ``data``), the user's overlays first."""
    shipped = [_PACKAGE / kind, _PACKAGE.parent / kind]
    return [Path(folder) for folder in overlay] + [folder for folder in shipped if folder.is_dir()]


def find(kind: str, name: str, overlay: Sequence[str | Path] = ()) -> Path:
    """Path of the asset ``name`` (such as ``web/math.toml``); the first of :func:`roots` that has it wins.

    A name that is itself an existing path stands for that path, so users may pass a file of their own.
    Raises MissingFile, with the places looked at.
    """
    looked = roots(kind, overlay)
    for folder in looked:
        if (folder / name).is_file():
            return folder / name
    if Path(name).is_file():
        return Path(name)
    places = ", ".join(str(folder) for folder in looked) or "nowhere: the package is incomplete"
    raise MissingFile(f"{kind}: no file {name!r} (looked in {places})")
