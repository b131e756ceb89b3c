"""The WARC source on damaged archives: every undamaged record comes out, and what was stepped over is said."""

from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib
from pathlib import Path

import pytest
import zstandard
from warc_help import SUFFIX, kept, packed, page, pages, read_bytes, record

from proofpile2.errors import InputError

COUNT = 60
KINDS = ["gzip", "plain", "zstd"]


def expected(numbers: range | list[int], size: int = 400) -> dict[str, bytes]:
    return {f"https://site.example/{number}": page(number, size) for number in numbers}


def whole(offsets: list[int], size: int, hurt: list[int]) -> list[int]:
    """Numbers of the records none of whose bytes is at a place in ``hurt``."""
    ends = [*offsets[1:], size]
    spans = enumerate(zip(offsets, ends, strict=True))
    return [number for number, (start, end) in spans if not any(start <= place < end for place in hurt)]


@pytest.mark.parametrize(("kind", "points"), [("gzip", 200), ("plain", 60), ("zstd", 60)])
def test_truncation(tmp_path: Path, kind: str, points: int) -> None:
    """Cut anywhere, a file gives all records in front of the cut, none that was changed, and one note."""
    data, offsets = packed(pages(COUNT), kind)
    for cut in random.Random(1).sample(range(1, len(data)), points):
        try:
            rows, notes = read_bytes(data[:cut], tmp_path, SUFFIX[kind])
        except InputError:
            assert cut <= offsets[1], cut
            continue
        before = [number for number, end in enumerate([*offsets[1:], len(data)]) if end <= cut]
        found = kept(rows)
        assert expected(before).items() <= found.items() <= expected(range(COUNT)).items(), cut
        assert len(found) <= len(before) + 1  # the empty line after a plain record is no loss
        assert len(notes) <= 1
        if kind == "gzip" and cut not in offsets:
            assert len(notes) == 1, cut


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hits", [1, 12])
def test_flipped_bytes(tmp_path: Path, kind: str, hits: int) -> None:
    """With single bytes damaged, only records they stand in may be missing; gzip and zstd give no changed page."""
    data, offsets = packed(pages(COUNT), kind)
    for seed in range(16):
        dice = random.Random(seed)
        hurt = dice.sample(range(len(data)), hits)
        broken = bytearray(data)
        for place in hurt:
            broken[place] ^= dice.randrange(1, 256)
        rows, _ = read_bytes(bytes(broken), tmp_path, SUFFIX[kind])
        found = kept(rows)
        assert expected(whole(offsets, len(data), hurt)).items() <= found.items(), (seed, hurt)
        if kind != "plain":
            assert found.items() <= expected(range(COUNT)).items(), (seed, hurt)
            assert all(row["url"] is not None or row["drop"] for row in rows)


