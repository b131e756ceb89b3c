"""TOML to dataclasses, strictly."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from proofpile2.config import build, parse_value, read_toml
from proofpile2.errors import ConfigError


@dataclass(frozen=True)
class Settings:
    threshold: float
    names: tuple[str, ...] = ()
    limit: int | None = None
    on: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold is in [0, 1], found {self.threshold}")


def test_a_table_becomes_the_dataclass():
    """Integers serve as floats, a string as a list of one."""
    found = build(Settings, {"threshold": 1, "names": "a", "limit": 3}, "t")
    assert found == Settings(1.0, ("a",), 3, False)
    assert isinstance(found.threshold, float)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"threshold": 0.5, "treshold": 1}, "unknown key 'treshold'; did you mean 'threshold'"),
        ({"threshold": 0.5, "zzz": 1}, "unknown key 'zzz'; known: limit, names, on, threshold"),
        ({}, "threshold is missing"),
        ({"threshold": "high"}, "t.threshold: expected float, found 'high'"),
        ({"threshold": True}, "expected float"),
        ({"threshold": 0.5, "names": [1]}, r"t.names\[0\]: expected str"),
        ({"threshold": 0.5, "limit": 1.5}, "expected int"),
        ({"threshold": 0.5, "limit": True}, "expected int"),
        ({"threshold": 0.5, "on": 1}, "expected bool"),
        ({"threshold": 2.0}, r"threshold is in \[0, 1\], found 2.0"),
    ],
)
def test_what_is_wrong_is_said(table, message):
    """Every message tells the place, what was expected and what was found."""
    with pytest.raises(ConfigError, match=message):
        build(Settings, table, "t")


def test_a_missing_comma_is_an_error(tmp_path):
    """In a Python list it would join two entries silently; three upstream filters died of it."""
    path = tmp_path / "rules.toml"
    path.write_text('hosts = ["a.example" "b.example"]')
    with pytest.raises(ConfigError, match=r"rules\.toml: not valid TOML.*line 1"):
        read_toml(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.2", 0.2), ("3", 3), ("true", True), ('["en", "de"]', ["en", "de"]), ("en", "en"), ("a=b", "a=b")],
)
def test_values_of_the_command_line(text, value):
    """TOML where it is TOML, else the plain word."""
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)
