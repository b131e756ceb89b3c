"""One pass over a page's tree: text into blocks, formulas and code out of the way.

The pass is a loop with its own stack, so nesting costs no recursion. Blocks come out in page order with what the later
stages need: kind, the lists and quotes around them, the zone they stand in, how much of them is linked.
"""

from __future__ import annotations

import re
from functools import lru_cache

from selectolax.lexbor import LexborNode

from proofpile2.extraction import formulas as fm
from proofpile2.extraction import tex as tx
from proofpile2.extraction.blocks import Block, Box, Piece, Table
from proofpile2.extraction.config import Config
from proofpile2.extraction.content import BOILER, CODE, CONTENT, HIDDEN, MATH, RENDERED, Zone, name_flags
from proofpile2.extraction.delimiters import BREAK, EDGE, EMPHASIS, END, MARKS, REF
from proofpile2.extraction.elements import evidence, hidden_source, is_unseen, picture, source_follows
from proofpile2.extraction.furniture import AROUND, ZONE_TAGS, is_label, zone_kind
from proofpile2.extraction.preformatted import code_lines, is_gutter, language, preformatted
from proofpile2.extraction.rendering import Rendering
from proofpile2.extraction.tags import (
    BLOCK_TAGS,
    HEADINGS,
    MARKED_TAGS,
    ORDINARY,
    PASSED,
    PLAIN_TAGS,
    SKIP_TAGS,
    STANDARD,
)
from proofpile2.extraction.typeset import ITALIC, SUB, SUP, UNSCRIPT, UPRIGHT

__all__ = ["TooManyNodes", "Walker", "walk"]

_MAX_BOXES = 24


class TooManyNodes(Exception):
    """The page has more nodes than it may."""


_MAIN_PROPS = frozenset(("articleBody", "text", "mainEntity", "mainContentOfPage"))
_IN_NOSCRIPT = 'img, math, script[type^="math/"]'
_SIGNS = re.compile(r"[$\\`#\[@]")
_SOURCE, _UNSEEN = 1, 2
_DEFINES = re.compile(r"\\(?:re|provide)?newcommand|\\def\s*\\|\\DeclareMathOperator")


