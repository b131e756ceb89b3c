"""Which parts of a page are its content: names of classes and elements, link density, and lines every site has.

Names are judged by whole words. A name says *boilerplate* only if one of its words does and all others are neutral
(``site-footer`` does, ``related-work`` and ``search-algorithms`` do not); what is most of the page is never dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

from proofpile2.extraction.words import phrases, words

__all__ = [
    "BOILER",
    "CODE",
    "CONTENT",
    "HIDDEN",
    "MATH",
    "RENDERED",
    "Zone",
    "boilerplate_line",
    "name_flags",
]

MATH, BOILER, HIDDEN, CODE, CONTENT, RENDERED = 1, 2, 4, 8, 16, 32

_BOILER_WORDS = words(
    """
    ad ads advert adverts advertisement advertising adsense sponsor sponsored banner cookie cookies gdpr consent
    breadcrumb breadcrumbs crumbs share sharing sharedaddy shares addthis addtoany social socials twitter
    facebook newsletter subscribe subscription signup signin login logout register nav navbar navigation navbit
    navbits navtabs menu menus menubar topbar toolbar sidebar sidenav sidebars widget widgets related footer
    colophon masthead permalink headerlink anchorjs copyright noprint printfooter
    navheader navfooter catlinks jump skip skiplink
    pagination paginator pager pagenav prevnext editsection toc tocs sitemap popup modal dialog lightbox tooltip
    respond reply replies vote votes voting votecell userinfo usermenu usertitle usercard posthead postfoot
    postcontrols signature taglist likes liked reactions reaction rating ratings feedback search searchbox
    searchform languages interlanguage sitesub sitenotice siteinfo poweredby powered trackback trackbacks
    backlinks rellinks rellink relbar sphinxsidebar drawer offcanvas dropdown hamburger cart basket checkout
    wishlist byline badge badges promo promoted promotion recommend recommended recommendations recommendation
    trending popular similar suggested suggestions linked unread notification notifications notify alert-bar
    announcement donate donation sticky-header printonly loginbox logininfo avatar reputation flair timestamp
    postdate postmetadata blogroll archives attribution readmore comments-link flag report moderation captcha
    disclaimer localnav subnav headernav footernav topnav sidetoc minitoc pagetoc contents-sidebar treeview
    """
)
_NEUTRAL_WORDS = words(
    """
    site page main left right top bottom upper lower global primary secondary tertiary wrapper wrap container
    box bar list lists item items link links block section area inner outer row rows col column columns group
    panel header headers head foot js css c u p d l s t mw wp jp sd md lg sm xs ui is fixed sticky static mobile
    desktop small large mini tiny big horizontal vertical inline first last prev next previous button buttons
    btn icon icons title titles heading text extra info meta data post posts entry message messages comment
    comments view views widget custom layout style theme default new crawler module component region zone fn
    enabled disabled sphinx topic thread threads forum user users author authors author's actions action
    controls control tools tool bottombar cell count counter new float clearfix clear no-js hidden visible
    collapse collapsed expand expanded toggle toggler trigger content-info full width center centre centered
    aside div span ul li nav-links a b one two three four five six i ii iii sub blog article web home inner2
    line lines holder legend map bs bd hd ft yui vertical collapsible level depth root tabs tab tablist form
    forms input field fieldset label dl dt dd grid flex card cards body-nav app doc docs documentation static2
    simple standard min max part parts menu2 v1 v2 notice notices message2 rst wy sd-sharing entry-meta pst bd2
    navigation2 special personal portal portlet p-navigation tb cactions variants namespaces interaction print
    export languages2 print-export wiki wikipedia more less show-more see also this that social2 feed rss email
    mail twitter2 policy legal terms privacy credits credit imprint contact
    """
)
_PERSON = words("user author poster member")
_PERSONAL = words("info details extras title profile card cell stats panel column box bio meta avatar badge")
_VETO = words(
    """
    content contents body text article prose main story has with no without open active article-body
    """
)
_HIDDEN_TOKENS = words(
    """
    sr-only visually-hidden visuallyhidden screen-reader-text screenreader-text screen-reader-only
    element-invisible assistive-text u-hidden hidden-accessible offscreen off-screen a11y-hidden show-for-sr
    accesshide print-only printonly d-none
    """
)
_CODE_TOKENS = words(
    """
    fragment highlight sourcecode sourceCode codehilite syntaxhighlighter prettyprint lstlisting code-block
    """
)
_CONTENT_TOKENS = words(
    """
    entry-content post-content article-content article-body articlebody post-body postbody page-content
    main-content mw-parser-output mw-content-text markdown-body theme-doc-markdown rst-content document
    documentwrapper bodywrapper s-prose post-text bbWrapper message-body postcontent hentry story-body
    content-body td-content book-body page-inner markdown-section md-content md-content__inner ltx_document
    ltx_page_main ltx_page_content c-article-body field-body section-body post article ptx-content
    contents
    """
)
_RENDERED = re.compile(
    r"(?:katex(?:-display|-mathml)?|MathJax(?:_\w+)?|MJXc-\w+|mjx-(?:chtml|container)|mwe-math-element|temml)$"
)
_MATH = re.compile(
    r"math|latex|katex|mjx|arithmatex|equation|formula|mimetex|asciimath|(?<![a-z])(?:tex|eqn?|eqns|tmath|itex|texhtml|maths?)(?![a-z])",
    re.IGNORECASE,
)
_NO_MATH = re.compile(
    r"ignore|no-?math|nomath|_process|2jax|number|label|eqno|counter|(?:^|[-_])(?:num|tag|ref|link|caption)(?:[-_]|$)",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SPLIT = re.compile(r"[^A-Za-z0-9]+")


@lru_cache(maxsize=65536)
def name_flags(classes: str, identity: str) -> int:
    """Flags for an element's ``class`` and ``id`` together."""
    flags = 0
    if classes:
        for token in classes.split()[:24]:
            flags |= _token_flags(token)
            if _MATH.search(token) and not _NO_MATH.search(token):
                flags |= MATH
    if identity:
        found = _token_flags(identity)
        flags |= found & (BOILER | CONTENT)
    if flags & CONTENT:
        flags &= ~BOILER
    return flags


