"""Turn the text of a sample page into HTML, its formulas in one of the conventions that web sites use.

The text is a small Markdown: paragraphs, `##` headings, lists, tables, fenced code, `::: kind Title` environments,
`; term` / `: definition` lists, raw HTML blocks (first character `<`), `$..$` and `$$..$$` formulas, `\\$` for a
dollar. A formula may carry a second writing for conventions without TeX: `$x^2 ⟦x<sup>2</sup>⟧$`.
"""

# ruff: noqa: E501 (the mark-up of each convention stands on one line)

import hashlib
import html
import json
import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

RENDERED = Path(__file__).with_name("rendered.json")
_CACHE: dict[str, str] = {}


def attr(tex: str) -> str:
    return html.escape(tex, quote=True)


def body(tex: str) -> str:
    return html.escape(tex, quote=False)


def digest(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def rendered(engine: str, tex: str, display: bool) -> str:
    """What a real program made of the formula (see render.mjs)."""
    if not _CACHE and RENDERED.exists():
        _CACHE.update(json.loads(RENDERED.read_text()))
    key = f"{engine}|{'display' if display else 'inline'}|{tex}"
    WANTED.add(key)
    return _CACHE.get(key, f"<!-- missing {attr(key)} -->")


WANTED: set[str] = set()


@dataclass(frozen=True)
class Markup:
    """One convention: how a formula is written, what stands in the head, and how a literal dollar is written."""

    inline: Callable[[str], str]
    display: Callable[[str], str]
    head: str = ""
    dollar: str = "$"
    second: bool = False  # takes the second writing of a formula where there is one
    block: bool = False  # the display form is a block of its own, not part of a paragraph


def between(a: str, b: str) -> Callable[[str], str]:
    return lambda tex: f"{a}{body(tex)}{b}"


def engine(name: str, before: str = "", after: str = "") -> tuple[Callable[[str], str], Callable[[str], str]]:
    return (
        lambda tex: rendered(name, tex, False),
        lambda tex: before + rendered(name, tex, True) + after,
    )


def environment(tex: str) -> str:
    if re.match(r"\\begin\{(align|gather|multline)", tex):
        return body(tex)
    return f"\\begin{{equation}}\n{body(tex)}\n\\end{{equation}}"


def mathml_body(tex: str, display: bool) -> str:
    """What stands inside the `math` element."""
    return re.sub(r"<math[^>]*>", "", rendered("mathml", tex, display), count=1).replace("</math>", "")


def wiki(tex: str, display: bool) -> str:
    name = digest(tex)
    kind = "block" if display else "inline"
    wrapped = f"{{\\displaystyle {tex}}}"
    inner = mathml_body(tex, display)
    block = ' display="block"' if display else ""
    mathml = f'<math xmlns="http://www.w3.org/1998/Math/MathML"{block} alttext="{attr(wrapped)}"><semantics>{inner}'
    return (
        f'<span class="mwe-math-element mwe-math-element-{kind}"><span class="mwe-math-mathml-{kind} mwe-math-mathml-a11y" style="display: none;">'
        f'{mathml}<annotation encoding="application/x-tex">{body(wrapped)}</annotation></semantics></math></span>'
        f'<img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/{name}" class="mwe-math-fallback-image-{kind} mw-invert" '
        f'aria-hidden="true" style="vertical-align: -0.838ex; width:6.2ex; height:2.8ex;" alt="{attr(wrapped)}"></span>'
    )


def wiki_image(tex: str) -> str:
    name = digest(tex)[:32]
    return f'<img class="tex" alt="{attr(tex)}" src="/images/math/{name[0]}/{name[1]}/{name[2]}/{name}.png" />'


def wordpress(tex: str) -> str:
    url = "https://s0.wp.com/latex.php?latex=" + urllib.parse.quote_plus(tex) + "&bg=ffffff&fg=333333&s=0&c=20201002"
    return f'<img src="{attr(url)}" alt="{attr(tex)}" class="latex" />'


def codecogs(tex: str, inline: bool) -> str:
    url = (
        "https://latex.codecogs.com/gif.latex?"
        + ("\\inline&space;" if inline else "")
        + urllib.parse.quote(tex, safe="\\{}^_()=,")
        .replace("%20", "&space;")
        .replace("+", "&plus;")
        .replace("%2B", "&plus;")
    )
    return f'<a href="https://www.codecogs.com/eqnedit.php" target="_blank"><img src="{attr(url)}" title="{attr(tex)}" /></a>'


def mimetex(tex: str) -> str:
    return f'<img src="/cgi-bin/mimetex.cgi?{attr(urllib.parse.quote(tex, safe=chr(92) + "{}^_()=,+"))}" alt="{attr(tex)}" align="middle" border="0">'


def alt_image(classes: str, open_: str, close: str, folder: str = "images/") -> Callable[[str], str]:
    def write(tex: str) -> str:
        return f'<img class="{classes}" alt="{attr(open_ + tex + close)}" src="{folder}{digest(tex)[:12]}.png"/>'

    return write


def latexml(tex: str, display: bool) -> str:
    mathml = mathml_body(tex, display)
    mode = "block" if display else "inline"
    number = digest(tex)[:4]
    math = (
        f'<math id="m{number}" class="ltx_Math" alttext="{attr(tex)}" display="{mode}"><semantics>{mathml}'
        f'<annotation encoding="application/x-tex">{body(tex)}</annotation></semantics></math>'
    )
    if not display:
        return math
    return (
        f'<table id="E{number}" class="ltx_equation ltx_eqn_table"><tbody><tr class="ltx_equation ltx_eqn_row ltx_align_baseline">'
        f'<td class="ltx_eqn_cell ltx_eqn_center_padleft"></td><td class="ltx_eqn_cell ltx_align_center">{math}</td>'
        f'<td class="ltx_eqn_cell ltx_eqn_center_padright"></td></tr></tbody></table>'
    )


def latex2html(tex: str, display: bool) -> str:
    fence = "\\begin{displaymath}%s\\end{displaymath}" if display else "$%s$"
    image = f'<IMG WIDTH="84" HEIGHT="31" ALIGN="MIDDLE" BORDER="0" SRC="img{int(digest(tex)[:4], 16)}.png" ALT="{attr(fence % tex)}">'
    if not display:
        return f"<!-- MATH\n ${body(tex)}$\n -->\n{image}"
    return f'<DIV ALIGN="CENTER">\n<!-- MATH\n \\begin{{displaymath}}\n{body(tex)}\n\\end{{displaymath}}\n -->\n{image}\n</DIV>'


def prefixed(tex: str, display: bool) -> str:
    """Journal markup: MathML with the prefix `mml:`."""
    mathml = rendered("mathml", tex, display)
    mathml = re.sub(r"<(/?)([a-z])", r"<\1mml:\2", mathml)
    if display:
        return f'<div class="disp-formula"><span class="formula">{mathml}</span></div>'
    return f'<span class="inline-formula">{mathml}</span>'


def mathjax2(tex: str, display: bool) -> str:
    """The page as a browser saved it: MathJax 2 output, then the script with the source."""
    number = int(digest(tex)[:3], 16)
    frame = f'<span class="MathJax" id="MathJax-Element-{number}-Frame" tabindex="0" style="position: relative;" role="presentation"><nobr aria-hidden="true"><span class="math" id="MathJax-Span-{number}"><span><span class="mrow"><span class="mi">&#x2026;</span></span></span></span></nobr><span class="MJX_Assistive_MathML" role="presentation">{rendered("mathml", tex, display)}</span></span>'
    kind = "math/tex; mode=display" if display else "math/tex"
    if display:
        frame = f'<div class="MathJax_Display" style="text-align: center;">{frame}</div>'
    return f'<span class="MathJax_Preview" style="color: inherit;"></span>{frame}<script type="{kind}" id="MathJax-Element-{number}">{tex}</script>'


def kramdown(tex: str, display: bool) -> str:
    """A script element, in which nothing can be escaped."""
    if "<" in tex or "&" in tex:
        tex = f"% <![CDATA[\n{tex} %]]>"
    return f'<script type="math/tex{"; mode=display" if display else ""}">{tex}</script>'


def asciimath(tex: str) -> str:
    return f"`{body(tex)}`"


CDN = "https://cdn.jsdelivr.net"
MJ2 = '<script type="text/javascript" async src="https://cdnjs.cloudflare.com/ajax/libs/mathjax/2.7.9/MathJax.js?config=TeX-MML-AM_CHTML"></script>'
MJ3 = f'<script id="MathJax-script" async src="{CDN}/npm/mathjax@3/es5/tex-mml-chtml.js"></script>'
MJ4 = f'<script defer src="{CDN}/npm/mathjax@4/tex-mml-chtml.js"></script>'
KATEX = f'<link rel="stylesheet" href="{CDN}/npm/katex@0.16.47/dist/katex.min.css">'
CONFIG2 = """<script type="text/x-mathjax-config">
MathJax.Hub.Config({
  tex2jax: {inlineMath: [['$','$'], ['\\\\(','\\\\)']], displayMath: [['$$','$$']], processEscapes: true,
    skipTags: ["script","noscript","style","textarea","pre","code"]},
  TeX: {equationNumbers: {autoNumber: "AMS"}}
});
</script>
"""
CONFIG3 = """<script>
MathJax = {
  tex: {inlineMath: [['$', '$'], ['\\\\(', '\\\\)']], processEscapes: true, tags: 'ams'},
  options: {skipHtmlTags: ['script', 'noscript', 'style', 'textarea', 'pre', 'code']}
};
</script>
"""
CONFIG_AT = """<script>
window.MathJax = { tex: { inlineMath: [['@','@']], displayMath: [['@@','@@']] }, svg: { fontCache: 'global' } };
</script>
"""
AUTORENDER = f"""{KATEX}
<script defer src="{CDN}/npm/katex@0.16.47/dist/katex.min.js"></script>
<script defer src="{CDN}/npm/katex@0.16.47/dist/contrib/auto-render.min.js"></script>
<script>
document.addEventListener("DOMContentLoaded", function() {{
  renderMathInElement(document.body, {{delimiters: [
    {{left: "$$", right: "$$", display: true}}, {{left: "$", right: "$", display: false}},
    {{left: "\\\\(", right: "\\\\)", display: false}}, {{left: "\\\\[", right: "\\\\]", display: true}}]}});
}});
</script>"""
AM2 = """<script type="text/x-mathjax-config">
MathJax.Hub.Config({extensions: ["asciimath2jax.js"], jax: ["input/AsciiMath","output/HTML-CSS"],
  asciimath2jax: {delimiters: [['`','`']]}});
</script>
""" + MJ2.replace("TeX-MML-AM_CHTML", "AM_HTMLorMML-full")
JSMATH = """<script src="/jsMath/easy/load.js"></script>
<noscript><div style="color:#CC0000; text-align:center"><b>Warning: <a href="/jsMath">jsMath</a> requires JavaScript.</b></div></noscript>"""

_dollars = (between("$", "$"), between("$$", "$$"))
_parens = (between("\\(", "\\)"), between("\\[", "\\]"))

MARKUPS: dict[str, Markup] = {
    "none": Markup(*_dollars),
    "mj2-dollar": Markup(*_dollars, head=CONFIG2 + MJ2, dollar="\\$"),
    "mj2-paren": Markup(*_parens, head=MJ2),
    "mj2-environment": Markup(between("$", "$"), environment, head=CONFIG2 + MJ2, dollar="\\$"),
    "mj2-rendered": Markup(lambda t: mathjax2(t, False), lambda t: mathjax2(t, True), head=MJ2),
    "kramdown": Markup(lambda t: kramdown(t, False), lambda t: kramdown(t, True), head=MJ2),
    "mj3-dollar": Markup(*_dollars, head=CONFIG3 + MJ3, dollar="\\$"),
    "mj3-paren": Markup(*_parens, head=MJ3),
    "mj3-at": Markup(between("@", "@"), between("@@", "@@"), head=CONFIG_AT + MJ3),
    "mj3-chtml": Markup(*engine("mj3-chtml"), head=MJ3),
    "mj3-svg": Markup(*engine("mj3-svg"), head=MJ3.replace("chtml", "svg")),
    "mj4-paren": Markup(*_parens, head=MJ4),
    "mj4-chtml": Markup(*engine("mj4-chtml"), head=MJ4),
    "katex": Markup(*engine("katex"), head=KATEX),
    "katex-auto": Markup(*_dollars, head=AUTORENDER, dollar="<span>$</span>"),
    "katex-mathml": Markup(*engine("katex-mathml")),
    "temml": Markup(*engine("temml")),
    "mathml": Markup(*engine("mathml")),
    "mml": Markup(lambda t: prefixed(t, False), lambda t: prefixed(t, True), block=True),
    "wiki": Markup(lambda t: wiki(t, False), lambda t: wiki(t, True)),
    "wiki-tag": Markup(
        between("&lt;math&gt;", "&lt;/math&gt;"), between('&lt;math display="block"&gt;', "&lt;/math&gt;")
    ),
    "wiki-image": Markup(
        wiki_image,
        lambda t: f"<dl>\n<dd>{wiki_image(t)}</dd>\n</dl>",
        block=True,
    ),
    "wordpress": Markup(
        wordpress,
        lambda t: f'<p style="text-align:center;">{wordpress(chr(92) + "displaystyle " + t)}</p>',
        block=True,
    ),
    "codecogs": Markup(
        lambda t: codecogs(t, True), lambda t: f'<div class="eq">{codecogs(t, False)}</div>', block=True
    ),
    "mimetex": Markup(mimetex, lambda t: f"<center>{mimetex(t)}</center>", block=True),
    "mathtex": Markup(
        lambda t: f'<img src="/cgi-bin/mathtex.cgi?{attr(urllib.parse.quote(t))}" alt="" border="0" align="middle">',
        lambda t: (
            f'<p align="center"><img src="/cgi-bin/mathtex.cgi?{attr(urllib.parse.quote(chr(92) + "displaystyle " + t))}" alt="" border="0"></p>'
        ),
        block=True,
    ),
    "asciimath-script": Markup(
        between('<script type="math/asciimath">', "</script>"),
        between('<p><script type="math/asciimath; mode=display">', "</script></p>"),
        head=AM2,
        second=True,
        block=True,
    ),
    "no-config": Markup(*_parens),
    "alt-latex": Markup(
        alt_image("latex", "$", "$", "//latex.olympiad.example/"),
        lambda t: (
            f'<div style="text-align:center">{alt_image("latexcenter", chr(92) + "[", chr(92) + "]", "//latex.olympiad.example/")(t)}</div>'
        ),
        block=True,
    ),
    "sphinx": Markup(
        between('<span class="math notranslate nohighlight">\\(', "\\)</span>"),
        between('<div class="math notranslate nohighlight">\n\\[', "\\]</div>"),
        head=MJ3,
        block=True,
    ),
    "sphinx-image": Markup(
        alt_image("math", "", "", "_images/math/"),
        lambda t: f'<div class="math">\n<p>{alt_image("", "", "", "_images/math/")(t)}</p>\n</div>',
        block=True,
    ),
    "doxygen": Markup(
        alt_image("formulaInl", "$", "$", ""),
        lambda t: f'<p class="formulaDsp">{alt_image("formulaDsp", chr(92) + "[ ", " " + chr(92) + "]", "")(t)}</p>',
        block=True,
    ),
    "pandoc": Markup(
        between('<span class="math inline">\\(', "\\)</span>"),
        between('<span class="math display">\\[', "\\]</span>"),
        head=MJ3,
    ),
    "pandoc-katex": Markup(
        between('<span class="math inline">', "</span>"), between('<span class="math display">', "</span>"), head=KATEX
    ),
    "latexml": Markup(lambda t: latexml(t, False), lambda t: latexml(t, True), block=True),
    "latex2html": Markup(lambda t: latex2html(t, False), lambda t: latex2html(t, True), block=True),
    "jsmath": Markup(
        between('<span class="math">', "</span>"), between('<div class="math">', "</div>"), head=JSMATH, block=True
    ),
    "asciimath": Markup(asciimath, lambda t: f"<p>{asciimath(t)}</p>", head=AM2, second=True, block=True),
    "math-container": Markup(
        between('<span class="math-container">$', "$</span>"),
        between('<span class="math-container">$$', "$$</span>"),
        head=CONFIG2 + MJ2,
    ),
    "discourse": Markup(
        between('<span class="math">', "</span>"), between('<div class="math">\n', "\n</div>"), block=True
    ),
    "moodle": Markup(
        between('<span class="filter_mathjaxloader_equation"><span class="nolink">\\(', "\\)</span></span>"),
        between('<span class="filter_mathjaxloader_equation"><span class="nolink">$$', "$$</span></span>"),
        head=MJ2,
    ),
    "github": Markup(
        between(
            '<math-renderer class="js-inline-math" style="display: inline-block" data-static-url="https://git.example/static">$',
            "$</math-renderer>",
        ),
        between('<math-renderer class="js-display-math" style="display: block">$$', "$$</math-renderer>"),
    ),
    "gitlab": Markup(
        between('<code data-math-style="inline" class="code math js-render-math">', "</code>"),
        between('<pre class="code math js-render-math" data-math-style="display"><code>', "</code></pre>"),
        block=True,
    ),
    "springer": Markup(
        between('<span class="mathjax-tex">\\(', "\\)</span>"),
        between(
            '<div class="c-article-equation"><div class="c-article-equation__content"><span class="mathjax-tex">$$',
            "$$</span></div></div>",
        ),
        head=MJ2,
        block=True,
    ),
    "pretext": Markup(
        between('<span class="process-math">\\(', "\\)</span>"),
        between('<div class="displaymath process-math" data-contains-math-knowls="">\n\\[\n', "\n\\]\n</div>"),
        head=MJ3,
        block=True,
    ),
    "bbcode": Markup(between("[itex]", "[/itex]"), between("[tex]", "[/tex]"), head=MJ2),
    "shortcode": Markup(between("$latex ", "$"), between("$latex \\displaystyle ", "$")),
    "ck12": Markup(
        lambda t: f'<img src="/flx/math/inline/{attr(urllib.parse.quote(t))}" class="x-ck12-math" alt="" />',
        lambda t: (
            f'<p><img src="/flx/math/block/{attr(urllib.parse.quote(t))}" class="x-ck12-block-math" alt="" /></p>'
        ),
        block=True,
    ),
    "data-expr": Markup(
        lambda t: f'<span class="math-tex" data-expr="{attr(t)}"></span>',
        lambda t: f'<div class="math-tex math-display" data-expr="{attr(t)}"></div>',
        block=True,
    ),
    "html": Markup(lambda t: t, lambda t: f"<blockquote>{t}</blockquote>", second=True, block=True),
}

INLINE = re.compile(
    r"(?P<dollar>\\\$)|\$\$(?P<display>.+?)\$\$|\$(?P<inline>.+?)\$|`(?P<code>[^`\n]+)`"
    r"|\*\*(?P<bold>.+?)\*\*|\*(?P<italic>[^*]+?)\*|\[(?P<label>[^\]]*)\]\((?P<href>[^)]+)\)",
    re.DOTALL,
)


@dataclass
class Writer:
    """Writes text as HTML and remembers the formulas it wrote, in page order."""

    markup: Markup
    formulas: list[dict[str, object]] = field(default_factory=list)

    def formula(self, text: str, display: bool) -> str:
        tex, _, alt = text.strip().partition("⟦")
        tex = tex.strip()
        self.formulas.append({"tex": tex, "display": display})
        written = alt.rstrip("⟧") if alt and self.markup.second else tex
        return (self.markup.display if display else self.markup.inline)(written)

    def inline(self, text: str, raw: bool = False) -> str:
        def one(match: re.Match[str]) -> str:
            kind, value = match.lastgroup, match.group(match.lastgroup or 0)
            if kind == "dollar":
                return self.markup.dollar
            if kind in ("display", "inline"):
                return self.formula(value, kind == "display")
            if kind == "code":
                return f"<code>{body(value)}</code>"
            if kind == "href":
                return f'<a href="{attr(value)}">{self.inline(match["label"])}</a>'
            tag = "strong" if kind == "bold" else "em"
            return f"<{tag}>{self.inline(value)}</{tag}>"

        out, last = [], 0
        for match in INLINE.finditer(text):
            if raw and match.lastgroup not in ("dollar", "display", "inline"):
                continue
            before = text[last : match.start()]
            out += [before if raw else body(before), one(match)]
            last = match.end()
        out.append(text[last:] if raw else body(text[last:]))
        return "".join(out)

    def paragraph(self, text: str, tag: str = "p") -> str:
        if not self.markup.block:
            return f"<{tag}>{self.inline(text)}</{tag}>"
        pieces = re.split(r"(\$\$.+?\$\$)", text, flags=re.DOTALL)
        out = []
        for piece in pieces:
            if piece.startswith("$$"):
                out.append(self.inline(piece))
            elif piece.strip():
                out.append(f"<{tag}>{self.inline(piece.strip())}</{tag}>")
        return "\n".join(out)

    def blocks(self, text: str) -> str:
        return "\n".join(self.block(block) for block in split_blocks(text))

    def block(self, block: str) -> str:
        first = block.split("\n", 1)[0]
        if first.startswith("```"):
            lang = first[3:].strip()
            code = body("\n".join(block.split("\n")[1:-1]))
            return f'<pre><code class="language-{lang or "text"}">{code}\n</code></pre>'
        if first.startswith(":::"):
            kind, _, title = first[3:].strip().partition(" ")
            inner = self.blocks("\n".join(block.split("\n")[1:-1]))
            return f'<div class="{kind.lower()}">\n<p><span class="{kind.lower()}-title"><strong>{self.inline(title or kind.capitalize())}.</strong></span></p>\n{inner}\n</div>'
        if first.startswith("<script"):
            return block
        if first.startswith("<"):
            return self.inline(block, raw=True)
        if heading := re.match(r"(#+) (.*)", first):
            level = len(heading[1])
            return f"<h{level}>{self.inline(heading[2])}</h{level}>"
        if first.startswith("| "):
            return self.table(block)
        if first.startswith("; "):
            rows = [
                f"<dt>{self.inline(line[2:])}</dt>" if line.startswith("; ") else f"<dd>{self.inline(line[2:])}</dd>"
                for line in joined(block, ("; ", ": "))
            ]
            return "<dl>\n" + "\n".join(rows) + "\n</dl>"
        if first.startswith("- "):
            return (
                "<ul>\n" + "\n".join(f"<li>{self.inline(line[2:])}</li>" for line in joined(block, ("- ",))) + "\n</ul>"
            )
        if re.match(r"\d+\. ", first):
            items = re.split(r"(?m)^\d+\. ", block)[1:]
            return "<ol>\n" + "\n".join(f"<li>{self.inline(item.strip())}</li>" for item in items) + "\n</ol>"
        if first.startswith("> "):
            return f"<blockquote>{self.paragraph(re.sub(r'(?m)^> ?', '', block))}</blockquote>"
        return self.paragraph(block)

    def table(self, block: str) -> str:
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block.split("\n")]
        head = "".join(f"<th>{self.inline(cell)}</th>" for cell in rows[0])
        rest = "\n".join(
            "<tr>" + "".join(f"<td>{self.inline(cell)}</td>" for cell in row) + "</tr>" for row in rows[2:]
        )
        return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rest}\n</tbody>\n</table>"


def joined(block: str, marks: tuple[str, ...]) -> list[str]:
    """The items of a list, continuation lines joined to the line that starts the item."""
    items: list[str] = []
    for line in block.split("\n"):
        if line.startswith(marks):
            items.append(line)
        else:
            items[-1] += "\n" + line.strip()
    return items


def split_blocks(text: str) -> list[str]:
    """Blocks are parted by blank lines; fenced code and `:::` environments keep theirs."""
    blocks: list[str] = []
    current: list[str] = []
    until = ""
    for line in text.strip("\n").split("\n"):
        if until:
            current.append(line)
            if line.strip() == until:
                blocks.append("\n".join(current))
                current, until = [], ""
            continue
        if not line.strip():
            if current:
                blocks.append("\n".join(current))
                current = []
            continue
        if not current and line.startswith("```"):
            until = "```"
        elif not current and line.startswith(":::"):
            until = ":::"
        current.append(line)
    if current:
        blocks.append("\n".join(current))
    return blocks
