"""What the documentation says is true of the code."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every relative link of a page is a file of the repository."""
    for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_step_of_the_guide_works():
    """The example of docs/extending.md runs as printed."""
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    space: dict = {}
    exec(compile(re.search(r"```python\n(.*?)```", text, re.S)[1], "extending.md", "exec", dont_inherit=True), space)
    batch = pa.RecordBatch.from_pydict({"id": ["a", "b"], "text": ["12345678x", "two words"]})
    out = space["Digits"]().load()(batch)
    assert out.column("drop").to_pylist() == ["too_many_digits", None]
    assert out.schema.field("digit_share").type == pa.float32()


def test_the_changelog_names_this_version():
    """The version that is built stands in the changelog."""
    from proofpile2 import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