@lru_cache(maxsize=65536)
def _token_flags(token: str) -> int:
    if token in _HIDDEN_TOKENS:
        return HIDDEN
    flags = 0
    if token in _CODE_TOKENS:
        flags |= CODE
    if token in _CONTENT_TOKENS:
        return flags | CONTENT
    if _RENDERED.fullmatch(token):
        return flags | RENDERED
    low = token.lower()
    if low in _BOILER_WORDS:
        return flags | BOILER
    words = [word for word in _SPLIT.split(_CAMEL.sub("-", token).lower()) if word and not word.isdigit()]
    if not words or len(words) > 6 or any(word in _VETO for word in words[1:] if word not in ("main", "text")):
        return flags
    if any(word in _PERSON for word in words) and any(word in _PERSONAL for word in words):
        return flags | BOILER
    if any(word in _BOILER_WORDS for word in words) and all(w in _BOILER_WORDS or w in _NEUTRAL_WORDS for w in words):
        flags |= BOILER
    return flags


class Zone:
    """A part of the page that its markup calls boilerplate; ``chars`` is its text, ``links`` what of it is linked."""

    __slots__ = ("chars", "dropped", "formulas", "keep_headings", "kind", "links", "parent")

    def __init__(self, kind: str, parent: Zone | None, keep_headings: bool = False) -> None:
        self.kind = kind
        self.parent = parent
        self.keep_headings = keep_headings
        self.chars = self.links = self.formulas = 0
        self.dropped = True


class Sized(Protocol):
    """What the choice of content needs to know of a block."""

    zone: Zone | None
    chars: int
    links: int
    formulas: int
    kind: str
    main: bool
    text: str


