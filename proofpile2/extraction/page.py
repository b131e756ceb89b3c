"""From the HTML of a page to its text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

from proofpile2.extraction import config as cf
from proofpile2.extraction import content, markdown
from proofpile2.extraction import formulas as fm
from proofpile2.extraction import tex as tx
from proofpile2.extraction.blocks import Block, Piece
from proofpile2.extraction.delimiters import END, MARKS, REF, Add, Rules, rules_for, tokenise
from proofpile2.extraction.typeset import formulas_in, strong_runs
from proofpile2.extraction.walk import TooManyNodes, walk
from proofpile2.schema import unit_interval

__all__ = ["Options", "Page", "extract", "randomized"]


@dataclass(frozen=True)
class Options:
    """How to extract.

    ``whole``      keep navigation, sidebars and the like too
    ``max_nodes``  a page with more nodes (elements, texts, comments) is dropped
    ``lines``      drop the lines that every site has (``Skip to content``)
    ``linked``     lines before and behind the prose go from this share of linked text on
    ``heading``    the sign of a heading, repeated by its level; ``fence`` that of a block of code
    """

    whole: bool = False
    max_nodes: int = 2_000_000
    lines: bool = True
    linked: float = 0.8
    heading: str = "#"
    fence: str = "```"


@dataclass(frozen=True)
class Page:
    """``text`` is Markdown with formulas as ``$..$`` and ``$$..$$``; ``drop`` says why there is none, else None."""

    text: str
    title: str | None
    formulas: int
    drop: str | None


_HEADINGS = ("#", "#", "#", "=", "")
_FENCES = ("```", "```", "~~~", "")


def randomized(options: Options, identity: str) -> Options:
    """The options with the form of headings and code and the bounds of boilerplate chosen by the document's id.

    As in OpenWebMath's configs/randomized_all.yaml lines of boilerplate stay in 5 % of the documents, and 10 % have
    the other bound.
    """
    heading = _HEADINGS[int(unit_interval(identity, "heading") * len(_HEADINGS))]
    fence = _FENCES[int(unit_interval(identity, "fence") * len(_FENCES))]
    lines = options.lines and unit_interval(identity, "lines") < 0.95
    linked = options.linked if unit_interval(identity, "linked") < 0.9 else 0.95
    return replace(options, heading=heading, fence=fence, lines=lines, linked=linked)


_PREFIXED = re.compile(r"<([A-Za-z][\w-]{0,15}):math[\s>]")
_SELF_CLOSED = re.compile(r"<(script|title|textarea|style|iframe|noscript|a)\b([^<>]*)/>", re.IGNORECASE)
_MARK_ENTITY = re.compile("&#(?:[xX]0*[eE]00[0-9a-fA-F]|0*573(?:4[4-9]|5[0-9]))(?![0-9a-fA-F]);?")


def prepare(html: str) -> str:
    """What an HTML parser would misread is written so that it does not: prefixed MathML, XHTML's empty elements."""
    if "\0" in html:
        html = html.replace("\0", "")
    if not html.isascii():
        try:
            marked = b"\xee\x80" in html.encode()  # how the marks of delimiters.py begin in UTF-8
        except UnicodeEncodeError:
            html, marked = html.encode("utf-8", "replace").decode(), True
        if marked:
            html = MARKS.sub("\ufffd", html)
    if _MARK_ENTITY.search(html):
        html = _MARK_ENTITY.sub("\ufffd", html)
    prefixes = set(_PREFIXED.findall(html)) if ":math" in html else set()
    for prefix in prefixes:
        html = re.sub(rf"<(/?){re.escape(prefix)}:(?=[A-Za-z])", r"<\1", html)
    head = html[:1000].lower()
    if "xhtml" in head and _SELF_CLOSED.search(html):
        html = _SELF_CLOSED.sub(r"<\1\2></\1>", html)
    return html


