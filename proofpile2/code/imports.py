"""Modules and headers that a file asks for, read from parse trees.

A whole parse runs at one to three megabytes a second, so only statements are parsed: lines that begin as an import does
are found byte by byte, outside of comments and strings over several lines, and each distinct one is parsed once in a
process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from proofpile2.code.lexis import Lexis, masker

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

__all__ = ["GRAMMARS", "error_share", "importer", "parser_of"]

HEAD = 16_384
"""Bytes in which imports are looked for."""

_MEMO_LIMIT = 50_000


@dataclass(frozen=True)
class _Form:
    """How a language imports: lines that may, nodes of the statements and of the names in them, and how to end a
    statement that goes on in the next line."""

    lines: re.Pattern[bytes]
    statements: frozenset[str]
    names: frozenset[str]
    hides: Lexis  # what may hide a line: comments and strings over several lines
    fields: tuple[str, ...] = ()  # look under these fields of the statement only
    ends: tuple[tuple[re.Pattern[bytes], bytes], ...] = ()


def _lines(words: bytes) -> re.Pattern[bytes]:
    # begins with a byte that can be skipped to, as ^ does not
    return re.compile(rb"\n[ \t]*(?:" + words + rb")[^\n]*")


_C = _Form(
    _lines(rb"#[ \t]*include"),
    frozenset({"preproc_include"}),
    frozenset({"string_literal", "system_lib_string"}),
    Lexis(block=(("/*", "*/"),)),
)
_PYTHON = _Form(
    _lines(rb"import|from"),
    frozenset({"import_statement", "import_from_statement"}),
    frozenset({"dotted_name", "relative_import"}),
    Lexis(long_strings=(('"""', '"""'), ("'''", "'''"))),
    ("module_name", "name"),
    ((re.compile(rb"\bimport[ \t]*[(\\].*"), b"import _"), (re.compile(rb"[ \t]*,?[ \t]*\\?\Z"), b"")),
)
_FORMS = {
    "c": _C,
    "cpp": _C,
    "python": _PYTHON,
    "jupyter": _PYTHON,
    "haskell": _Form(
        _lines(rb"import"),
        frozenset({"import"}),
        frozenset({"module"}),
        Lexis(block=(("{-", "-}"),), nested=True),
        ("module",),
        ((re.compile(rb"[ \t]*(?:\(|as[ \t]|hiding\b|--).*"), b""),),
    ),
    "julia": _Form(
        _lines(rb"using|import"),
        frozenset({"using_statement", "import_statement"}),
        frozenset({"identifier", "scoped_identifier", "import_path"}),
        Lexis(block=(("#=", "=#"),), long_strings=(('"""', '"""'),)),
        (),
        ((re.compile(rb",[ \t]*\Z"), b""),),
    ),
}
GRAMMARS = ("c", "cpp", "haskell", "julia", "matlab", "python")
"""Languages whose grammars come as wheels of their own (``tree-sitter-c`` ...)."""


def parser_of(language: str) -> Parser:
    """A parser for one of :data:`GRAMMARS`."""
    from tree_sitter import Language, Parser  # noqa: PLC0415  (only where a language needs it)

    return Parser(Language(import_module(f"tree_sitter_{language}").language()))


def error_share(parser: Parser, data: bytes) -> float:
    """Share of the bytes that stand in nodes which the grammar could not make sense of."""
    tree = parser.parse(data)
    errors, queue = 0, [tree.root_node]
    while queue:
        node = queue.pop()
        if node.is_error and node.parent is not None:
            errors += node.end_byte - node.start_byte
        elif node.has_error:
            queue.extend(node.children)
    return (errors if not tree.root_node.is_error else len(data)) / max(1, len(data))


def importer(language: str) -> Callable[[bytes], frozenset[str]]:
    """A function from a file's bytes to what it imports: ``numpy.linalg``, ``gsl/gsl_math.h``, ``Data.Complex``."""
    if language == "r":
        return _of_r
    form = _FORMS[language]
    parser, reveal = parser_of("python" if language == "jupyter" else language), masker(form.hides)
    marks = [begin.encode() for begin, _ in (*form.hides.block, *form.hides.long_strings)]
    memo: dict[bytes, tuple[str, ...]] = {}

    def learn(texts: Iterable[bytes]) -> None:
        closed = {text: _closed(text, form) for text in texts if text not in memo}
        fresh = [statement for statement in dict.fromkeys(closed.values()) if statement not in memo]
        named: dict[int, list[str]] = {}
        for row, name in _names(parser, b"\n".join(fresh) + b"\n", form) if fresh else ():
            named.setdefault(row, []).append(name)
        memo.update({statement: tuple(named.get(row, ())) for row, statement in enumerate(fresh)})
        memo.update({text: memo[statement] for text, statement in closed.items()})

    def imports(data: bytes) -> frozenset[str]:
        head = b"\n" + data[:HEAD]
        found = list(form.lines.finditer(head))
        if not found:
            return frozenset()
        head = head[: found[-1].end()]
        hidden = any(mark in head for mark in marks)
        texts = [text.strip() for text in (form.lines.findall(reveal(head)) if hidden else (one[0] for one in found))]
        if len(memo) > _MEMO_LIMIT:
            memo.clear()
        if any(text not in memo for text in texts):
            learn(texts)
        return frozenset(name for text in texts for name in memo[text])

    return imports


