"""Densities and lengths that tell data from source. Cheap first: one C-level pass over the bytes each."""

from __future__ import annotations

import re

__all__ = ["base64_share", "digit_count", "digit_density", "has_longer_line", "log_share", "number_share"]

_DIGITS = b"0123456789"
_SPACE = b" \t\r\n\f\v"
_NUMBER_CHARACTERS = b"0123456789abcdefABCDEFxXuUlL.,;:{}()[]+-*/&=_\"' \t\r"
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{60,}+={0,2}")
_LOG_LINE = re.compile(
    rb'^[ \t]*(?:Traceback \(most recent|File "[^"\n]*", line \d|at [\w.$<>]+\([^)\n]*\)'
    rb"|Exception in thread|Caused by: "
    rb"|\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[^\n]*(?:ERROR|WARN|INFO|DEBUG))",
    re.MULTILINE,
)


def digit_density(data: bytes) -> float:
    """Digits over characters that are not white space, in [0, 1]; 0 for a blank file.

    Upstream's code, comment and paper disagree on the ratio and its code divides by zero; this is the one of its code.
    """
    digits = digit_count(data)
    return digits / len(data.translate(None, _SPACE)) if digits else 0.0


def digit_count(data: bytes) -> int:
    """ASCII digits."""
    return len(data) - len(data.translate(None, _DIGITS))


def number_share(data: bytes) -> float:
    """Share of the bytes that stand in lines of nothing but numbers (decimal or hexadecimal) and their punctuation."""
    lines = [line for line in data.split(b"\n") if len(line) > 8]
    numbers = sum(len(line) for line in lines if _is_number_line(line))
    return numbers / max(1, sum(map(len, lines)))


def _is_number_line(line: bytes) -> bool:
    if line.translate(None, _NUMBER_CHARACTERS):
        return False
    return 4 * (len(line) - len(line.translate(None, _DIGITS))) >= len(line.strip())


def has_longer_line(data: bytes, limit: int) -> bool:
    """Whether a line has more than ``limit`` bytes, without splitting the file."""
    last, size = -1, len(data)
    while size - last > limit + 1:
        newline = data.rfind(b"\n", last + 1, last + limit + 2)
        if newline < 0:
            return True
        last = newline
    return False


def base64_share(data: bytes) -> float:
    """Share of the bytes in runs of sixty or more base64 characters that have small letters, capitals and digits."""
    runs = 0
    for found in _BASE64.finditer(data):
        run = found.group()
        # long identifiers and rules of dashes have not all three; a hexadecimal run has no letter past f
        if re.search(rb"[g-z]", run) and re.search(rb"[G-Z]", run) and re.search(rb"[0-9]", run):
            runs += len(run)
    return runs / max(1, len(data))


def log_share(data: bytes) -> float:
    """Share of the lines that belong to tracebacks and logs."""
    return len(_LOG_LINE.findall(data)) / max(1, data.count(b"\n"))
