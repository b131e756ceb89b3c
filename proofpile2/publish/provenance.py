"""The half of the data card that tells how a published set was made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proofpile2 import __version__, funnel
from proofpile2.publish import facts
from proofpile2.publish.facts import Subset, Trail
from proofpile2.publish.markdown import day, number, percent, table

__all__ = ["citing", "differences", "making", "origins", "rebuilding"]

MANY_SITES = 5
"""With fewer there is nothing to tell: code comes from one or two hosts, papers from one."""


def making(subsets: Sequence[Subset], about: Mapping[str, Any]) -> list[str]:
    """Funnel, settings and tools."""
    lines = ["## How it was made"]
    for one in subsets:
        theirs = about.get(one.name, {}).get("kept", {})
        for trail in one.trails:
            name = one.name if len(one.trails) == 1 else f"{one.name}, {trail.label}"
            lines += ["", f"### {name}", "", "What each step kept, and why the others went:", ""]
            lines += _funnel(trail, theirs)
            parts = [(part["name"], part.get("settings")) for part in facts.parts_of(trail)]
            if settings := [[name, _settings(values)] for name, values in parts if values]:
                lines += ["", "Thresholds and settings:", "", *table(["step", "settings"], settings, "ll")]
    if used := facts.tools(trail for one in subsets for trail in one.trails):
        rows = [[f"`{name}`", f"`{value}`", ", ".join(users)] for name, value, users in used]
        lines += ["", "### Tools, rules and models", "", "Versions of libraries; BLAKE2b-128 of files.", ""]
        lines += table(["what", "version or hash", "used by"], rows, "lll")
    return lines


def _funnel(trail: Trail, theirs: Mapping[str, float]) -> list[str]:
    rows = []
    steps = funnel.rows(trail.manifests)
    if theirs.keys().isdisjoint(row.step for row in steps):
        theirs = {}
    for row in steps:
        upstream = f"{theirs[row.step]} %" if row.step in theirs else ""
        shares = [percent(row.kept, row.documents_in), *([upstream] if theirs else [])]
        why = sorted(row.reasons.items(), key=lambda item: (-item[1], item[0]))
        reasons = [f"{reason.replace('_', ' ')} {number(n)}" for reason, n in why[:5]]
        reasons += [f"{len(why) - 5} more reasons"] if len(why) > 5 else []
        rows.append([row.name, row.step, number(row.documents_in), number(row.kept), *shares, ", ".join(reasons)])
    header = ["pass", "step", "in", "kept", "share", *(["OpenWebMath kept"] if theirs else []), "dropped because of"]
    return table(header, rows, "llrrr" + ("r" if theirs else "") + "l")


def _settings(settings: Mapping[str, Any]) -> str:
    shown = []
    for key, value in settings.items():
        if value in ("", [], None):
            continue
        if isinstance(value, str) and value.startswith("/"):
            value = value.rsplit("/", 1)[-1]  # where a file lay on one machine is nobody's business
        text = json.dumps(value, ensure_ascii=False)
        shown.append(f"{key} = `{text if len(text) <= 80 else text[:77] + '...'}`")
    return ", ".join(shown) or "none"


def origins(subsets: Sequence[Subset], about: Mapping[str, Any]) -> list[str]:
    """Sources, crawl dates, sites and licences."""
    lines = ["## Sources and licences", ""]
    rows = []
    for one in subsets:
        crawls = [f"{name} {number(n)}" for name, n in one.named("subset") if name] if not one.languages else []
        days = sorted({day(one.counts[name]) for name in ("first_day", "last_day") if name in one.counts})
        inputs = number(sum(len(trail.inputs) for trail in one.trails))
        sources = ", ".join(name for name, _ in one.named("source"))
        rows.append([f"`{one.name}`", sources, inputs, " to ".join(days) or "not known", ", ".join(crawls[:8]) or "–"])
    lines += table(["subset", "source", "input files", "made or fetched", "crawls or dumps"], rows, "llrll")
    for one in subsets:
        for trail in one.trails:
            sites = [row for row in trail.statistics.get("top_domains", []) if row["domain"]][:10]
            if len(sites) >= MANY_SITES:
                count = number(trail.statistics["domains"])
                rows = [
                    [site["domain"], number(site["documents"]), number(site["characters"]), percent(site["share"], 1)]
                    for site in sites
                ]
                lines += ["", f"The largest of {count} sites in `{one.name}`:", ""]
                lines += table(["site", "documents", "characters", "share"], rows, "lrrr")
    lines += ["", "### Licences", ""]
    lines += [f"* **{one.name}**: {about[one.name]['terms']}" for one in subsets if one.name in about]
    rows = [
        [f"`{one.name}`", name or "not stated", number(n)] for one in subsets for name, n in one.named("license")[:25]
    ]
    return [*lines, "", "In the column `license`:", "", *table(["subset", "licence", "documents"], rows, "llr")]


def differences(subsets: Sequence[Subset], known: Sequence[Mapping[str, str]]) -> list[str]:
    """Where the set differs by design from the published one; only of steps that were run."""
    lines: list[str] = []
    for one in subsets:
        steps = {part["name"] for trail in one.trails for part in facts.parts_of(trail)}
        rows = [
            [item["topic"], item["published"], item["here"]]
            for item in known
            if item["subset"] == one.name and item.get("step", "") in steps | {""} and item.get("without") not in steps
        ]
        if rows:
            lines += ["", f"`{one.name}`:", "", *table(["", "published set", "here"], rows, "lll")]
    return ["## How it differs from Proof-Pile-2", *lines] if lines else []


def rebuilding(subsets: Sequence[Subset], name: str) -> list[str]:
    """The exact commands."""
    lines = ["## How to make it again", "", "```sh", f"pip install 'proofpile2[hub]=={__version__}'"]
    notes = []
    for one in subsets:
        for trail in one.trails:
            line, note = facts.command(trail)
            lines.append(f"{line} --out data")
            notes.append(f"* `{trail.label}`: {note}")
    form = " --text-meta" if any(one.manifest.recipe.get("text_meta") for one in subsets) else ""
    lines += [f"proofpile2 push data {name}{form}", "```", "", *notes, ""]
    lines.append(
        "The same inputs, settings and versions give the same bytes. Below each subset, `manifests/` holds the full "
        "recipe and the counts of every pass, and `inputs.txt` names what went in. This card was written from them. "
        "`sha256sum -c SHA256SUMS` checks a copy."
    )
    return lines


def citing(subsets: Sequence[Subset], known: Sequence[Mapping[str, str]]) -> list[str]:
    """BibTeX of the papers behind the subsets."""
    names = {"", *(one.name for one in subsets)}
    texts = [item["bibtex"].strip() for item in known if item["subset"] in names]
    return ["## Citation", "", "```bibtex", "\n\n".join(texts), "```"]
