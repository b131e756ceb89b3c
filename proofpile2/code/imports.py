"""Modules and headers that a file asks for, read from parse trees.

A whole parse runs at one to three megabytes a second, so only statements are parsed: lines that begin as an import does
are found byte by byte, each distinct one is parsed once in a process, and where such a line may stand inside of a comment
or a string, the head of the file is parsed as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

__all__ = ["GRAMMARS", "error_share", "importer", "parser_of"]

HEAD = 16_384
"""Bytes in which imports are looked for; a whole parse never sees more."""

_MEMO_LIMIT = 50_000


@dataclass(frozen=True)
class _Form:
    """How a language imports: first words of the lines, nodes of the statements, nodes of the names, what to cut off."""

    words: tuple[bytes, ...]
    statements: frozenset[str]
    names: frozenset[str]
    hides: tuple[tuple[bytes, bytes], ...]  # what may hide a line: comments and strings over several lines
    fields: tuple[str, ...] = ()  # look under these fields of the statement only


_C = _Form((b"#",), frozenset({"preproc_include"}), frozenset({"string_literal", "system_lib_string"}), ((b"/*", b"*/"),))
_FORMS = {
    "c": _C,
    "cpp": _C,
    "python": _Form(
        (b"import", b"from"),
        frozenset({"import_statement", "import_from_statement"}),
        frozenset({"dotted_name", "relative_import"}),
        ((b'"""', b'"""'), (b"'''", b"'''")),
        ("module_name", "name"),
    ),
    "haskell": _Form((b"import",), frozenset({"import"}), frozenset({"module"}), ((b"{-", b"-}"),), ("module",)),
    "julia": _Form(
        (b"using", b"import"),
        frozenset({"using_statement", "import_statement"}),
        frozenset({"identifier", "scoped_identifier", "import_path"}),
        ((b"#=", b"=#"), (b'"""', b'"""')),
    ),
}
GRAMMARS = ("agda", "c", "cpp", "fortran", "haskell", "julia", "matlab", "python")
"""Languages whose grammars come as wheels of their own (``tree-sitter-c`` ...)."""


def parser_of(language: str) -> Parser:
    """A parser for one of :data:`GRAMMARS`."""
    from tree_sitter import Language, Parser

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
    """A function from a file's bytes to the names it imports: ``numpy.linalg``, ``gsl/gsl_math.h``, ``Data.Complex``."""
    if language == "r":
        return _of_r
    language = "python" if language == "jupyter" else language
    form, parser = _FORMS[language], parser_of(language)
    lines = re.compile(rb"^[ \t]*(?:%s)[^\n]*" % b"|".join(form.words), re.MULTILINE)
    if form is _C:
        lines = re.compile(rb"^[ \t]*#[ \t]*include[^\n]*", re.MULTILINE)
    memo: dict[bytes, tuple[str, ...]] = {}

    def imports(data: bytes) -> frozenset[str]:
        head = data[:HEAD]
        found = list(lines.finditer(head))
        if not found:
            return frozenset()
        if _may_hide(head, found[-1].start(), form.hides):
            return frozenset(name for _, name in _names(parser, head, form))
        texts = [one.group().strip() for one in found]
        fresh = list(dict.fromkeys(text for text in texts if text not in memo))
        if fresh:
            if len(memo) > _MEMO_LIMIT:
                memo.clear()
                fresh = list(dict.fromkeys(texts))
            named: dict[int, list[str]] = {}
            for row, name in _names(parser, b"\n".join(fresh) + b"\n", form):
                named.setdefault(row, []).append(name)
            memo.update({text: tuple(named.get(row, ())) for row, text in enumerate(fresh)})
        return frozenset(name for text in texts for name in memo[text])

    return imports


def _may_hide(head: bytes, until: int, hides: tuple[tuple[bytes, bytes], ...]) -> bool:
    """Whether a comment or a string over several lines begins before the last import: then the lines alone may lie."""
    for begin, end in hides:
        place = head.find(begin, 0, until)
        if place >= 0 and (begin == end or head.find(end, place) < 0 or b"import" in head[place : head.find(end, place)]):
            return True
    return False


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
        elif node.type == "selected_import":  # using A: b, c imports A
            starts.extend(node.children[:1])
        elif node.type in ("aliased_import", "import_alias"):
            starts.extend(node.children[:1])


_R_CALL = re.compile(
    rb"\b(?:library|require|requireNamespace|loadNamespace)[ \t]*\([ \t]*[\"']?([A-Za-z][\w.]*)|\b([A-Za-z][\w.]*):::?[\w.]"
    rb"|^#'[ \t]*@import(?:From)?[ \t]+([A-Za-z][\w.]*)",
    re.MULTILINE,
)


def _of_r(data: bytes) -> frozenset[str]:
    """R has no grammar among the wheels; calls of ``library`` and ``pkg::name`` outside of comments, and roxygen's lines."""
    head = data[:HEAD]
    if not any(sign in head for sign in (b"library", b"require", b"::", b"@import")):
        return frozenset()
    return frozenset(
        next(name for name in found.groups() if name).decode()
        for found in _R_CALL.finditer(head)
        if found.group(3) or b"#" not in head[head.rfind(b"\n", 0, found.start()) + 1 : found.start()]
    )
