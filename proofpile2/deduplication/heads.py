"""Licence heads: comments at the beginning of a source file that say whose it is, not what it does.

Two files that share a head of fifty lines and nothing else look alike to MinHash; two copies whose heads differ by a
year do not look equal to a digest. Duplicates are therefore looked for below the head.
"""

from __future__ import annotations

import re

__all__ = ["without_head"]

_PARAGRAPH = re.compile(
    r"\s*+(?:"
    r"/\*(?:[^*]|\*(?!/))*+\*/|/-(?:[^-]|-(?!/))*+-/|\(\*(?:[^*]|\*(?!\)))*+\*\)|\{-(?:[^-]|-(?!\}))*+-\}"
    r"|#\|(?:[^|]|\|(?!#))*+\|#|\"\"\"(?:[^\"]|\"(?!\"\"))*+\"\"\"|%\{(?:[^%]|%(?!\}))*+%\}"
    r"|(?:[ \t]*+//[^\n]*+\n?+)++|(?:[ \t]*+--[^\n]*+\n?+)++|(?:[ \t]*+%[^\n]*+\n?+)++|(?:[ \t]*+![^\n]*+\n?+)++"
    r"|(?:[ \t]*+;[^\n]*+\n?+)++|(?:[cC*](?=[ \t*\n])[^\n]*+\n?+)++"
    r"|(?:[ \t]*+#(?![ \t]*(?:include|define|undef|ifn?def|if|pragma|error|eval|check|lang)\b)[^\n]*+\n?+)++"
    r")"
)
_LICENCE = re.compile(
    r"copyright|\(c\)|©|licen[cs]e|all rights reserved|spdx-|redistribut|warrant|public domain|authors?:|@author",
    re.IGNORECASE,
)
_AT_MOST = 20_000  # characters; longer heads hold more than a licence


def without_head(text: str) -> str:
    """``text`` from the first thing on that is no comment about licence or authors; all of it if nothing would be left.

    Works on the comments of all our languages by their look; only comments before the first code are looked at.
    """
    place = 0
    while place < _AT_MOST and (found := _PARAGRAPH.match(text, place, place + _AT_MOST)):
        if found.end() == place or not _LICENCE.search(found[0]):
            break
        place = found.end()
    rest = text[place:].lstrip()
    return rest or text
