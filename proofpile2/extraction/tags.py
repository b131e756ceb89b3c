"""Kinds of HTML elements."""

from __future__ import annotations

from proofpile2.extraction.words import words

__all__ = ["BLOCK_TAGS", "HEADINGS", "MARKED_TAGS", "ORDINARY", "PASSED", "PLAIN_TAGS", "SKIP_TAGS", "STANDARD"]

BLOCK_TAGS = words(
    """
    address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure
    footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li listing main menu nav ol optgroup p
    plaintext pre search section summary table tbody td tfoot th thead tr ul xmp caption colgroup
    """
)
# blocks whose name alone says what they are on the page
MARKED_TAGS = frozenset(("main", "article", "nav", "footer", "aside", "form", "header", "address"))
# blocks that change nothing for what is inside unless an attribute does
PASSED = frozenset(("p", "div", "section", "center", "figure", "figcaption", "fieldset", "details", "summary"))
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
# elements without text of the page
SKIP_TAGS = words(
    """
    style head title meta link base template select option button input textarea datalist audio video canvas map
    area track source param iframe applet frame noframes rp rt progress meter dialog
    """
)
KNOWN_INLINE = words(
    """
    a abbr acronym b bdi bdo big br cite code data del dfn em font i img ins kbd label mark nobr noscript object
    picture q s samp script small span strike strong sub sup svg math time tt u var wbr ruby rb rbc rtc output
    slot embed
    """
)
# elements whose attributes never matter
PLAIN_TAGS = words(
    """
    b strong u small big s strike nobr tbody thead tfoot tr hr wbr
    """
)
STANDARD = BLOCK_TAGS | KNOWN_INLINE
# elements that are no formula unless an attribute says so
ORDINARY = STANDARD - words("script math img embed svg object noscript")