class Walker:
    """State of the pass; :func:`walk` is the way in."""

    def __init__(self, config: Config, max_nodes: int, everything: bool, total: int, edge: str) -> None:
        self.config = config
        # preformatted text with typeset formulas in it is no code
        names = (f", .{name}" for name in sorted(config.process) if re.fullmatch(r"[A-Za-z][\w-]*", name))
        self.in_pre = 'math, script[type^="math/"], mjx-container' + "".join(names)
        self.everything = everything
        self.italics = False  # mark them, on a page whose formulas may be set with them
        self.total = total
        self.skipped = 0  # characters of the zones that were left out
        self.wide = 0  # zones that were not, being most of the page
        self.edge = edge
        self.modes = re.compile("|".join(re.escape(name) for name in sorted(config.ignore | config.process)))
        self.max_nodes = max_nodes
        self.blocks: list[Block] = []
        self.pieces: list[Piece] = []
        self.macros: dict[str, str] = {}
        self.parts: list[str] = []
        self.chars = self.links = 0
        self.in_link = 0
        self.kind = "p"
        self.boxes: tuple[Box, ...] = ()
        self.zone: Zone | None = None
        self.main = 0
        self.ignoring = False
        self.mathematical = 0
        self.nested = 0  # mathematical elements inside each other
        self.rendering: Rendering | None = None  # of a formula from a comment
        self.tables: list[Table] = []
        self.counters: list[list[int]] = []  # of the lists open: [kind, number, identity]
        self.lists = 0

    def meagre(self) -> bool:
        """Whether so little was found beside what was left out that the choice must have been wrong."""
        found = sum(block.chars for block in self.blocks)
        return found < 500 and found < 0.1 * (found + self.skipped)

    # ------------------------------------------------------------ text

    def flush(self) -> None:
        """End the paragraph that is being collected."""
        if not self.parts:
            return
        if self.chars:
            block = Block(self.kind, "".join(self.parts), self.boxes, self.zone, self.main > 0)
            block.chars, block.links = self.chars, self.links
            self.blocks.append(block)
            self.chars = self.links = 0
        self.parts = []

    def place(self, kind: str, text: str) -> Block:
        """A block that stands where the pass is."""
        return Block(kind, text, self.boxes, self.zone, self.main > 0)

    def put(self, piece: Piece) -> None:
        self.parts.append(f"{REF}{len(self.pieces)}{END}")
        self.pieces.append(piece)

    def formula(self, made: fm.Formula, source: str) -> None:
        """Add a formula, unless it is the same one again in another form right behind the first."""
        if _DEFINES.search(made.tex):
            self.macros.update(tx.definitions(made.tex))
        if self.pieces and self.after_formula():
            last = self.pieces[-1]
            if last.source != source and _same(last.content, made.tex):
                last.display = last.display if last.display is not None else made.display
                return
        self.put(Piece("formula", made.tex, made.display, source))
        self.chars += 1

    # ------------------------------------------------------------ the pass

    def run(self, root: LexborNode) -> None:
        stack: list[tuple[LexborNode, str, object]] = []
        node: LexborNode | None = root
        left = self.max_nodes
        while True:
            if node is None:
                if not stack:
                    break
                node, action, saved = stack.pop()
                if action:
                    self.leave(action, saved)
                node = node.next
                continue
            left -= 1
            if left < 0:
                raise TooManyNodes
            tag = node.tag or ""
            if tag == "-text":
                text = node.text_content or ""
                if text.isspace():
                    if self.parts:
                        self.parts.append(" ")
                elif self.ignoring or self.rendering is not None:
                    self.text(text)
                else:
                    self.parts.append(text)
                    size = len(text.strip())
                    self.chars += size
                    if self.in_link:
                        self.links += size
                node = node.next
                continue
            if tag == "br":
                self.parts.append(BREAK)
                node = node.next
                continue
            if tag == "-comment":
                self.comment(node)
                node = node.next
                continue
            entered = self.enter(node, tag)
            if entered is not None:
                child = node.first_child
                if child is not None:
                    stack.append((node, *entered))
                    node = child
                    continue
                if entered[0]:
                    self.leave(*entered)
            node = node.next if stack else None
        self.flush()

    def text(self, text: str) -> None:
        """Text that is not all white space."""
        if self.rendering is not None:
            text = self.rendering.rest(text)
            if self.rendering.done:
                self.rendering = None
            if not text or text.isspace():
                self.parts.append(text)
                return
        if self.ignoring and _SIGNS.search(text):
            self.put(Piece("text", text))
        else:
            self.parts.append(text)
        size = len(text.strip())
        self.chars += size
        if self.in_link:
            self.links += size

    def comment(self, node: LexborNode) -> None:
        content = node.comment_content or ""
        if "$" in content or "MATH" in content or "\\" in content:
            made = fm.from_comment(content)
            if made:
                self.formula(made, "comment")
                self.rendering = Rendering(self.pieces[-1].content)

    def enter(self, node: LexborNode, tag: str) -> tuple[str, object] | None:
        """What to do when the element ends, or None to leave it out (it is done or it is nothing)."""
        if tag in PLAIN_TAGS and tag not in self.config.skip_tags:
            if tag == "tr":
                self.flush()
                if self.tables:
                    self.tables[-1].rows.append([])
                return "block", None
            if tag == "hr":
                self.flush()
                return None
            if tag in BLOCK_TAGS:
                return "", None
            if self.edge:
                self.parts.append(EDGE)
                return "edge", EDGE
            return "", None
        if tag in SKIP_TAGS:
            return None
        attributes = node.attributes
        if self.rendering is not None:
            taken = self.rendering.element(node, tag, attributes)
            if self.rendering.done:
                self.rendering = None
            if taken is not None:
                return taken[0]
        if not attributes and tag in ORDINARY:
            return (
                self.block(node, tag, attributes, "", 0) if tag in BLOCK_TAGS else self.inline(node, tag, attributes, 0)
            )
        names = attributes.get("class") or ""
        flags = name_flags(names if tag in STANDARD else f"{names} {tag}", attributes.get("id") or "")
        if attributes.get("role") == "math":
            flags |= MATH
        if tag in ORDINARY and not flags & (MATH | RENDERED | HIDDEN):
            telling = _telling(tuple(attributes))
            if not telling & _SOURCE or self.ignoring or not (made := fm.from_attributes(attributes, False, tag)):
                if telling & _UNSEEN and is_unseen(attributes):
                    self.hidden(node, tag, attributes, flags)
                    return None
                if tag in BLOCK_TAGS:
                    return self.block(node, tag, attributes, names, flags)
                return self.inline(node, tag, attributes, flags)
            self.found(made, tag)
            return None
        if tag == "script":
            self.script(node, attributes)
            return None
        if tag == "math":
            made = fm.from_math(node, attributes)
            if made:
                self.formula(made, "math")
            return None
        if tag in ("img", "embed"):
            made = fm.from_image(attributes, bool(flags & MATH) or self.mathematical > 0)
            if made:
                self.formula(made, "image")
            return None
        if flags & RENDERED or tag in ("mjx-container", "alternatives", "inline-formula"):
            return self.rendered(node, tag, attributes, names)
        if tag in ("svg", "object"):
            return self.picture(node, tag, attributes, flags)
        if tag == "noscript":
            if self.after_formula():
                return None
            if len(node.text()) < min(300, 0.5 * self.total) and node.css_first(_IN_NOSCRIPT) is None:
                return None
            return "", None
        if flags & HIDDEN or is_unseen(attributes):
            self.hidden(node, tag, attributes, flags)
            return None
        if not self.ignoring:
            made = evidence(node, tag, attributes, bool(flags & MATH), self.nested)
            if made:
                self.found(made, tag)
                return None
        if tag in BLOCK_TAGS:
            return self.block(node, tag, attributes, names, flags)
        return self.inline(node, tag, attributes, flags)

    def found(self, made: fm.Formula, tag: str) -> None:
        """A formula that is a whole element."""
        if tag in BLOCK_TAGS:
            self.flush()
            self.formula(made, "element")
            self.flush()
        else:
            self.formula(made, "element")

    def inline(self, node: LexborNode, tag: str, attributes: fm.Attributes, flags: int) -> tuple[str, object] | None:
        if tag == "a":
            if flags & BOILER:
                return None
            self.in_link += 1
            self.parts.append(self.edge)
            return "a", len(self.parts)
        if tag in ("code", "kbd", "samp"):
            self.code(node)
            return None
        if tag in ("sup", "sub"):
            first = node.first_child
            if tag == "sup" and (self.in_link or (first is not None and first.tag == "a")):  # the mark of a note
                bare = not node.text().strip().startswith(("[", "("))
                self.parts.append("[" if bare else "")
                return ("edge", "]") if bare else ("", None)
            self.parts.append(SUP if tag == "sup" else SUB)
            return "edge", UNSCRIPT
        if flags & BOILER and len(node.text()) < 80:
            return None
        if self.italics and (tag in ("i", "em", "var") or _slanted(attributes)):
            self.parts.append(ITALIC)
            return "edge", UPRIGHT
        if tag == "em":
            self.parts.append(EMPHASIS)
            return "edge", EMPHASIS
        if tag == "q":
            self.parts.append("“")
            return "edge", "”"
        if tag == "label" and self.zone is not None:
            return None
        self.parts.append(" : " if attributes and attributes.get("class") == "classifier" else self.edge)
        mode = self.mode(attributes.get("class") or "", flags) if attributes else None
        if tag in self.config.skip_tags:
            mode = True
        if mode is not None:
            saved = self.ignoring
            self.ignoring = mode
            return "mode", saved
        if flags & MATH:
            self.mathematical += 1
            self.nested += 1
            return "math", None
        return ("edge", EDGE) if self.edge else ("", None)

    def mode(self, names: str, flags: int) -> bool | None:
        """Whether class names turn typesetting off (True) or on again (False)."""
        if not names or (not self.ignoring and not self.modes.search(names)):
            return None
        tokens = set(names.split())
        if tokens & self.config.process or (self.ignoring and flags & MATH):
            return False if self.ignoring else None
        return True if tokens & self.config.ignore else None

    def code(self, node: LexborNode) -> None:
        """Code in a line; as text it would be searched for formulas."""
        text = MARKS.sub("", node.text())
        if not text.strip():
            return
        self.put(Piece("code", " ".join(text.split())))
        self.chars += len(text)
        if self.in_link:
            self.links += len(text)

    def script(self, node: LexborNode, attributes: fm.Attributes) -> None:
        kind = attributes.get("type") or ""
        if kind and fm.is_math_script(kind):
            made = fm.from_script(attributes, node.text())
            if made:
                self.formula(made, "script")

    def rendered(self, node: LexborNode, tag: str, attributes: fm.Attributes, names: str) -> tuple[str, object] | None:
        """What a program rendered: its source may be inside it or in a script right behind it."""
        if source_follows(node):
            return None
        made = None
        if "MathJax_Preview" not in names:
            made = fm.from_rendered(node, attributes, tag)
        if made is None:
            made = evidence(node, tag, attributes, True, self.nested)
        if made:
            self.formula(made, "rendered")
            return None
        if len(node.text()) > 400 or node.css_first("p, li") is not None:  # a class of the whole text, not of a formula
            return self.block(node, tag, attributes, names, 0) if tag in BLOCK_TAGS else ("", None)
        return None

    def picture(self, node: LexborNode, tag: str, attributes: fm.Attributes, flags: int) -> tuple[str, object] | None:
        made = picture(node, attributes, tag, bool(flags & MATH) or self.mathematical > 0)
        if made:
            self.formula(made, "picture")
        return ("", None) if made is None and tag == "object" else None

    def after_formula(self) -> bool:
        """Whether nothing but white space came since the last formula."""
        if not self.pieces or self.pieces[-1].kind != "formula":
            return False
        tail = "".join(self.parts[-4:]).rstrip(" \n\t\r\u00a0" + EDGE)
        return tail.endswith(f"{REF}{len(self.pieces) - 1}{END}")

    def hidden(self, node: LexborNode, tag: str, attributes: fm.Attributes, flags: int) -> None:
        """Nothing of what isn't shown, but for macros defined there and the source of the picture before it."""
        text = node.text()
        if len(text) > 100_000:
            return
        if "\\" in text and _DEFINES.search(text):
            self.macros.update(tx.definitions(text))
            return
        made = None if self.after_formula() else hidden_source(node, tag, text, attributes, flags)
        if made:
            self.formula(made, "hidden")

    # ------------------------------------------------------------ blocks

    def block(
        self, node: LexborNode, tag: str, attributes: fm.Attributes, names: str, flags: int
    ) -> tuple[str, object] | None:
        if self.parts:
            self.flush()
        if tag in ("pre", "listing", "xmp", "plaintext") and not (tag == "pre" and node.css_first(self.in_pre)):
            self.pre(node, names)
            return None
        if flags & CODE and tag == "div" and (text := code_lines(node)):
            self.code_block(node, text, names)
            return None
        if tag in ("td", "th"):
            return self.cell(node, tag, attributes, names, flags)
        if (
            tag in PASSED
            and not (flags or self.mathematical or self.ignoring or self.config.skip_tags)
            and self.kind != "li"
            and (not attributes or not self.tells(attributes, names))
        ):
            return "block", None
        saved = (self.kind, self.boxes, self.zone, self.main, self.ignoring, self.mathematical, self.nested)
        if attributes or tag in MARKED_TAGS:
            role = attributes.get("role") or ""
            if (
                tag == "main"
                or role == "main"
                or tag == "article"
                or flags & CONTENT
                or attributes.get("itemprop") in _MAIN_PROPS
            ):
                if tag != "body":
                    self.main += 1
            elif (
                (flags & BOILER or role or tag in ZONE_TAGS or tag == "header")
                and tag != "body"
                and not self.enter_zone(node, tag, role, names, flags)
            ):
                return None
            mode = self.mode(names, flags) if names else None
            if tag in self.config.skip_tags:
                mode = True
            if mode is not None:
                self.ignoring = mode
            self.nested += 1 if flags & MATH else 0
            self.mathematical = 1 if flags & MATH and tag in ("p", "div", "center", "figure", "dd", "li") else 0
        else:
            self.mathematical = 0
            if tag in self.config.skip_tags:
                self.ignoring = True
        if tag in HEADINGS:
            self.kind = tag
        elif tag in ("p", "div"):
            if self.kind == "li":
                self.kind = "p"
        elif tag == "li":
            self.item(attributes)
            self.kind = "li"
        elif tag in ("ul", "ol", "menu", "dir"):
            start = attributes.get("start") or "1"
            self.lists += 1
            number = int(start) if re.fullmatch(r"\d{1,6}", start) else 1
            self.counters.append([1 if tag == "ol" else 0, number, self.lists])
            return "list", saved
        elif tag == "blockquote":
            if not flags & CONTENT and "content" not in names and len(self.boxes) < _MAX_BOXES:
                self.boxes = (*self.boxes, Box("quote", "> "))
        elif tag == "dt":
            self.kind = "dt"
        elif tag == "dd":
            if len(self.boxes) < _MAX_BOXES and self.blocks and self.blocks[-1].kind == "dt":
                self.boxes = (*self.boxes, Box("dd", ": "))
        elif tag == "table":
            if "display" in names and node.css_first("td.dcell") is not None:  # HeVeA's
                made = fm.from_display_table(node)
                if made:
                    self.formula(made, "layout")
                    self.flush()
                    self.restore(saved)
                    return None
            self.tables.append(Table(self.blocks, attributes, flags, names))
            self.blocks = []
            return "table", saved
        elif tag == "caption" and self.tables:
            self.kind = "caption"
        return "block", saved

    def tells(self, attributes: fm.Attributes, names: str) -> bool:
        """Whether attributes of a block without telling names still change anything for what is inside."""
        return (
            "role" in attributes or "itemprop" in attributes or (names != "" and self.modes.search(names) is not None)
        )

    def enter_zone(self, node: LexborNode, tag: str, role: str, names: str, flags: int) -> bool:
        """Open a zone of boilerplate where the element is one; False where it is to be left out altogether."""
        kind = zone_kind(tag, role, names, flags, self.main > 0)
        if not kind or self.wide > _MAX_BOXES:
            return True
        headings = kind == "header" or role == "banner" or "header" in names.lower()
        if not self.everything and not headings:
            size = len(node.text())
            if size <= 0.5 * self.total:
                self.skipped += size
                return False
            self.wide += 1
        self.zone = Zone(kind, self.zone, headings)
        return True

    def item(self, attributes: fm.Attributes) -> None:
        if len(self.boxes) >= _MAX_BOXES:
            return
        if not self.counters:
            self.boxes = (*self.boxes, Box("item", "- "))
            return
        counter = self.counters[-1]
        marker = "- "
        if counter[0]:
            value = attributes.get("value") or ""
            if re.fullmatch(r"\d{1,6}", value):
                counter[1] = int(value)
            marker = f"{counter[1]}. "
            counter[1] += 1
        self.boxes = (*self.boxes, Box("item", marker, counter[2]))

    def cell(
        self, node: LexborNode, tag: str, attributes: fm.Attributes, names: str, flags: int
    ) -> tuple[str, object] | None:
        if names and is_gutter(names):
            return None
        saved = (self.kind, self.boxes, self.zone, self.main, self.ignoring, self.mathematical, self.nested)
        if flags & CONTENT:
            self.main += 1
        elif flags & BOILER and not self.enter_zone(node, tag, "", names, flags):
            return None
        self.mathematical = 1 if flags & MATH else 0
        self.kind = "p"
        if self.tables:
            self.tables[-1].begin(tag, attributes, self.blocks)
            self.blocks = self.tables[-1].cell
        return "cell", saved

    def pre(self, node: LexborNode, names: str) -> None:
        """Preformatted text: code, its language from the class names of it, of its parent or of the code in it."""
        text = preformatted(node)
        if not text.strip():
            return
        if name_flags(names, "") & MATH:
            made = fm.from_text(text, {"class": names}, "pre")
            if made:
                self.formula(fm.Formula(made.tex, made.display is not False), "element")
                self.flush()
                return
        self.code_block(node, text, names)

    def code_block(self, node: LexborNode, text: str, names: str) -> None:
        block = self.place("pre", MARKS.sub("", text))
        block.language = language(node, names)
        block.chars = len(text)
        self.blocks.append(block)

    def leave(self, action: str, saved: object) -> None:
        """The end of an element: ``action`` and ``saved`` are what :meth:`enter` gave for it."""
        if action == "edge":
            self.parts.append(str(saved))
        elif action == "block":
            if self.parts:
                self.flush()
            if saved is not None:
                self.restore(saved)
        elif action == "a":
            self.in_link -= 1
            if 0 < len(self.parts) - saved < 6:  # type: ignore[operator]
                self.unlabel(saved)  # type: ignore[arg-type]
            self.parts.append(self.edge)
        elif action == "math":
            self.mathematical -= 1
            self.nested -= 1
            self.parts.append(self.edge)
        elif action == "mode":
            self.ignoring = bool(saved)
            self.parts.append(self.edge)
        else:
            self.flush()
            self.restore(saved)
            if action == "list":
                self.counters.pop()
            elif action == "cell" and self.tables:
                self.blocks = self.tables[-1].end()
            elif action == "table":
                table = self.tables.pop()
                self.blocks = table.outer
                table.into(self.blocks, self.pieces, self.place)

    def unlabel(self, start: int) -> None:
        """Take back a link that is nothing but a label of the page's program (``[source]``, ``More...``)."""
        linked = "".join(self.parts[start:]).strip(AROUND)
        if is_label(linked):
            size = sum(len(part.strip(AROUND)) for part in self.parts[start:])
            del self.parts[start:]
            self.chars = max(0, self.chars - size)
            self.links = max(0, self.links - size)

    def restore(self, saved: object) -> None:
        self.kind, self.boxes, self.zone, self.main, self.ignoring, self.mathematical, self.nested = saved  # type: ignore[misc]


