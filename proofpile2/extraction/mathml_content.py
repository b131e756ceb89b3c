r"""Content MathML to LaTeX: what `<apply>`, `<ci>`, `<matrix>`, ... mean, written as mathematicians write it.

The elements and their arguments are those of MathML 3, chapter 4 (w3.org/TR/MathML3), and the symbols of the strict
form (`<csymbol cd="arith1">plus</csymbol>`). `convert` is called bottom-up by the walker of `mathml`: it gets the
converted children of one element. `Atom.level` says how tightly an expression binds, so that parentheses appear
where they are needed and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from proofpile2.extraction import mathml_symbols as sym
from proofpile2.extraction.mathml_row import (
    CLOSE,
    CONTENT,
    EMPTY,
    FUNCTION,
    NOTHING,
    OPEN,
    ORD,
    PRIME,
    Atom,
    argument,
    join,
    row,
)

# level: 0 quantifiers, 1 implications, 2 or, 3 and, 4 relations, 5 sets, 6 sums, 7 products, 8 functions and powers
_INFIX: dict[str, tuple[str, int]] = {
    "plus": ("+", 6), "minus": ("-", 6), "times": ("", 7), "rem": (r"\bmod", 7), "and": (r"\land", 3),
    "or": (r"\lor", 2), "xor": (r"\oplus", 2), "implies": (r"\implies", 1), "equivalent": (r"\equiv", 1),
    "eq": ("=", 4), "neq": (r"\neq", 4), "gt": (">", 4), "lt": ("<", 4), "geq": (r"\geq", 4), "leq": (r"\leq", 4),
    "approx": (r"\approx", 4), "factorof": (r"\mid", 4), "tendsto": (r"\to", 4), "in": (r"\in", 4),
    "notin": (r"\notin", 4), "subset": (r"\subseteq", 4), "prsubset": (r"\subset", 4),
    "notsubset": (r"\nsubseteq", 4), "notprsubset": (r"\not\subset", 4), "union": (r"\cup", 5),
    "intersect": (r"\cap", 5), "setdiff": (r"\setminus", 5), "cartesianproduct": (r"\times", 5),
    "compose": (r"\circ", 7), "vectorproduct": (r"\times", 7), "scalarproduct": (r"\cdot", 7),
    "outerproduct": (r"\otimes", 7),
}  # fmt: skip
_BIG = {"sum": r"\sum", "product": r"\prod", "int": r"\int", "union": r"\bigcup", "intersect": r"\bigcap",
        "and": r"\bigwedge", "or": r"\bigvee", "plus": r"\sum", "times": r"\prod"}  # fmt: skip
_AROUND = {"abs": (r"\left|", r"\right|"), "floor": (r"\lfloor", r"\rfloor"), "ceiling": (r"\lceil", r"\rceil"),
           "card": ("|", "|"), "mean": (r"\langle", r"\rangle"), "norm": (r"\|", r"\|")}  # fmt: skip
_PREFIX = {
    "not": r"\neg",
    "grad": r"\nabla",
    "divergence": r"\nabla\cdot",
    "curl": r"\nabla\times",
    "laplacian": r"\nabla^2",
}
_KNOWN_FUNCTIONS = (
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth ln log exp arg det ker dim max min gcd"
)
_NAMED_FUNCTIONS = """
sech csch arccot arcsec arccsc arcsinh arccosh arctanh arccoth arcsech arccsch lcm sdev variance median mode moment
domain codomain image quotient cis sgn
"""
_FUNCTIONS = {name: "\\" + name for name in _KNOWN_FUNCTIONS.split()}
_FUNCTIONS |= {name: f"\\operatorname{{{name}}}" for name in _NAMED_FUNCTIONS.split()}
_FUNCTIONS |= {"determinant": r"\det", "real": r"\Re", "imaginary": r"\Im"}
_CONSTANTS = {
    "pi": r"\pi", "exponentiale": "e", "imaginaryi": "i", "infinity": r"\infty", "emptyset": r"\emptyset",
    "true": r"\text{true}", "false": r"\text{false}", "eulergamma": r"\gamma", "notanumber": r"\text{NaN}",
    "naturalnumbers": r"\mathbb{N}", "integers": r"\mathbb{Z}", "rationals": r"\mathbb{Q}", "reals": r"\mathbb{R}",
    "complexes": r"\mathbb{C}", "primes": r"\mathbb{P}", "ident": r"\mathrm{id}",
}  # fmt: skip
_SPECIAL = """
divide power root factorial conjugate inverse transpose forall exists diff partialdiff limit sep selector superscript
subscript
"""
# LaTeXML's own symbols for what it cannot give a meaning to: the arguments with something between or around them
_BETWEEN = {
    "fragments": "",
    "multirelation": "",
    "formulae-sequence": ",",
    "list": ",",
    "absent": "",
    "conditional": "|",
}
_DELIMITED = "delimited-"
_SHAPED = re.compile(r"(?:italic|roman|normal)-(\w)")
_SETS = {"N": "naturalnumbers", "Z": "integers", "Q": "rationals", "R": "reals", "C": "complexes", "P": "primes"}
_ALIASES = {"e": "exponentiale", "i": "imaginaryi", "unary_minus": "minus", "defint": "int", "nthdiff": "diff"}

_QUALIFIER_NAMES = "bvar lowlimit uplimit degree logbase condition domainofapplication momentabout interval"
_CONTAINER_NAMES = """
apply bind reln set list vector matrix matrixrow lambda piecewise piece otherwise declare fn cerror share cs cbytes
"""
_QUALIFIERS = frozenset(_QUALIFIER_NAMES.split())
_CONTAINERS = frozenset(_CONTAINER_NAMES.split())
VOID = frozenset(
    [*_INFIX, *_AROUND, *_PREFIX, *_FUNCTIONS, *_CONSTANTS, *_BIG, *_SPECIAL.split()],
)
"""Elements without content: the operators and constants."""
TAGS = VOID | _CONTAINERS | _QUALIFIERS | {"ci", "cn", "csymbol"}
"""Every element of content MathML that is known here."""


def symbol(tag: str, attributes: dict[str, str | None]) -> Atom:
    """An operator or constant element."""
    del attributes
    if tag in _CONSTANTS:
        return Atom(_CONSTANTS[tag])
    tex = _FUNCTIONS.get(tag) or _PREFIX.get(tag) or _INFIX.get(tag, ("",))[0] or _BIG.get(tag, "")
    return Atom(tex, CONTENT, raw=tag)


def token(
    tag: str,
    text: str,
    attributes: dict[str, str | None],
    identifier: Callable[[str, str | None], Atom],
    number: Callable[[str, str | None], Atom],
) -> Atom:
    """`ci`, `cn` or `csymbol` that holds text only."""
    text = text.strip()
    shaped = _SHAPED.fullmatch(text)
    if shaped is not None:
        text = shaped.group(1)
    if tag == "csymbol":
        if text in _BETWEEN or (text.startswith(_DELIMITED) and len(text) == len(_DELIMITED) + 2):
            return Atom("", CONTENT, raw=text)
        name = _ALIASES.get(text, text)
        if (attributes.get("cd") or "").startswith("setname"):
            name = _SETS.get(text, text)
        if name in VOID:
            return symbol(name, attributes)
        if text in {"set", "vector", "matrix", "matrixrow", "interval", "lambda", "superscript", "subscript"}:
            return Atom("", CONTENT, raw=text)
    if tag == "cn":
        base = attributes.get("base")
        atom = number(text, None)
        return Atom(f"{atom.tex}_{{{base}}}", level=8) if base and base != "10" and base.isdecimal() else _leveled(atom)
    if attributes.get("type") in {"vector", "matrix"} and len(text) == 1:
        return identifier(text, "bold")
    return identifier(text, None)


def _leveled(atom: Atom) -> Atom:
    return Atom(atom.tex, ORD, level=7) if atom.tex.startswith("-") else atom


def convert(tag: str, attributes: dict[str, str | None], kids: Sequence[Atom]) -> Atom | None:
    """The atom of one content element from those of its children; None when the element is not content MathML."""
    kids = [kid for kid in kids if kid.kind != EMPTY]
    if tag in {"apply", "reln", "bind"}:
        return _apply(kids)
    if tag in _QUALIFIERS and tag != "interval":
        inner = [kid for kid in kids if not _is(kid, "degree")]
        degree = next((kid for kid in kids if _is(kid, "degree")), None)
        return Atom(_list(inner), CONTENT, raw=tag, atoms=(degree,) if degree else (), level=0)
    if tag in {"ci", "csymbol", "fn"}:
        return row(kids)
    if tag == "cn":
        return _compound_number(attributes.get("type") or "", kids)
    if tag in _CONTAINERS or tag == "interval":
        return _container(tag, attributes, kids)
    return None


def _is(atom: Atom, name: str) -> bool:
    return atom.kind == CONTENT and atom.raw == name


def _list(kids: Sequence[Atom], separator: str = ",") -> str:
    return separator.join(kid.tex for kid in kids)


def _wrap(atom: Atom, level: int) -> str:
    if atom.level >= level:
        return atom.tex
    return f"\\left({atom.tex}\\right)" if atom.tall else f"({atom.tex})"


def _compound_number(kind: str, kids: Sequence[Atom]) -> Atom:
    at = next((n for n, kid in enumerate(kids) if _is(kid, "sep")), 0)
    parts = [row(kids[:at]).tex, row(kids[at + 1 :]).tex]
    if not at:
        return _leveled(row(kids))
    if kind == "rational":
        return Atom(f"\\frac{{{parts[0]}}}{{{parts[1]}}}", tall=True)
    if kind == "e-notation":
        return Atom(f"{parts[0]}\\times 10^{{{parts[1]}}}", level=7)
    if kind == "complex-polar":
        return Atom(f"{parts[0]}e^{{i{parts[1]}}}", level=7)
    return Atom(f"{parts[0]}{'' if parts[1].startswith('-') else '+'}{parts[1]}i", level=6)


def _container(tag: str, attributes: dict[str, str | None], kids: Sequence[Atom]) -> Atom:
    values = [kid for kid in kids if kid.kind != CONTENT or kid.raw not in _QUALIFIERS]
    qualifiers = {kid.raw: kid for kid in kids if kid.kind == CONTENT and kid.raw in _QUALIFIERS}
    tall = any(kid.tall for kid in kids)
    if tag in {"set", "list"}:
        left, right = (r"\{", r"\}") if tag == "set" else ("(", ")")
        body = _list(values)
        condition = qualifiers.get("condition") or qualifiers.get("domainofapplication")
        if condition is not None:
            shown = body or (qualifiers["bvar"].tex if "bvar" in qualifiers else "")
            body = join([shown, r"\mid", condition.tex]) if shown else condition.tex
        return Atom(join([f"\\left{left}" if tall else left, body, f"\\right{right}" if tall else right]), tall=tall)
    if tag == "interval":
        closure = attributes.get("closure") or "closed"
        left = "(" if closure in {"open", "open-closed"} else "["
        right = ")" if closure in {"open", "closed-open"} else "]"
        atom = Atom(f"{left}{_list(values)}{right}", tall=tall)
        return atom if len(values) == 2 else Atom(_list(values))
    if tag == "vector":
        return Atom(f"\\begin{{pmatrix}}{_list(values, chr(92) * 2)}\\end{{pmatrix}}", tall=True)
    if tag == "matrixrow":
        return Atom(_list(values, "&"), CONTENT, raw=tag)
    if tag == "matrix":
        return Atom(f"\\begin{{pmatrix}}{_list(values, chr(92) * 2)}\\end{{pmatrix}}", tall=True)
    if tag == "lambda":
        bound = ",".join(kid.tex for kid in kids if _is(kid, "bvar"))
        return Atom(join([f"{bound}", r"\mapsto", _list(values)]), level=0, tall=tall)
    if tag == "piece":
        cells = [values[0].tex, join([r"\text{if }", values[1].tex])] if len(values) > 1 else [_list(values)]
        return Atom("&".join(cells), CONTENT, raw=tag)
    if tag == "otherwise":
        return Atom(f"{_list(values)}&\\text{{otherwise}}", CONTENT, raw=tag)
    if tag == "piecewise":
        return Atom(f"\\begin{{cases}}{_list(values, chr(92) * 2)}\\end{{cases}}", tall=True)
    return row(values)


def _apply(kids: Sequence[Atom]) -> Atom:
    """An operator and its arguments."""
    if not kids:
        return NOTHING
    head, rest = kids[0], kids[1:]
    qualifiers: dict[str, Atom] = {}
    bound: list[Atom] = []
    arguments: list[Atom] = []
    for kid in rest:
        if kid.kind == CONTENT and kid.raw == "bvar":
            bound.append(kid)
        elif kid.kind == CONTENT and kid.raw in _QUALIFIERS:
            qualifiers[kid.raw] = kid
        else:
            arguments.append(kid)
    name = head.raw if head.kind == CONTENT else ""
    if name in _BIG and (bound or qualifiers):
        return _big(name, bound, qualifiers, arguments)
    if name in {"set", "vector", "matrix", "matrixrow", "interval", "lambda"}:
        return _container(name, {}, rest)
    if name in _BETWEEN:
        mark = _BETWEEN[name]
        parts = [part for kid in arguments for part in (mark, kid.tex)][1 if mark else 0 :]
        return Atom(join(parts), level=0 if mark else 6, tall=any(kid.tall for kid in arguments))
    if name.startswith(_DELIMITED):
        return row([Atom(sym.symbol(name[-2]), OPEN), *arguments, Atom(sym.symbol(name[-1]), CLOSE)])
    special = _SPECIALS.get(name)
    if special is not None and (arguments or bound):
        return special(name, bound, qualifiers, arguments)
    if name in _INFIX:
        return _infix(name, arguments, head)
    if name in _AROUND and arguments:
        left, right = _AROUND[name]
        return Atom(join([left, _list(arguments), right]), tall=arguments[0].tall)
    if name in _PREFIX and arguments:
        return Atom(join([_PREFIX[name], _wrap(arguments[0], 8)]), level=7, tall=arguments[0].tall)
    return _call(head, qualifiers, arguments)


def _infix(name: str, arguments: list[Atom], head: Atom) -> Atom:
    sign, level = _INFIX[name]
    if not arguments:
        return head
    if len(arguments) == 1:
        if name == "minus":
            return Atom("-" + _wrap(arguments[0], 7), level=6, tall=arguments[0].tall)
        return Atom(join([_wrap(arguments[0], level)]), level=arguments[0].level, tall=arguments[0].tall)
    parts: list[str] = []
    for n, operand in enumerate(arguments):
        tighter = (
            (n and name in {"minus", "setdiff", "rem"}) or level == 4 or (level in {2, 3, 5} and operand.raw != name)
        )
        tex = _wrap(operand, level + 1 if tighter else level)
        if n:
            if name == "times":
                numbers = tex[:1].isdecimal() and parts[-1][-1:].isdecimal()
                parts.append(r"\cdot" if numbers else "")
                tex = f"({tex})" if tex.startswith("-") else tex
            elif not (name == "plus" and tex.startswith("-")):
                parts.append(sign)
        parts.append(tex)
    return Atom(join(parts), raw=name, level=level, tall=any(operand.tall for operand in arguments))


def _big(name: str, bound: list[Atom], qualifiers: dict[str, Atom], arguments: list[Atom]) -> Atom:
    lower, upper = qualifiers.get("lowlimit"), qualifiers.get("uplimit")
    domain = qualifiers.get("condition") or qualifiers.get("domainofapplication")
    variables = ",".join(kid.tex for kid in bound)
    tex = _BIG[name]
    if "interval" in qualifiers:
        domain = qualifiers["interval"]
    if lower is not None:
        tex += "_" + argument(lower.tex if name == "int" else join([variables, "=", lower.tex]))
    elif domain is not None:
        plain = name == "int" or qualifiers.get("condition") is not None or not variables
        tex += "_" + argument(domain.tex if plain else join([variables, r"\in", domain.tex]))
    elif variables and name != "int":
        tex += "_" + argument(variables)
    if upper is not None:
        tex += "^" + argument(upper.tex)
    body = [_wrap(operand, 6 if name == "int" else 7) for operand in arguments]
    if name == "int":
        body += [part for kid in bound for part in (r"\,", "d", kid.tex)]
    return Atom(join([tex, *body]), level=6, tall=True)


def _call(head: Atom, qualifiers: dict[str, Atom], arguments: list[Atom]) -> Atom:
    r"""f(x), `\sin x`, `\log_{2}x`."""
    tex = head.tex or head.raw
    known = head.kind in {CONTENT, FUNCTION}
    if head.level < 8:
        tex = _wrap(head, 8)
    base = qualifiers.get("logbase") or qualifiers.get("momentabout")
    if base is not None:
        tex += "_" + argument(base.tex)
    degree = qualifiers.get("degree")
    if degree is not None:
        tex += "^" + argument(degree.tex)
    if not arguments:
        return Atom(tex, level=8) if tex else NOTHING
    tall = any(operand.tall for operand in arguments)
    first = arguments[0]
    if known and len(arguments) == 1 and first.level >= 7 and not first.tex.startswith("-"):
        return Atom(join([tex, first.tex]), level=7 if first.level == 7 else 8, tall=tall)
    left, right = (r"\left(", r"\right)") if tall else ("(", ")")
    return Atom(join([tex, left, _list(arguments), right]), level=8, tall=tall)


_Special = Callable[[str, list[Atom], dict[str, Atom], list[Atom]], Atom]


def _divide(name: str, bound: list[Atom], qualifiers: dict[str, Atom], arguments: list[Atom]) -> Atom:
    del name, bound, qualifiers
    top, bottom = (*arguments, NOTHING)[:2]
    return Atom(f"\\frac{{{top.tex}}}{{{bottom.tex}}}", level=8, tall=True)


def _power(name: str, bound: list[Atom], qualifiers: dict[str, Atom], arguments: list[Atom]) -> Atom:
    del bound, qualifiers
    base, exponent = (*arguments, NOTHING)[:2]
    mark = "_" if name == "subscript" else "^"
    if exponent.kind == PRIME:
        return Atom(_wrap(base, 9) + exponent.tex, level=8, tall=base.tall)
    script = argument(exponent.tex)
    head, _, body = base.tex.partition(" ") if base.level == 8 and base.tex.startswith("\\") else ("", "", "")
    if head in _FUNCTIONS.values() and mark == "^":
        return Atom(join([f"{head}^{script}", body]), level=8, tall=base.tall)
    grouped = base.level == 9 or (base.raw == "subscript" and mark == "^")
    tex = base.tex if grouped else f"\\left({base.tex}\\right)" if base.tall else f"({base.tex})"
    return Atom(f"{tex}{mark}{script}", raw=name, level=8, tall=base.tall)


def _rooted(name: str, bound: list[Atom], qualifiers: dict[str, Atom], arguments: list[Atom]) -> Atom:
    del name, bound
    degree = qualifiers.get("degree")
    index = degree.tex if degree is not None else arguments[1].tex if len(arguments) > 1 else ""
    order = "" if index in {"", "2"} else f"[{index}]"
    return Atom(f"\\sqrt{order}{{{arguments[0].tex if arguments else ''}}}", tall=bool(arguments) and arguments[0].tall)


def _postfix(name: str, bound: list[Atom], qualifiers: dict[str, Atom], arguments: list[Atom]) -> Atom:
    del bound, qualifiers
    mark = {"factorial": "!", "inverse": "^{-1}", "transpose": "^T"}[name]
    return Atom(_wrap(arguments[0], 9) + mark, level=8, tall=arguments[0].tall) if arguments else NOTHING


def _overlined(name: str, bound: list[Atom], qualifiers: dict[str, Atom], arguments: list[Atom]) -> Atom:
    del name, bound, qualifiers
    return Atom(f"\\overline{{{arguments[0].tex if arguments else ''}}}")


def _quantified(name: str, bound: list[Atom], qualifiers: dict[str, Atom], arguments: list[Atom]) -> Atom:
    variables = ",".join(kid.tex for kid in bound)
    condition = qualifiers.get("condition") or qualifiers.get("domainofapplication")
    where = condition.tex if condition is not None else variables
    if condition is not None and "domainofapplication" in qualifiers:
        where = join([variables, r"\in", condition.tex])
    return Atom(join([f"\\{name}", where, ":" if arguments else "", _list(arguments)]), level=0)


def _derivative(name: str, bound: list[Atom], qualifiers: dict[str, Atom], arguments: list[Atom]) -> Atom:
    sign = r"\partial" if name == "partialdiff" else "d"
    body = arguments[-1] if arguments else NOTHING
    if not bound:
        indices = arguments[0].tex if len(arguments) > 1 else ""
        if indices:
            return Atom(join([f"D_{{{indices}}}", _wrap(body, 8)]), level=8)
        return Atom(_wrap(body, 9) + "'", level=8)
    orders = [kid.atoms[0].tex if kid.atoms else "1" for kid in bound]
    degree = qualifiers.get("degree")
    if degree is not None:
        total = degree.tex
    elif all(order.isdecimal() for order in orders):
        total = str(sum(map(int, orders)))
    else:
        total = "+".join(orders)
    below = join(
        [part for kid, order in zip(bound, orders, strict=True)
         for part in (sign, kid.tex + ("" if order == "1" else "^" + argument(order)))]
    )  # fmt: skip
    above = sign + ("" if total == "1" else "^" + argument(total))
    if body.level == 9 and not body.tall:
        return Atom(f"\\frac{{{join([above, body.tex])}}}{{{below}}}", level=8, tall=True)
    return Atom(join([f"\\frac{{{above}}}{{{below}}}", _wrap(body, 7)]), level=7, tall=True)


def _selected(name: str, bound: list[Atom], qualifiers: dict[str, Atom], arguments: list[Atom]) -> Atom:
    del name, bound, qualifiers
    return Atom(f"{_wrap(arguments[0], 9)}_{argument(_list(arguments[1:]))}", level=8) if arguments else NOTHING


def _limit(name: str, bound: list[Atom], qualifiers: dict[str, Atom], arguments: list[Atom]) -> Atom:
    del name
    lower = qualifiers.get("lowlimit")
    condition = qualifiers.get("condition")
    variables = ",".join(kid.tex for kid in bound)
    under = (
        condition.tex
        if condition is not None
        else join([variables, r"\to", lower.tex])
        if lower is not None
        else variables
    )
    return Atom(join([f"\\lim_{{{under}}}", *[_wrap(operand, 7) for operand in arguments]]), level=6, tall=True)


_SPECIALS: dict[str, _Special] = {
    "divide": _divide, "power": _power, "superscript": _power, "subscript": _power, "root": _rooted,
    "factorial": _postfix, "inverse": _postfix, "transpose": _postfix, "conjugate": _overlined, "forall": _quantified,
    "exists": _quantified, "selector": _selected, "diff": _derivative, "partialdiff": _derivative, "limit": _limit,
}  # fmt: skip