_STARTS = phrases(
    """
    skip to | jump to | share this | share on | share via | tweet this | tweet it | pin it | email this |
    log in | sign in | sign up | login | logout | create account | create an account | subscribe to |
    subscribe now | leave a reply | leave a comment | post a comment | add a comment |
    your email address will
    not | required fields are marked | notify me of | proudly powered by |
    powered by | hosted by | hosted on | last modified | last updated | last update | last edited | last change |
    this page was last | page last | this page
    has been | best viewed | page generated | generated by |
    generated on | generated with | built with | created with | made with | converted by | copyright | © |
    (c) | terms of | terms and conditions | privacy policy | cookie policy | your privacy | back to top |
    back to the | go to top | was this page
    helpful | was this helpful | advertisement | reply with quote |
    you must be logged in | you must log in | you must sign in | please enable javascript | enable javascript |
    we use cookies | this site uses cookies | this website uses cookies | join date | forgot password |
    forgotten your password | keep me logged in | remember me | follow us | retrieved from | view source |
    edit this page | edit on | improve this page | report a bug on this page | report this | flag this |
    all times are | definition at line | go to the source code |
    suggested topics | similar threads | related threads | hot network questions | you may not post |
    sign up or log | post as a guest | thread starter | thread
    tools | create a free website |
    site design | made with mkdocs | theme by | view on github | open in colab
    """
)
_CONTAINS = (
    "all rights reserved",
    "page has been visited",
    "best viewed ",
    "requires javascript",
    "uses cookies",
    "use of cookies",
)
_UI_WORDS = words(
    """
    next previous prev up contents home index top back first last main search about contact help navigation menu
    toggle close open page chapter section parent table of to the and or sitemap site map share reply flag
    report like likes follow edit quote permalink upvote downvote print pdf download show hide more less all
    login register subscribe twitter facebook linkedin reddit email comments comment shares views votes replies
    rss news faq archive archives feed imprint impressum privacy terms conditions legal cookies policy view
    source advertise advertisement loading tweet pin this    save cite
    """
)
_FIRST_WORDS = frozenset(phrase.partition(" ")[0] for phrase in _STARTS)
_ELSEWHERE = re.compile(r"\W*(?:next|previous|prev|up|back|forward|contents|goto|go to)\b(?:\s*:|\s)", re.IGNORECASE)
_WAYS = re.compile(r"(?:(?:go )?(?:back|forward|up|on|next|previous|return)(?: to)?:? [^.|]{1,60}(?:[.|]\s*|$)){2,4}")
_INNER_MARKS = re.compile("[\ue003-\ue009]")
_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")


def boilerplate_line(text: str) -> bool:
    """Whether a short line is one of those that every site has (``Skip to content``, ``All rights reserved`` ...)."""
    if len(text) > 160:
        return False
    line = " ".join(_unmarked(text).split()).strip("|·•»«›‹←→⇐⇒-–— [](){}<>#¶^*.:").lower()
    if not line:
        return True
    first = line.partition(" ")[0]
    if first in _FIRST_WORDS and line.startswith(_STARTS):
        return len(line) <= 100 or line.startswith(
            ("copyright", "©", "powered", "we use", "this site uses", "your email")
        )
    for phrase in _CONTAINS:
        if phrase in line:
            return True
    if first.isalpha() and first not in _UI_WORDS:  # most lines end here
        return " to " in line and _WAYS.fullmatch(line) is not None
    if " to " in line and _WAYS.fullmatch(line):
        return True
    words = _WORD.findall(line)
    return bool(words) and len(words) <= 8 and not any(c.isdigit() for c in line) and all(w in _UI_WORDS for w in words)


def _unmarked(text: str) -> str:
    """The text without the marks of line breaks, edges and scripts (see ``delimiters``)."""
    return text if text.isascii() else _INNER_MARKS.sub("", text.replace("\ue002", " "))


