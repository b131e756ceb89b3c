"""Bytes of pages to text."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofpile2.charset import decode, searchable

FRENCH = "<p>L'équation où x² ≥ 0 est déjà résolue, même à côté du théorème.</p>"
RUSSIAN = "<p>Теорема о неявной функции доказывается по индукции, как показано выше.</p>"
CHINESE = "<p>这个定理的证明使用了数学归纳法，我们首先考虑一个简单的情形。</p>"
JAPANESE = "<p>この定理の証明には数学的帰納法を用いる。まず簡単な場合を考えよう。</p>"


@pytest.mark.parametrize(
    ("text", "codec", "declared"),
    [
        (FRENCH, "utf-8", None),
        (FRENCH, "utf-8", "iso-8859-1"),  # what Apache says of everything
        (FRENCH, "utf-8", "no-such-charset"),
        ("café “quoted” — 50 €", "cp1252", "iso-8859-1"),  # the web's latin-1 is windows-1252
        ("café “quoted” — 50 €", "cp1252", "utf-8"),  # a declaration that plainly fails
        ("café 50 €", "iso-8859-15", "ISO-8859-15"),
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "koi8-r", "KOI8-R"),
        (RUSSIAN, "cp1251", None),  # detected
        (RUSSIAN, "cp1251", "utf-8"),
        (CHINESE, "gbk", "gb2312"),
        (CHINESE + "龘㐂", "gb18030", "gb2312"),  # beyond GB 2312, as pages that say so often are
        ("联通", "gbk", "gb2312"),  # whose bytes happen to be UTF-8
        (CHINESE.replace("这个", ""), "utf-8", "gb2312"),
        (JAPANESE, "shift_jis", "x-sjis"),
        (JAPANESE, "euc_jp", "euc-jp"),
        (JAPANESE, "iso2022_jp", "iso-2022-jp"),
        (JAPANESE, "shift_jis", None),
        ("정리의 증명은 다음과 같다", "cp949", "euc-kr"),
        (FRENCH, "utf-16-le", "utf-16"),
        (FRENCH, "utf-16-be", "utf-16be"),
        (FRENCH, "utf-16-le", None),
        (FRENCH, "utf-32-le", None),
        (FRENCH, "utf-32-be", None),
        ("plain ASCII", "ascii", "utf-16"),
    ],
)
def test_the_text_comes_back(text: str, codec: str, declared: str | None) -> None:
    """What a page was written in is found from header and bytes, also where the header is wrong."""
    assert decode(text.encode(codec), declared) == text


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_byte_order_marks(codec: str) -> None:
    """A mark decides, whatever is declared, and does not stay in the text."""
    marks = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE,
             "utf-32-le": codecs.BOM_UTF32_LE, "utf-32-be": codecs.BOM_UTF32_BE}  # fmt: skip
    assert decode(marks[codec] + FRENCH.encode(codec), "koi8-r") == FRENCH


@pytest.mark.parametrize(
    "declaration",
    [
        '<meta charset="windows-1251">',
        "<META HTTP-EQUIV=Content-Type CONTENT='text/html; charset=windows-1251'>",
        '<?xml version="1.0" encoding="windows-1251"?>',
    ],
)
def test_declarations_in_the_page(declaration: str) -> None:
    """Meta elements and the XML declaration count where the header says nothing; the header comes before them."""
    page = f"<html>{declaration}{'<p>Да</p>'}"
    assert decode(page.encode("cp1251")) == page
    assert decode(page.encode("koi8-r"), "koi8-r") == page


def test_a_few_bad_bytes_do_not_make_mojibake_of_a_page() -> None:
    """UTF-8 with a byte cut off stays UTF-8 with U+FFFD in one place; one stray apostrophe is windows-1252's."""
    cut = (RUSSIAN * 20).encode()[:-1001]
    assert decode(cut, "utf-8").count("�") <= 1
    assert "Теорема" in decode(cut, "utf-8")
    assert "Теорема" in decode(cut, "iso-8859-1")
    assert decode(b"it\x92s", "utf-8") == "it’s"


def test_nul_and_surrogates_never_come_out() -> None:
    """Neither NUL bytes nor what stands for half a character in UTF-16."""
    assert decode(b"a\0b", "utf-8") == "ab"
    wide = decode("x = 1; y = 2".encode("utf-16-le") + b"\x00\xd8" + "z".encode("utf-16-le"), "utf-16")
    assert "\0" not in wide
    wide.encode("utf-8")


@given(st.binary(max_size=300), st.sampled_from([None, "utf-8", "utf-16", "gb2312", "iso-2022-jp", "x", "utf-7", "\0"]))
def test_any_bytes_give_text(payload: bytes, declared: str | None) -> None:
    """Never an error, never a character that UTF-8 can't hold."""
    decode(payload, declared).encode()
    bytes(searchable(payload, declared))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=200))
def test_utf8_comes_back_whole(text: str) -> None:
    """UTF-8 that is declared as such is never taken for anything else."""
    payload = text.encode()
    if not payload.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        assert decode(payload, "utf-8") == text


def test_searchable_copies_only_wide_pages() -> None:
    """An ordinary page is handed back as it is; ASCII can be searched for in one of UTF-16."""
    page = memoryview(FRENCH.encode())
    assert searchable(page) is page
    assert b"<p>L'" in bytes(searchable(FRENCH.encode("utf-16-le")))
    assert b"<p>L'" in bytes(searchable(codecs.BOM_UTF16_BE + FRENCH.encode("utf-16-be")))


def test_real_pages(shared: Path) -> None:
    """Every page of the shared corpus decodes as its publisher meant it, with at most a stray bad byte."""
    from proofpile2.sources.warc import Warc

    lines = (shared / "web" / "manifest.jsonl").read_text("utf-8").splitlines()
    known = {f"{row['warc']}:{row['offset']}": row for row in map(json.loads, lines)}
    source = Warc(input=(str(shared / "web"),))
    unit = min(source.units())
    for batch in source.read(unit, lambda text: None):
        rows = batch.select(["locator", "_payload", "_charset"]).to_pylist()
        for row in rows:
            expected = row["_payload"].decode(known[row["locator"]]["charset"], "replace").lstrip("\ufeff")
            assert decode(row["_payload"], row["_charset"]) == expected, row["locator"]
