"""Tables and figures of the data card as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["day", "listed", "number", "percent", "short", "size", "table"]


def table(header: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> list[str]:
    """Lines of a Markdown table; ``align`` has ``l`` or ``r`` for each column."""
    marks = {"l": "---", "r": "---:"}
    lines = [f"| {' | '.join(header)} |", f"|{'|'.join(marks[one] for one in align)}|"]
    return lines + [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]


def _cell(text: str) -> str:
    """What comes from data can't break the table or the page."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def number(n: int) -> str:
    """12,345"""
    return f"{n:,}"


def percent(part: float, whole: float) -> str:
    """``part`` of ``whole`` with one decimal, a dash where there is nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def short(n: float) -> str:
    """14.7 B"""
    for unit, name in ((1e9, "B"), (1e6, "M")):
        if n >= unit:
            return f"{n / unit:.3g} {name}"
    return f"{n:,}"


def size(n: float) -> str:
    """Bytes in decimal units: 1.2 GB."""
    if n < 1000:
        return f"{n:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        n /= 1000
        if n < 1000:
            return f"{n:.0f} {unit}" if n >= 100 else f"{n:.1f} {unit}"
    return f"{n / 1000:,.1f} TB"


def day(n: int) -> str:
    """20230601 -> 2023-06-01"""
    return f"{n // 10000:04d}-{n // 100 % 100:02d}-{n % 100:02d}"


def listed(names: Sequence[str]) -> str:
    """a, b and c"""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
