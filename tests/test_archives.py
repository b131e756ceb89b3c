"""Archives: read as streams, whatever their compression, damage or intent."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest
import zstandard

from proofpile2.errors import ConfigError, InputError
from proofpile2.sources.archives import Archives

PROOF = b"Lemma one : 1 = 1. Proof. reflexivity. Qed.\n"


def tar(*entries: tuple[str, bytes | None, bytes]) -> bytes:
    """Entries are name, data (None for a link) and type."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data, kind in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.linkname, entry.mtime = kind, len(data or b""), "/etc/passwd", 86_400
            archive.addfile(entry, io.BytesIO(data) if data is not None else None)
    return out.getvalue()


def read(path, **settings):
    source, notes, rows = Archives((str(path),), **settings), [], []
    for unit in source.units():
        for batch in source.read(unit, notes.append):
            rows += batch.to_pylist()
    return rows, notes


PLAIN = tar(
    ("p-1/theory/A.v", PROOF, tarfile.REGTYPE),
    ("p-1/README", b"read me", tarfile.REGTYPE),
    ("p-1/src/solve.f90", "end ! é".encode("latin-1"), tarfile.REGTYPE),
)


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("p.tar", bytes), ("p.tar.gz", gzip.compress), ("p.tgz", gzip.compress), ("p.tar.bz2", bz2.compress),
        ("p_1.0.orig.tar.xz", lzma.compress), ("p.tar.zst", zstandard.compress), ("misnamed.tar", gzip.compress),
    ],
)  # fmt: skip
def test_every_compression(tmp_path, name, pack):
    """The same rows come out, with language, place, time and text; other files are no documents."""
    (tmp_path / name).write_bytes(pack(PLAIN))
    rows, notes = read(tmp_path / name)
    assert [(row["subset"], row["locator"], row["created"]) for row in rows] == [
        ("coq", f"{name}:p-1/theory/A.v", "1970-01-02T00:00:00Z"),
        ("fortran", f"{name}:p-1/src/solve.f90", "1970-01-02T00:00:00Z"),
    ]
    assert rows[0]["text"] == PROOF.decode()
    assert rows[1]["text"] == "end ! é"
    assert notes == []


def test_zip_and_wheel(tmp_path):
    """Zip archives have the same; links and folders in them are passed over, encrypted or broken members noted."""
    path = tmp_path / "p-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("p/a.py", "import numpy\n")
        link = zipfile.ZipInfo("p/link.py")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("p/b.jl", "x = 1\n")
    data = bytearray(path.read_bytes())
    rows, notes = read(path)
    assert [row["locator"] for row in rows] == [f"{path.name}:p/a.py", f"{path.name}:p/b.jl"]
    assert notes == []
    at = data.index(b"x = 1\n")
    data[at] ^= 0xFF
    path.write_bytes(data)
    rows, notes = read(path)
    assert len(rows) == 1
    assert "p/b.jl" in notes[0]


def test_only_the_languages_asked_for(tmp_path):
    """``langs`` chooses, by name or by a list with commas; an unknown one is an error with the nearest name."""
    (tmp_path / "p.tar").write_bytes(PLAIN)
    assert [row["subset"] for row in read(tmp_path / "p.tar", langs=("coq,lean",))[0]] == ["coq"]
    with pytest.raises(ConfigError, match="did you mean 'coq'"):
        read(tmp_path / "p.tar", langs=("coqq",))


def test_hostile_members(tmp_path):
    """Paths that lead out are names only, links and devices passed over, nothing is written, a second copy goes."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "p.tar").write_bytes(
        tar(
            ("../../x.v", PROOF, tarfile.REGTYPE), ("/etc/y.v", PROOF, tarfile.REGTYPE), ("l.v", None, tarfile.SYMTYPE),
            ("h.v", None, tarfile.LNKTYPE), ("d.v", None, tarfile.FIFOTYPE), ("x.v", b"other", tarfile.REGTYPE),
        )
    )  # fmt: skip
    rows, notes = read(tmp_path / "in" / "p.tar")
    assert [(row["locator"], row["drop"]) for row in rows] == [
        ("p.tar:x.v", None), ("p.tar:etc/y.v", None), ("p.tar:x.v", "duplicate_path"),
    ]  # fmt: skip
    assert notes == ["2 links passed over"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in", "p.tar"]


def test_bombs_are_capped(tmp_path):
    """A file past what may be held is dropped; an archive past its budget of bytes or members ends with a note."""
    big = bytes(11_000_000)
    (tmp_path / "p.tar.gz").write_bytes(
        gzip.compress(
            tar(("a.v", PROOF, tarfile.REGTYPE), ("big.v", big, tarfile.REGTYPE), ("c.v", PROOF, tarfile.REGTYPE))
        )
    )
    rows, _ = read(tmp_path / "p.tar.gz")
    assert [row["drop"] for row in rows] == [None, "too_large", None]
    rows, notes = read(tmp_path / "p.tar.gz", max_bytes=1_000_000)
    assert len(rows) < 3
    assert "1,000,000 bytes" in notes[0]
    rows, notes = read(tmp_path / "p.tar.gz", max_members=1)
    assert len(rows) == 1
    assert "members" in notes[0]


def test_damage_gives_what_is_before_it(tmp_path):
    """Half an archive gives its first files and a note; what is no archive is an error."""
    lines = b"".join(b"%d %s" % (n, PROOF) for n in range(3000))
    data = gzip.compress(tar(("a.v", PROOF, tarfile.REGTYPE), ("b.v", lines, tarfile.REGTYPE)))
    (tmp_path / "p.tar.gz").write_bytes(data[: len(data) // 2])
    rows, notes = read(tmp_path / "p.tar.gz")
    assert rows[0]["text"] == PROOF.decode()
    assert "damaged" in notes[0]
    (tmp_path / "q.tar.gz").write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(InputError, match="neither"):
        read(tmp_path / "q.tar.gz")
    (tmp_path / "r.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InputError, match="zip"):
        read(tmp_path / "r.zip")


@pytest.mark.parametrize(
    ("data", "drop"),
    [
        (b"\x7fELF\0\0\1\2" + bytes(range(256)) * 9, "binary"), ("(* π *) Lemma x : True.\n".encode("utf-16"), None),
        (b"\xef\xbb\xbfLemma x : True.", None), (b"", None), (PROOF + b"\0" * 40, "binary"),
    ],
)  # fmt: skip
def test_bytes_to_text(tmp_path, data, drop):
    """Text of any encoding is kept as text; what is none is dropped with a reason."""
    (tmp_path / "p.tar").write_bytes(tar(("a.v", data, tarfile.REGTYPE)))
    (row,), _ = read(tmp_path / "p.tar")
    assert row["drop"] == drop
    assert (row["text"] is None) == (drop is not None)
