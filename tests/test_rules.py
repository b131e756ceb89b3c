"""Rule tables: what they mean, what is an error, and what the shipped ones do."""

from __future__ import annotations

import pytest

from proofpile2 import assets
from proofpile2.errors import ConfigError
from proofpile2.rules import Address, Page, compile_rules, parse_address, read_rules, run_examples


@pytest.fixture
def table(tmp_path):
    """Writes a rule file."""

    def write(text: str):
        path = tmp_path / "rules.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def judge(path, url="", text="", formulas=None):
    return compile_rules(read_rules(path))(Page(parse_address(url), text, formulas))


def test_addresses_are_parsed():
    """Port, user, case, www and escapes do not matter; what is no address has no parts."""
    address = parse_address("HTTPS://me@WWW.Example.ORG.:8080/A%20b/C.html?Q=x&y")
    assert address == Address("example.org", ("a b", "c.html"), frozenset({"q", "q=x", "y", "y="}))
    assert parse_address("http://[broken/") == parse_address(None) == parse_address("") == Address()


@pytest.mark.parametrize(
    ("condition", "url", "applies"),
    [
        ('host = ["is.mpg.de"]', "http://is.mpg.de/a", True),
        ('host = ["is.mpg.de"]', "http://www.is.mpg.de/a", True),
        ('host = ["is.mpg.de"]', "http://mis.mpg.de/a", False),
        ('host = ["nih.gov"]', "http://x.nih.gov.example/a", False),
        ('label = ["*vitamin*"]', "http://my-vitamins.example/", True),
        ('label = ["vitamin"]', "http://my-vitamin.example/", False),
        ('path = ["author/*"]', "http://a.example/x/Author/anna", True),
        ('path = ["author/*"]', "http://a.example/author/", False),
        ('path = ["author"]', "http://a.example/coauthor/x", False),
        ('path = ["/search"]', "http://a.example/search?q=1", True),
        ('path = ["/search"]', "http://a.example/notes/search", False),
        ('path = ["a/b"]', "http://a.example/x/a%2fb/y", False),
        ('page = ["proceedings"]', "http://a.example/x/Proceedings.php", True),
        ('page = ["proceedings"]', "http://a.example/proceedings/paper1", False),
        ('query = ["format=bibtex"]', "http://a.example/x?format=BibTeX", True),
        ('query = ["bibtex"]', "http://a.example/x?format=bibtex", False),
        ('host = ["a.example"]\nunless_path = ["keep"]', "http://a.example/keep/x", False),
        ('host = ["a.example"]\npath = ["x"]', "http://a.example/y", False),
    ],
)
def test_conditions_on_addresses(table, condition, url, applies):
    """Hosts by label, paths by segment; all conditions of a rule must hold."""
    path = table(f'[[rule]]\nname = "r"\nwhy = "test"\n{condition}\n')
    assert (judge(path, url) == "r") is applies


def test_conditions_on_text(table):
    """Length, accents, formulas; a number of a figure is no formula."""
    path = table(
        '[[rule]]\nname = "short"\nwhy = "w"\nshorter_than = 5\n'
        '[[rule]]\nname = "accents"\nwhy = "w"\naccents_above = 0.1\n'
        '[[rule]]\nname = "plain"\nwhy = "w"\nformulas_below = 1\n'
    )
    assert judge(path, text="  ab   ") == "short"
    assert judge(path, text="éà " * 10) == "accents"
    assert judge(path, text="é $x$ and $y$") is None
    assert judge(path, text="nothing here") == "plain"
    assert judge(path, text="see $\\PageIndex{1}$", formulas=1) == "plain"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[rule]]\nname = "a"\nwhy = "b"\nhots = ["x"]\n', "did you mean 'host'"),
        ('[[rules]]\nname = "a"\n', "did you mean 'rule'"),
        ('[rule]\nname = "a"\n', "expected"),
        ('[[rule]]\nname = "a"\nwhy = "b"\nhost = ["x" "y"]\n', "not valid TOML"),
        ('[[rule]]\nname = "a"\nwhy = "b"\n', "no condition"),
        ('[[rule]]\nname = "a"\nwhy = "b"\nunless_host = ["x"]\n', "no condition"),
        ('[[rule]]\nname = "a"\nhost = ["x"]\n', "why is missing"),
        ('[[rule]]\nname = "a"\nwhy = "b"\nshorter_than = "5"\n', "expected"),
        ('[[rule]]\nname = "a"\nwhy = "b"\nhost = ["x"]\n' * 2, "two rules"),
        (
            '[[rule]]\nname = "abstracts"\nwhy = "b"\nhost = ["x"]\n[[example]]\nurl = "y"\nexpect = "abstract"\n',
            "did you mean 'abstracts'",
        ),
    ],
)
def test_mistakes_are_errors(table, text, message):
    """A missing comma does not parse, an unknown key names the nearest, and a rule that drops all is refused."""
    with pytest.raises(ConfigError, match=message):
        read_rules(table(text))


def test_examples_run(table):
    """A failing example and a rule without one are named."""
    rule = '[[rule]]\nname = "r"\nwhy = "w"\nhost = ["x.example"]\n'
    example = '[[example]]\nurl = "http://{}.example/"\nexpect = "r"\n'
    assert run_examples(table(rule + example.format("x"))) == []
    assert "expected r, found keep" in run_examples(table(rule + example.format("y")))[0]
    assert "rule r has no example" in run_examples(table(rule))[0]


@pytest.mark.parametrize("name", ["web/urls.toml", "web/content.toml"])
def test_shipped_examples_hold(name):
    """As ``proofpile2 filters test`` says."""
    assert run_examples(assets.find("filters", name)) == []