def _closed(statement: bytes, form: _Form) -> bytes:
    """A statement of which the first line is there, made whole."""
    for pattern, end in form.ends:
        statement = pattern.sub(end, statement, count=1)
    return statement


def _names(parser: Parser, data: bytes, form: _Form) -> Iterator[tuple[int, str]]:
    """Row of the statement and imported name, for every import of a tree."""
    queue = [parser.parse(data).root_node]
    while queue:
        node = queue.pop()
        if node.type not in form.statements:
            queue.extend(node.children)
            continue
        row = node.start_point[0]
        for name in _named(node, form):
            yield row, name


def _named(statement: Node, form: _Form) -> Iterator[str]:
    if statement.type == "import_from_statement":
        starts = statement.children_by_field_name("module_name")
    elif form.fields:
        starts = [node for field in form.fields for node in statement.children_by_field_name(field)]
    else:
        starts = list(statement.children)
    while starts:
        node = starts.pop()
        if node.type in form.names:
            text = (node.text or b"").decode("utf-8", "replace").strip('<>" \t')
            if text:
                yield text
        elif node.type in ("selected_import", "aliased_import", "import_alias"):  # using A: b, c imports A
            starts.extend(node.children[:1])


_R_CALL = re.compile(rb"(?:library|require|requireNamespace|loadNamespace)[ \t]*\([ \t]*[\"']?([A-Za-z][\w.]*)")
_R_ROXYGEN = re.compile(rb"#'[ \t]*@import(?:From)?[ \t]+([A-Za-z][\w.]*)")
_R_NAME = re.compile(rb"[A-Za-z][\w.]*\Z")


def _of_r(data: bytes) -> frozenset[str]:
    """R has no grammar among the wheels: calls of ``library``, ``pkg::name`` outside comments, and roxygen's lines."""
    head = data[:HEAD]
    names = []
    if b"@import" in head:
        names += _R_ROXYGEN.findall(head)
    if b"library" in head or b"require" in head or b"loadNamespace" in head:
        names += [found.group(1) for found in _R_CALL.finditer(head) if not _in_r_comment(head, found.start())]
    place = head.find(b"::")
    while place >= 0:
        if (name := _R_NAME.search(head, max(0, place - 40), place)) and not _in_r_comment(head, place):
            names.append(name.group())
        place = head.find(b"::", place + 3)
    return frozenset(name.decode() for name in names)


def _in_r_comment(head: bytes, place: int) -> bool:
    return b"#" in head[head.rfind(b"\n", 0, place) + 1 : place]
