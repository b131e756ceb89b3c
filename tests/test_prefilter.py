"""The prefilter: its rule file, its evidence on made pages, and its rates on real ones."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow as pa
import pytest
from warc_help import batches

from proofpile2 import assets
from proofpile2.errors import ConfigError
from proofpile2.stages.prefilter import Prefilter, Scorer, failing_examples, read_rules

RULES = assets.find("filters", "web/math.toml")


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(RULES)


def column(*pages: bytes | None, charset: str | None = None) -> pa.RecordBatch:
    count = len(pages)
    return pa.RecordBatch.from_pydict({
        "id": [f"{number:032x}" for number in range(count)],
        "_payload": pa.array(pages, pa.large_binary()),
        "_charset": pa.array([charset] * count, pa.string()),
    })  # fmt: skip


def test_the_examples_of_the_rule_file() -> None:
    """Every example passes or not as it says; both kinds are there in number."""
    assert failing_examples(RULES) == []


def test_the_step_says_why_and_keeps_rows(scorer: Scorer) -> None:
    """One reason, one row for each row, other columns as they were; slices and empty pages are no trouble."""
    pages = [b"<p>Bus times</p>", b"<math><mi>x</mi></math>", b"", None, b"<p>$5</p>", b"<mjx-container>"]
    batch = column(*pages)
    apply = Prefilter().load()
    out = apply(batch)
    drops = ["no_math_markup", None, "no_math_markup", "no_math_markup", "no_math_markup", None]
    assert out.column("drop").to_pylist() == drops
    assert out.column("_payload").equals(batch.column("_payload"))
    assert apply(batch.slice(1, 4)).column("drop").to_pylist() == drops[1:5]
    assert apply(batch.slice(0, 0)).num_rows == 0
    assert set(filter(None, drops)) <= set(Prefilter.reasons)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_wide_pages(codec: str) -> None:
    """A page in UTF-16 or UTF-32 is judged by its text."""
    pages = [text.encode(codec) for text in ("<html><math><mi>x</mi></math></html>", "<html><p>Bus times</p></html>")]
    assert Prefilter().load()(column(*pages, charset="utf-16")).column("drop").to_pylist() == [None, "no_math_markup"]


def test_long_pages_are_read_to_their_end(scorer: Scorer) -> None:
    """One formula after a megabyte of text counts."""
    filler = b"<p>The bus leaves at nine.</p>" * 40_000
    assert not scorer.passes(filler)
    assert scorer.passes(filler + b'<img class="tex" alt="x">')


def ordinary(number: int) -> bytes:
    """A shop, blog or documentation page as the web has them: scripts, styles, prices, code, menus."""
    dice = random.Random(number)
    words = ["shipping", "price", "of", "our", "summer", "collection", "and", "a", "free", "return", "for", "every",
             "you", "make", "this", "week", "news", "sports", "weather", "hotel", "music", "video", "recipe", "garden",
             "football", "minister", "police", "court", "company", "market", "people", "city", "water"]  # fmt: skip
    scripts = [
        r'jQuery(function($){$(".a").on("click",function(e){e.preventDefault();$(this).next().toggle()});});',
        r'var r=/^\(?(\d{3})\)?[-. ]?(\d{3})$/,s="\u003cdiv class=\"x\"\u003e\n\t".replace(/\\/g,"/");',
        r'window.dataLayer=window.dataLayer||[];a=Math.floor(Math.random()*10);b=c<<2^d|e;f={"$":1,"_":2};',
        r"!function(t,e){var n=t.$,i=e._x;return n[i]=function(t){return t*t/2},n}(window,{});",
    ]
    parts = [
        f"<!doctype html><html><head><title>{number}</title><style>.a>b{{margin:0 auto;width:calc(100% - 2px)}}</style>"
    ]
    parts += [f"<script>{dice.choice(scripts) * dice.randrange(1, 30)}</script>" for _ in range(6)]
    parts.append(
        "</head><body><nav>" + "".join(f'<a href="/c/{k}?p=1&amp;q=2">Item {k} ›</a>' for k in range(40)) + "</nav>"
    )
    for _ in range(dice.randrange(5, 60)):
        parts.append(f"<p>{' '.join(dice.choice(words) for _ in range(70))}.</p><b>${dice.randrange(900)}.99</b> ×")
    code = ["for f in $(ls $DIR); do mv $f ${f%.txt}_old; done", "$total = $price_net * $qty; echo \"$a $b\";",
            r"s/\(foo\)\[bar\]/\1/g; C:\Users\new\text", "SELECT a, b FROM t WHERE x_1 = 'y' AND n >= 5;"]  # fmt: skip
    parts.append(
        f"<pre><code>{dice.choice(code)}</code></pre><p>CO<sub>2</sub> on May 1<sup>st</sup>, 5 m<sup>2</sup></p>"
    )
    return ("".join(parts) + "</body></html>").encode()


def test_ordinary_pages_are_dropped(scorer: Scorer) -> None:
    """jQuery, prices, shells, regular expressions, units and footnotes are not mathematics."""
    assert [number for number in range(200) if scorer.passes(ordinary(number))] == []


def test_a_formula_among_all_that(scorer: Scorer) -> None:
    """The same pages pass with mathematics in any of the ways it is written on the web."""
    formulas = [
        r"<script src='/MathJax.js'></script><p>\(x^2\), \(y\) and \(\alpha\)</p>",
        r"<p>$$\int_0^1 f(x) dx = \frac{1}{2}$$</p>",
        "<m:math><m:mi>x</m:mi></m:math>",
        '<img src="/cgi-bin/mimetex.cgi?x^2">',
        '<img src="https://render.example/svg?x" alt="\\sum_{i} a_i">',
        '<span class="mwe-math-element">x</span>',
        "<script src='ASCIIMathML.js'></script> `x^2/3 = 4` then `sqrt(x) + 1 = 2`",
    ]
    for number, formula in enumerate(formulas):
        page = ordinary(number).replace(b"</body>", formula.encode() + b"</body>")
        assert scorer.passes(page), formula


def test_rates_on_real_pages(shared: Path, scorer: Scorer) -> None:
    """Of the English pages with mathematics at least 99.5 % pass; of the others on sites without any, at most 4 %.

    Those that do pass are pages on transforms, logarithms and solvers in manuals that have no TeX.
    """
    rows = [json.loads(line) for line in (shared / "web" / "manifest.jsonl").read_text("utf-8").splitlines()]
    known = {f"{row['warc']}:{row['offset']}": row for row in rows if row["language"] == "en" and not row["ambiguous"]}
    with_mathematics = {row["site"] for row in rows if row["is_math"]}
    passed: dict[bool, list[bool]] = {True: [], False: []}
    apply = Prefilter().load()
    for batch in batches(shared / "web"):
        drops = apply(batch).column("drop").to_pylist()
        for locator, drop in zip(batch.column("locator").to_pylist(), drops, strict=True):
            row = known.get(locator)
            if row and (row["is_math"] or row["site"] not in with_mathematics):
                passed[row["is_math"]].append(drop is None)
    assert len(passed[True]) == 945
    assert sum(passed[True]) >= 0.995 * 945
    assert len(passed[False]) > 250
    assert sum(passed[False]) <= 0.04 * len(passed[False])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pass_at = 1.0\nsigns = []\nhints = []", r"expected .*\[\[evidence"),
        ("pass_at = 1.0\nsigns = []\nhint = []", "unknown key 'hint'; did you mean 'hints'"),
        ("pass_at = 1.0\nsigns = []\nhints = []\n[[evidence]]\nname = 'a'\nweigth = 1", "weigth"),
        ("pass_at =", "not valid TOML"),
    ],
)
def test_wrong_rule_files(tmp_path: Path, text: str, message: str) -> None:
    """Unknown keys, missing evidence and broken TOML are errors with the place."""
    path = tmp_path / "math.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_rules(path)


def test_a_wrong_pattern(tmp_path: Path) -> None:
    """A pattern that does not compile is an error of the file."""
    path = tmp_path / "math.toml"
    one = "[[evidence]]\nname = 'a'\nweight = 1.0\npatterns = ['(']\n"
    path.write_text("pass_at = 1.0\nsigns = ['a']\nhints = ['b']\n" + one)
    with pytest.raises(ConfigError, match="a pattern is wrong"):
        Scorer(path)


def test_an_overlay_replaces_the_file(tmp_path: Path) -> None:
    """A user's own folder of filters comes first, and its digest is another."""
    (tmp_path / "web").mkdir()
    text = RULES.read_text("utf-8").replace("pass_at = 1.0", "pass_at = 90.0")
    (tmp_path / "web" / "math.toml").write_text(text, "utf-8")
    strict = Prefilter(overlay=(str(tmp_path),))
    assert strict.load()(column(b"<math><mi>x</mi></math>")).column("drop").to_pylist() == ["no_math_markup"]
    assert strict.uses() != Prefilter().uses()