@lru_cache(maxsize=65536)
def _telling(attributes: tuple[str, ...]) -> int:
    """Whether names of attributes promise a formula's source, or that the element may not be shown."""
    flags = 0
    for name in attributes:
        if fm.may_hold_source(name):
            flags |= _SOURCE
        elif name in ("style", "hidden"):
            flags |= _UNSEEN
    return flags


def _same(one: str, other: str) -> bool:
    """Whether two sources write one formula, spacing, braces and upright letters apart."""
    return _LOOSE.sub("", one) == _LOOSE.sub("", other)


_LOOSE = re.compile(r"[\s{}]|\\(?:[,;:!]|left|right|mathrm|text|operatorname|displaystyle|mathit)(?![A-Za-z])")


def _slanted(attributes: fm.Attributes) -> bool:
    """A span of a letter in italics, as HeVeA and tex4ht write it."""
    style = attributes.get("style")
    if style and "italic" in style:
        return True
    names = attributes.get("class")
    return names is not None and names.startswith("cmmi")


def walk(
    root: LexborNode, config: Config, max_nodes: int, everything: bool, dollars: bool, italics: bool = False
) -> Walker:
    """Blocks, pieces and macros of the tree below ``root``.

    Parts that their markup calls boilerplate are not even looked into unless they are most of the page or
    ``everything`` is asked for. ``dollars`` says that the page holds some, so that edges of elements matter, and
    ``italics`` that they may be letters of formulas.
    Raises TooManyNodes.
    """
    total = 0 if everything else len(root.text())
    walker = Walker(config, max_nodes, everything, total, EDGE if dollars else "")
    walker.italics = italics
    walker.run(root)
    return walker