def choose(blocks: Sequence[Sized], whole: bool, lines: bool = True, linked: float = 0.8) -> list[bool]:
    """For each block whether it is content. ``whole`` keeps everything, ``lines`` and ``linked`` are page.Options'."""
    if whole or not blocks:
        return [True] * len(blocks)
    zones: dict[int, Zone] = {}
    total = 0
    for block in blocks:
        total += block.chars
        zone = block.zone
        while zone is not None:
            zones[id(zone)] = zone
            zone.chars += block.chars
            zone.links += block.links
            zone.formulas += block.formulas
            zone = zone.parent
    # nothing that is most of the page is boilerplate, whatever it is called, unless it is all links
    for zone in zones.values():
        if zone.kind != "nav" and zone.chars > 0.5 * total and zone.links < 0.6 * zone.chars:
            zone.dropped = False
    keep = [block.zone is None or not _dropped(block) for block in blocks]
    kept = _sizes(blocks, keep)
    if kept.chars < 0.1 * total and kept.chars < 500:  # the markup misleads: take back what is no list of links
        for zone in zones.values():
            if zone.links < 0.5 * zone.chars:
                zone.dropped = False
        keep = [not _dropped(block) for block in blocks]
        kept = _sizes(blocks, keep)
    if kept.inside and kept.inside >= 0.5 * kept.prose and not kept.formulas_outside:
        keep = [good and (block.main or block.kind == "h1") for block, good in zip(blocks, keep, strict=True)]
    for place, block in enumerate(blocks):
        if (
            lines
            and keep[place]
            and block.chars <= 160
            and not block.formulas
            and block.kind in ("p", "li")
            and boilerplate_line(block.text)
        ):
            keep[place] = False
    _trim(blocks, keep, linked)
    _close(blocks, keep)
    if not any(keep):
        return [block.zone is None or not block.zone.dropped for block in blocks]
    return keep


class _Sizes(NamedTuple):
    """Characters of the kept blocks: all, without links, without links in a main element; formulas outside of one."""

    chars: int
    prose: int
    inside: int
    formulas_outside: int


def _sizes(blocks: Sequence[Sized], keep: list[bool]) -> _Sizes:
    chars = prose = inside = outside = 0
    for block, good in zip(blocks, keep, strict=True):
        if good:
            chars += block.chars
            prose += block.chars - block.links
            if block.main:
                inside += block.chars - block.links
            else:
                outside += block.formulas
    return _Sizes(chars, prose, inside, outside)


def _dropped(block: Sized) -> bool:
    zone = block.zone
    while zone is not None:
        if zone.dropped and not (zone.keep_headings and block.kind in ("h1", "h2")):
            return True
        zone = zone.parent
    return False


_READING = re.compile(
    r"\b(?:references|reading|bibliography|literature|sources|resources|problems|exercises|see also|external links)\b",
    re.IGNORECASE,
)


def _trim(blocks: Sequence[Sized], keep: list[bool], linked: float) -> None:
    """Lines of links before the first and after the last piece of prose go, as long as any prose is there."""
    real = [k for k, block in enumerate(blocks) if keep[k] and _is_prose(block)]
    if not real:
        return
    reading = False  # under a heading that promises a list of links which is content
    for k, block in enumerate(blocks):
        if keep[k] and block.kind[0] == "h" and block.kind[1:].isdigit():
            reading = k > real[-1] and _READING.search(_unmarked(block.text)) is not None
        elif (
            keep[k]
            and not reading
            and (k < real[0] or k > real[-1])
            and not block.formulas
            and block.kind in ("p", "li")
            and _linked(block, linked)
        ):
            keep[k] = False


_BARE = frozenset(
    (
        "related",
        "related posts",
        "related articles",
        "recent posts",
        "share this",
        "share",
        "tags",
        "categories",
        "archives",
        "navigation",
        "contents",
        "table of contents",
        "menu",
        "search",
        "follow us",
        "subscribe",
        "post navigation",
        "leave a reply",
    )
)


def _close(blocks: Sequence[Sized], keep: list[bool]) -> None:
    """Headings at the end with nothing left under them go, and such of parts that sites put between others."""
    following = ""
    for place in range(len(blocks) - 1, -1, -1):
        if not keep[place]:
            continue
        block = blocks[place]
        heading = block.kind[0] == "h" and block.kind[1:].isdigit()
        if heading and following <= block.kind and following and _unmarked(block.text).strip(" :¶\n").lower() in _BARE:
            keep[place] = False
            continue
        following = block.kind if heading else ""
    for place in range(len(blocks) - 1, -1, -1):
        if not keep[place]:
            continue
        kind = blocks[place].kind
        if kind == "h1" or kind[0] != "h" or blocks[place].formulas or not any(keep[:place]):
            return
        keep[place] = False


def _linked(block: Sized, share: float) -> bool:
    if block.chars == 0:
        return False
    return block.links >= (0.5 * share if _ELSEWHERE.match(block.text) else share) * block.chars


def _is_prose(block: Sized) -> bool:
    return block.formulas > 0 or (block.chars - block.links > 60 and block.links < 0.4 * block.chars)
