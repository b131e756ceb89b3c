"""Parts and links of a page that its markup calls boilerplate."""

from __future__ import annotations

import re

from proofpile2.extraction.content import BOILER
from proofpile2.extraction.delimiters import EDGE

__all__ = ["AROUND", "ZONE_TAGS", "is_label", "zone_kind"]

ZONE_TAGS = frozenset(("nav", "footer", "aside", "form", "address"))
_ZONE_ROLES = frozenset(
    ("navigation", "banner", "contentinfo", "complementary", "search", "menu", "menubar", "toolbar", "dialog")
)
_NOTE = re.compile(
    r"admonition|note|tip|warning|callout|hint|remark|theorem|definition|example|exercise|solution|proof|answer|box",
    re.I,
)
_LABELS = frozenset(("[source]", "[docs]", "[edit]", "[src]", "more...", "more…", "(more...)", "[more...]"))
AROUND = f" \t\r\n\u00a0{EDGE}"


def zone_kind(tag: str, role: str, names: str, flags: int, inside: bool) -> str:
    """What kind of boilerplate an element is, empty where it is none; ``inside``: it stands in a main element."""
    kind = ""
    if role == "tablist" and tag in ("ul", "ol"):  # labels of tabs; some accordions call all of themselves so
        kind = "nav"
    elif tag in ZONE_TAGS or role in _ZONE_ROLES:
        kind = "nav" if tag == "nav" or role in ("navigation", "menu", "menubar", "toolbar") else tag
        if tag == "aside" and _NOTE.search(names) and not flags & BOILER:
            kind = ""
    elif tag == "header":
        kind = "" if inside else "header"
    elif flags & BOILER:
        kind = "name"
    return kind


def is_label(linked: str) -> bool:
    """Whether the text of a link is nothing but a label of the page's program (``[source]``, ``More...``)."""
    return 4 < len(linked) < 14 and linked.lower() in _LABELS