@pytest.mark.parametrize("kind", KINDS)
def test_one_percent_of_all_bytes(tmp_path: Path, kind: str) -> None:
    """Small records between records of which hardly one is left whole."""
    made = [record(f"https://site.example/{number}", page(number, 2)) for number in range(400)]
    data, offsets = packed(made, kind)
    for seed in range(4):
        dice = random.Random(seed)
        hurt = dice.sample(range(len(data)), len(data) // 100)
        broken = bytearray(data)
        for place in hurt:
            broken[place] ^= dice.randrange(1, 256)
        rows, notes = read_bytes(bytes(broken), tmp_path, SUFFIX[kind])
        numbers = whole(offsets, len(data), hurt)
        assert expected(numbers, 2).items() <= kept(rows).items(), seed
        assert numbers
        assert notes


def test_what_a_note_says(tmp_path: Path) -> None:
    """Where the damage begins and how many bytes were passed over; the damaged page comes as a dropped row."""
    data, offsets = packed(pages(5), "gzip")
    broken = bytearray(data)
    broken[offsets[3] - 6] ^= 1  # the checksum of the third record
    rows, notes = read_bytes(bytes(broken), tmp_path, "x.warc.gz")
    assert notes == [f"damaged at byte {offsets[2]}, {offsets[3] - offsets[2]} bytes skipped"]
    assert [(row["url"][-1], row["drop"]) for row in rows] == [
        ("0", None), ("1", None), ("2", "damaged"), ("3", None), ("4", None)]  # fmt: skip


def test_rubbish_between_records(tmp_path: Path) -> None:
    """Other data in the middle, even with the magic number in it, costs nothing but a note; padding not even that."""
    for kind, rubbish in (
        ("gzip", b"\x1f\x8b\x08 no \x1f\x8b\x08\0\0\0\0\0\0\x03 member" + gzip.compress(b"not a record")),
        ("plain", b"some WARC/1.0 text\r\n" * 5000),
        ("zstd", b"\x28\xb5\x2f\xfd\x28\xb5\x2f\xfd and such" * 100),
    ):
        data, offsets = packed(pages(6), kind)
        rows, notes = read_bytes(data[: offsets[3]] + rubbish + data[offsets[3] :], tmp_path, SUFFIX[kind])
        assert kept(rows) == expected(range(6)), kind
        assert len(notes) >= 1
    data, _ = packed(pages(6), "gzip")
    rows, notes = read_bytes(data + bytes(5000), tmp_path, "x.warc.gz")
    assert (len(rows), notes) == (6, [])


def test_magic_numbers_and_sizes_inside_of_members(tmp_path: Path) -> None:
    """Members that are stored, hold the magic number or are larger than a read come out as all others, with no note."""
    dice = random.Random(5)
    bodies = [
        page(1),
        b"\x1f\x8b\x08" * 500,
        dice.randbytes(700_000) + b"\x1f\x8b\x08\0",
        page(2),
        b" " * 5_000_000,
        page(3),
    ]
    made = [record(f"https://x.example/{number}", b"<html>" + body) for number, body in enumerate(bodies)]
    data = b"".join(gzip.compress(one, 0 if number < 4 else 6) for number, one in enumerate(made))
    rows, notes = read_bytes(data, tmp_path, "x.warc.gz")
    assert [row["_payload"] for row in rows] == [b"<html>" + body for body in bodies]
    assert notes == []


def test_damage_in_one_stream_round_the_archive(tmp_path: Path) -> None:
    """Where one gzip stream holds all records, those in front of the damage come out."""
    data, _ = packed(pages(COUNT), "gzip-whole")
    rows, notes = read_bytes(data[: len(data) // 2], tmp_path, "x.warc.gz")
    found = kept(rows)
    assert len(found) > COUNT // 3
    assert found.items() <= expected(range(COUNT)).items()
    assert len(notes) == 1


@pytest.mark.parametrize("length", [b"2", b"99", b"4999999", b"99999999999", b"-5", b"many"])
@pytest.mark.parametrize("kind", ["gzip", "plain", "gzip-whole"])
def test_a_wrong_length_costs_one_record(tmp_path: Path, length: bytes, kind: str) -> None:
    """A stated length that leads nowhere (too short, too long, beyond the file, no number) hides no other record."""
    made = pages(9)
    before = len(page(4))
    at = made[4].find(b"Content-Length: ")  # of the record; the page's HTTP head has none
    end = made[4].find(b"\r\n", at)
    assert int(made[4][at + 16 : end]) > before
    made[4] = made[4][: at + 16] + length + made[4][end:]
    data, _ = packed(made, kind)
    rows, notes = read_bytes(data, tmp_path, SUFFIX[kind])
    assert expected([0, 1, 2, 3, 5, 6, 7, 8]).items() <= kept(rows).items()
    assert notes or any(row["drop"] for row in rows)


def bomb(kind: str, megabytes: int) -> bytes:
    """One record whose page inflates to so many megabytes of zeros."""
    size = megabytes * 1_000_000
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://bomb.example/\r\n"
    head += b"Content-Length: %d\r\n\r\n%s" % (size + len(http), http)
    packer = zlib.compressobj(9, wbits=31) if kind == "gzip" else zstandard.ZstdCompressor().compressobj()
    block = bytes(1_000_000)
    parts = [packer.compress(head), *(packer.compress(block) for _ in range(megabytes))]
    return b"".join([*parts, packer.compress(b"\r\n\r\n"), packer.flush()])


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_bomb_is_never_held(tmp_path: Path, kind: str) -> None:
    """A page that inflates to 200 MB is dropped, the records round it come out, and memory stays flat."""
    data, offsets = packed(pages(6), kind)
    explosive = data[: offsets[3]] + bomb(kind, 200) + data[offsets[3] :]
    tracemalloc.start()
    rows, notes = read_bytes(explosive, tmp_path, SUFFIX[kind])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kept(rows) == expected(range(6))
    assert [row["drop"] for row in rows] == [None, None, None, "too_large", None, None, None]
    assert rows[3]["url"] == "https://bomb.example/"
    assert notes == []
    assert peak < 60_000_000
