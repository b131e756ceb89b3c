"""Steps and wholes, one idea a module. No stage imports another."""

from __future__ import annotations

from proofpile2.stages.code_rules import CodeRules
from proofpile2.stages.content_rules import ContentRules
from proofpile2.stages.decontaminate import Decontaminate
from proofpile2.stages.dedup import Dedup
from proofpile2.stages.html import Html
from proofpile2.stages.language import Language
from proofpile2.stages.mathscore import MathScore
from proofpile2.stages.notebooks import Notebooks
from proofpile2.stages.perplexity import Perplexity
from proofpile2.stages.prefilter import Prefilter
from proofpile2.stages.split import Split
from proofpile2.stages.tokens import CountTokens
from proofpile2.stages.url_rules import UrlRules

__all__ = ["STEPS", "WHOLES"]

STEPS: dict[str, type] = {
    kind.name: kind
    for kind in (
        CodeRules, ContentRules, CountTokens, Decontaminate, Html, Language, MathScore, Notebooks, Perplexity,
        Prefilter, Split, UrlRules,
    )
}  # fmt: skip
"""Steps that a pipeline file or ``proofpile2 stage`` can name."""

WHOLES: dict[str, type] = {Dedup.name: Dedup}
"""Wholes that a pipeline file or ``proofpile2 stage`` can name."""
