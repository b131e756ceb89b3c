"""The step that turns payloads into text."""

from __future__ import annotations

import pyarrow as pa
import pytest

from proofpile2.errors import ConfigError
from proofpile2.stages.html import Html


def batch(payloads: list[bytes | None], charsets: list[str | None] | None = None) -> pa.RecordBatch:
    """Rows as the WARC source gives them."""
    rows = len(payloads)
    return pa.RecordBatch.from_pydict(
        {
            "id": pa.array([f"{k:032x}" for k in range(rows)]),
            "text": pa.nulls(rows, pa.large_string()),
            "url": pa.array([f"https://x.example/{k}" for k in range(rows)]),
            "_payload": pa.array(payloads, pa.large_binary()),
            "_charset": pa.array(charsets or [None] * rows, pa.string()),
        }
    )


def test_text_title_and_formulas():
    """Rows stay in order; ``text``, ``title`` and ``formulas`` are filled, reasons given where there is no text."""
    page = b"<title>T &amp; t</title><p>Let \\(x\\) and \\[y\\] be. Caf\xe9</p>"
    out = Html().load()(
        batch([page, b"", None, b"<frameset></frameset>", b"<p>no title"], ["latin-1", None, None, None, None])
    )
    assert out.column("text").to_pylist() == ["Let $x$ and\n$$y$$\nbe. Café", None, None, None, "no title"]
    assert out.column("title").to_pylist() == ["T & t", None, None, None, None]
    assert out.column("formulas").to_pylist() == [2, None, None, None, 0]
    assert out.column("drop").to_pylist() == [None, "empty_page", "empty_page", "frameset", None]
    assert out.schema.field("text").type == pa.large_string()
    assert {name: out.schema.field(name).type for name in Html.adds} == dict(Html.adds)


def test_caps_are_reasons():
    """Too many bytes, too many nodes: a reason of its own each, declared by the step."""
    out = Html(max_bytes=100, max_nodes=20).load()(batch([b"<p>" + b"x" * 200, b"<p>x" * 20, b"<p>fine"]))
    assert out.column("drop").to_pylist() == ["page_too_long", "too_many_nodes", None]
    assert set(out.column("drop").to_pylist()) - {None} <= set(Html.reasons)


@pytest.mark.parametrize("settings", [{"max_bytes": 0}, {"max_nodes": -1}])
def test_impossible_caps(settings):
    """A cap below one is a configuration error that names the setting."""
    with pytest.raises(ConfigError, match=r"html\.max_"):
        Html(**settings)


def test_randomised_form_is_the_same_in_every_run_and_batch():
    """The form depends on a document's id, not on the rows beside it."""
    payloads = [b"<h2>Head</h2><p>words</p><pre>code</pre>"] * 40
    step = Html(randomize=True)
    whole = step.load()(batch(payloads)).column("text").to_pylist()
    parts = [step.load()(batch(payloads).slice(k, 1)).column("text").to_pylist()[0] for k in range(40)]
    assert whole == parts
    assert len(set(whole)) > 4
    assert len(set(Html().load()(batch(payloads)).column("text").to_pylist())) == 1


def test_uses_names_the_parser():
    """The fingerprint moves with the version of the parser."""
    assert set(Html().uses()) >= {"selectolax"}