def extract(html: str, url: str | None = None, options: Options = Options()) -> Page:
    """The content of a page as Markdown with LaTeX.

    Never raises for what a page holds; what can't be read gives a reason in ``drop``: ``empty_page``, ``frameset``,
    ``too_many_nodes``.
    """
    del url
    if not html.strip():
        return Page("", None, 0, "empty_page")
    parser = LexborHTMLParser(prepare(html))
    root = parser.body or parser.root
    if root is None:
        return Page("", None, 0, "empty_page")
    title = _title(parser)
    if root.tag == "frameset" or (parser.body is None and parser.css_first("frameset") is not None):
        return Page("", title, 0, "frameset")
    config = _config(parser)
    italics = "$" not in html and "\\(" not in html and _scripted(html) >= 3
    try:
        walked = walk(root, config, options.max_nodes, options.whole, "$" in html, italics)
        if walked.skipped and walked.meagre():  # perhaps it was the text that was called boilerplate
            walked = walk(root, config, options.max_nodes, True, "$" in html, italics)
    except TooManyNodes:
        return Page("", title, 0, "too_many_nodes")
    blocks, pieces = walked.blocks, walked.pieces
    rules = rules_for(config, (text for block in blocks for text in _texts(block)))
    macros = dict(config.macros)

    def add(raw: str, display: bool | None, language: str) -> str | None:
        made = fm.from_delimiters(raw, display, language)
        if made is None:
            return None
        if "\\newcommand" in made.tex or "\\def" in made.tex or "\\DeclareMathOperator" in made.tex:
            found = tx.definitions(made.tex)
            macros.update(found)
            if found and tx.only_definitions(made.tex):
                return ""
        tail = ""
        if made.tex.endswith("}") and (match := _TAIL.search(made.tex)):  # PreTeXt sets punctuation inside
            made, tail = fm.Formula(made.tex[: match.start()], made.display), match.group(1)
        pieces.append(Piece("formula", made.tex, made.display, "delimiters"))
        return f"{REF}{len(pieces) - 1}{END}{tail}"

    if italics and not any(piece.kind == "formula" and piece.source != "layout" for piece in pieces):
        _typeset(blocks, pieces)
    for block in blocks:
        _tokenise(block, rules, add, pieces)
    keep = content.choose(blocks, options.whole, options.lines, options.linked)
    chosen = [block for block, good in zip(blocks, keep, strict=True) if good]
    text = markdown.render(chosen, pieces, markdown.Style(options.heading, options.fence))
    formulas = [
        pieces[int(n)].content
        for block in chosen
        if block.formulas
        for part in _texts(block)
        for n in _NUMBER.findall(part)
        if pieces[int(n)].kind == "formula"
    ]
    text = _with_macros(text, formulas, {**walked.macros, **macros})
    if not text.strip():
        return Page("", title, 0, "empty_page")
    return Page(text, title, len(formulas), None)


_TAIL = re.compile(r"(?<=[^\s{\\])\s*\\text\s*\{\s*([.,;:!?)]{1,3})\s*\}$")
_NUMBER = re.compile(f"{REF}(\\d+){END}")
_LONE = re.compile(
    f"[\\s\ue002-\ue009\u00a0]*{REF}(\\d+){END}[\\s\ue002-\ue009\u00a0.,;:]*(?:\\(\\s*[\\w.]{{1,8}}\\s*\\))?[\\s\ue002-\ue009]*"
)


def _lone(block: Block, pieces: list[Piece]) -> None:
    """A formula whose form the markup leaves open is displayed where it is all there is in its paragraph."""
    match = _LONE.fullmatch(block.text)
    if match:
        piece = pieces[int(match.group(1))]
        if piece.kind == "formula" and piece.display is None:
            piece.display = True


def _tokenise(block: Block, rules: Rules, add: Add, pieces: list[Piece]) -> None:
    """Formulas out of the texts of a block, and how many there are."""
    if block.kind == "pre":
        return
    if block.rows:
        block.rows = [[tokenise(cell, rules, add) for cell in row] for row in block.rows]
        texts = [cell for row in block.rows for cell in row if REF in cell]
    else:
        block.text = tokenise(block.text, rules, add)
        if REF not in block.text:
            return
        if block.kind == "p":
            _lone(block, pieces)
        texts = [block.text]
    block.formulas = sum(pieces[int(number)].kind == "formula" for text in texts for number in _NUMBER.findall(text))


def _scripted(html: str) -> int:
    """Number of subscripts and superscripts."""
    return sum(html.count(tag) for tag in ("<sub", "<sup", "<SUB", "<SUP"))


def _typeset(blocks: list[Block], pieces: list[Piece]) -> None:
    """Formulas that are set with italics and scripts, on a page that shows three of them without a doubt."""
    if sum(strong_runs(text) for block in blocks for text in _texts(block) if len(text) < 20_000) < 3:
        return

    def add(tex: str) -> str:
        pieces.append(Piece("formula", tex, None, "typeset"))
        return f"{REF}{len(pieces) - 1}{END}"

    for block in blocks:
        if block.rows:
            block.rows = [[formulas_in(cell, add) for cell in row] for row in block.rows]
        elif block.kind != "pre":
            block.text = formulas_in(block.text, add)


def _texts(block: Block) -> list[str]:
    return [cell for row in block.rows for cell in row] if block.rows else [] if block.kind == "pre" else [block.text]


def _with_macros(text: str, formulas: list[str], macros: dict[str, str]) -> str:
    """The definitions of macros that the formulas use and no formula of the text makes, once, before the text."""
    if not macros:
        return text
    made = {name for formula in formulas if "\\" in formula for name in tx.definitions(formula)}
    used = [name for name in tx.used_macros(formulas, macros) if name not in made]
    if not used:
        return text
    return "$$" + "\n".join(macros[name] for name in used) + "$$\n\n" + text


def _title(parser: LexborHTMLParser) -> str | None:
    node: LexborNode | None = parser.head.first_child if parser.head is not None else None
    while node is not None and node.tag != "title":
        node = node.next
    return (" ".join(node.text().split()) or None) if node is not None else None


def _config(parser: LexborHTMLParser) -> cf.Config:
    scripts: list[str] = []
    sources: list[str] = []
    for script in parser.css("script"):
        attributes = script.attributes
        address = attributes.get("src")
        if address:
            sources.append(address)
        kind = (attributes.get("type") or "").lower()
        if not kind or "javascript" in kind or "mathjax" in kind or kind == "module":
            text = script.text()
            if text:
                scripts.append(text)
    return cf.read(scripts, sources)
