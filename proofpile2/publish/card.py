"""The data card: what a published set holds, how it was made, and how to load and rebuild it, as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proofpile2 import __version__, assets, funnel
from proofpile2.config import read_toml
from proofpile2.publish import facts
from proofpile2.publish.facts import Amount, Subset, Trail
from proofpile2.publish.layout import SPLITS

__all__ = ["render"]

SMALL = 0.01
"""Below this share of the published set's size the card says that it is a trial."""


def render(tree: str, name: str) -> str:
    """The card of the subsets laid out below ``tree``, as the README of the dataset ``name`` (``user/name``)."""
    subsets = facts.read(tree)
    known = read_toml(assets.find("data", "card.toml"))
    sections = [
        _front(subsets, name), _head(subsets, known, name), _contents(subsets, known), _loading(subsets, name),
        _columns(subsets, known), _making(subsets), _origins(subsets, known), _differences(subsets, known),
        _rebuilding(subsets, name), _citing(subsets, known),
    ]  # fmt: skip
    return "\n\n".join(section.strip("\n") for section in sections if section) + "\n"


def _front(subsets: Sequence[Subset], name: str) -> str:
    """The metadata that the Hub and ``datasets`` read: configurations, splits, and how many rows they have."""
    total = sum((one.amount() for one in subsets), Amount()).documents
    lines = ["---", f"pretty_name: {json.dumps(_title(name))}", "license: other", "license_name: see-licences-below",
             "license_link: '#licences'", "task_categories:", "- text-generation", "language:", "- en", "tags:", "- math",
             "- proof-pile-2", "size_categories:", f"- {_size_category(total)}"]  # fmt: skip
    configs: list[tuple[str, str, Mapping[str, Amount]]] = []
    for one in subsets:
        head = f"{one.folder}/" + ("*-" if one.languages else "")
        configs.append((one.name, head, {split: one.amount(split=split) for split in SPLITS}))
        for language in one.languages:
            amounts = {split: one.amount(language, split) for split in SPLITS}
            configs.append((f"{one.name}-{language}", f"{one.folder}/{language}-", amounts))
    lines.append("configs:")
    for config, head, _ in configs:
        lines += [f"- config_name: {config}", "  data_files:"]
        for split in SPLITS:
            lines += [f"  - split: {split}", f"    path: {json.dumps(f'{head}{split}-[0-9]*.parquet')}"]
    lines.append("dataset_info:")
    for config, _, splits in configs:
        lines += [f"- config_name: {config}", "  splits:"]
        for split, amount in splits.items():
            lines += [f"  - name: {split}", f"    num_bytes: {amount.text_bytes}", f"    num_examples: {amount.documents}"]
        everything = sum(splits.values(), Amount())
        lines += [f"  download_size: {everything.file_bytes}", f"  dataset_size: {everything.text_bytes}"]
    return "\n".join([*lines, "---"])


def _head(subsets: Sequence[Subset], known: Mapping[str, Any], name: str) -> str:
    total = sum((one.amount() for one in subsets), Amount())
    lines = [f"# {_title(name)}", ""]
    lines.append(
        f"{_number(total.documents)} mathematical documents, {_size(total.text_bytes)} of text, made with "
        f"[proofpile2](https://pypi.org/project/proofpile2/) {__version__}: a rebuild from raw sources of "
        + _listed([f"`{one.name}`" for one in subsets])
        + (" as in" if all(_about(known, one.name) for one in subsets) else ", after the pattern of")
        + " [Proof-Pile-2](https://huggingface.co/datasets/EleutherAI/proof-pile-2), the training set of "
        "[Llemma](https://arxiv.org/abs/2310.10631)."
    )
    lines += ["", *(f"* **{one.name}**: {about['text']}." for one in subsets if (about := _about(known, one.name)))]
    if any(_is_small(one, known) for one in subsets):
        lines += ["", "> **A trial, not a training set.** It is a small part of what the published set holds, made to try the "
                  "pipeline on few inputs. Shares and scores below are those of these inputs."]  # fmt: skip
    lines += ["", "This card was written from the manifests that lie beside the data; no figure was entered by hand."]
    return "\n".join(lines)


def _contents(subsets: Sequence[Subset], known: Mapping[str, Any]) -> str:
    rows = [[f"`{one.name}`", *_amount(one.amount()), _paper(_about(known, one.name))] for one in subsets]
    if len(subsets) > 1:
        rows.append(["**together**", *_amount(sum((one.amount() for one in subsets), Amount())), "55 B tokens"])
    header = ["subset", "documents", "text", "characters", "tokens", "Parquet", "Proof-Pile-2"]
    lines = ["## What is in it", "", *_table(header, rows, "lrrrrrr")]
    for one in subsets:
        if one.languages:
            paper = _about(known, one.name).get("languages", {})
            rows = [[language, *_amount(one.amount(language)), f"{paper[language]:,} M tokens" if language in paper else "–"]
                    for language in one.languages]  # fmt: skip
            lines += ["", f"By language, `{one.name}`:", "", *_table(["language", *header[1:]], rows, "lrrrrrr")]
            if absent := sorted(set(paper) - set(one.languages)):
                lines += ["", f"In Proof-Pile-2 but not here: {', '.join(absent)}."]
    rows = [[f"`{one.name}`", *(_number(one.amount(split=split).documents) for split in SPLITS)] for one in subsets]
    lines += ["", "Documents by split:", "", *_table(["subset", *SPLITS], rows, "lrrr"), ""]
    notes = ["*Text* is bytes of UTF-8, *Parquet* what is downloaded."]
    if any(one.amount().tokens is None for one in subsets):
        notes.append("Tokens were not counted where a dash stands: that needs a tokenizer.")
    notes.append("Proof-Pile-2's tokens are Llama's, as its papers give them, so other tokenizers' counts differ.")
    return "\n".join([*lines, " ".join(notes)])


def _loading(subsets: Sequence[Subset], name: str) -> str:
    first = subsets[0]
    config = f'"{first.name}", ' if len(subsets) > 1 or first.languages else ""
    lines = ["## How to load it", "", "```python", "from datasets import load_dataset", "",
             f'documents = load_dataset("{name}", {config}split="train")',
             f'stream = load_dataset("{name}", {config}split="train", streaming=True)   # without downloading all of it']  # fmt: skip
    for one in subsets:
        if one.languages:
            language = one.languages[0]
            lines.append(f'{_word(language)} = load_dataset("{name}", "{one.name}-{language}", split="train")')
    lines += ["```", "", "With the hashes checked, to go on with it in proofpile2:", "", "```sh", "pip install 'proofpile2[hub]'",
              f"proofpile2 pull {name} data", "```", "", "```python", "import proofpile2", "",
              f'for document in proofpile2.open("data/{first.name}"):', '    print(document["text"])', "```"]  # fmt: skip
    empty = [f"`{one.name}` {split}" for one in subsets for split in SPLITS if not one.amount(split=split).documents]
    if empty:
        lines += ["", f"Every configuration has all three splits; empty here: {', '.join(empty)}."]
    return "\n".join(lines)


def _columns(subsets: Sequence[Subset], known: Mapping[str, Any]) -> str:
    lines = ["## Columns", ""]
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for one in subsets:
        groups.setdefault(tuple(_ordered(one.manifest.columns, known["columns"])), []).append(f"`{one.name}`")
    for columns, names in groups.items():
        if len(groups) > 1:
            lines += [f"{_listed(names)}:", ""]
        rows = [[f"`{name}`", kind.replace("large_", ""), known["columns"].get(name, "")] for name, kind in columns]
        lines += [*_table(["column", "type", "meaning"], rows, "lll"), ""]
    return "\n".join(lines)


def _ordered(columns: Mapping[str, str], known: Mapping[str, str]) -> list[tuple[str, str]]:
    """Manifests sort their keys; here the columns that everybody knows come first, in the order of the schema."""
    order = list(known)
    return sorted(columns.items(), key=lambda item: (order.index(item[0]) if item[0] in order else len(order), item[0]))


def _making(subsets: Sequence[Subset]) -> str:
    lines = ["## How it was made"]
    for one in subsets:
        for trail in one.trails:
            lines += ["", f"### {_trail_name(one, trail)}", "", "What each step kept, and why the others went:", ""]
            rows = []
            for row in funnel.rows(trail.manifests):
                share = f"{100 * row.kept / row.documents_in:.1f} %" if row.documents_in else "–"
                why = sorted(row.reasons.items(), key=lambda item: (-item[1], item[0]))
                reasons = ", ".join(f"{_reason(reason)} {_number(n)}" for reason, n in why[:5])
                reasons += f", {len(why) - 5} more reasons" if len(why) > 5 else ""
                rows.append([row.name, row.step, _number(row.documents_in), _number(row.kept), share, reasons])
            lines += _table(["pass", "step", "in", "kept", "", "dropped because of"], rows, "llrrrl")
            parts = [(part["name"], part.get("settings")) for part in facts.parts_of(trail)]
            settings = [[name, _settings(values)] for name, values in parts if values]
            if settings:
                lines += ["", "Thresholds and settings:", "", *_table(["step", "settings"], settings, "ll")]
    used = [[f"`{name}`", f"`{value}`", ", ".join(users)] for name, value, users in facts.tools(t for s in subsets for t in s.trails)]
    if used:
        lines += ["", "### Tools, rules and models", "", "Versions of libraries; BLAKE2b-128 of files.", "",
                  *_table(["what", "version or hash", "used by"], used, "lll")]  # fmt: skip
    return "\n".join(lines)


def _origins(subsets: Sequence[Subset], known: Mapping[str, Any]) -> str:
    lines = ["## Sources and licences", ""]
    rows = []
    for one in subsets:
        crawls = [f"{name} {_number(n)}" for name, n in one.named("subset") if name] if not one.languages else []
        when = f"{_day(one.counts['first_day'])} to {_day(one.counts['last_day'])}" if "first_day" in one.counts else "not known"
        inputs = sum(len(trail.inputs) for trail in one.trails)
        sources = ", ".join(name for name, _ in one.named("source"))
        rows.append([f"`{one.name}`", sources, _number(inputs), when, ", ".join(crawls[:8]) or "–"])
    lines += _table(["subset", "source", "inputs", "made or fetched", "crawls"], rows, "llrll")
    for one in subsets:
        for trail in one.trails:
            if sites := [row for row in trail.statistics.get("top_domains", []) if row["domain"]][:10]:
                lines += ["", f"Largest of {_number(trail.statistics['domains'])} sites in `{one.name}`, by characters:", ""]
                cells = [[row["domain"], _number(row["documents"]), _number(row["characters"]), f"{100 * row['share']:.2f} %"]
                         for row in sites]  # fmt: skip
                lines += _table(["site", "documents", "characters", "share"], cells, "lrrr")
    lines += ["", "### Licences", ""]
    lines += [f"* **{one.name}**: {about['terms']}" for one in subsets if (about := _about(known, one.name))]
    rows = [[f"`{one.name}`", name or "not stated", _number(n)] for one in subsets for name, n in one.named("license")[:25]]
    return "\n".join([*lines, "", "Found in the column `license`:", "", *_table(["subset", "licence", "documents"], rows, "llr")])


def _differences(subsets: Sequence[Subset], known: Mapping[str, Any]) -> str:
    lines: list[str] = []
    for one in subsets:
        steps = {part["name"] for trail in one.trails for part in facts.parts_of(trail)}
        ours = [
            [item["topic"], item["published"], item["here"]]
            for item in known["difference"]
            if item["subset"] == one.name and item.get("step", "") in steps | {""} and item.get("without") not in steps
        ]
        if ours:
            lines += ["", f"`{one.name}`:", "", *_table(["", "published set", "here"], ours, "lll")]
    return "\n".join(["## How it differs from Proof-Pile-2", *lines]) if lines else ""


def _rebuilding(subsets: Sequence[Subset], name: str) -> str:
    lines = ["## How to make it again", "", "```sh", f"pip install 'proofpile2[hub]=={__version__}'"]
    notes = []
    for one in subsets:
        for trail in one.trails:
            line, note = facts.command(trail)
            lines.append(f"{line} --out data")
            notes.append(f"* `{trail.label}`: {note}")
    lines += [f"proofpile2 push data {name}", "```", "", *notes, ""]
    lines.append(
        "The same inputs, settings and versions give the same bytes. Below each subset, `manifests/` holds for every "
        "pass the full recipe and the counts, and `inputs.txt` names what went in. `sha256sum -c SHA256SUMS` checks a copy."
    )
    return "\n".join(lines)


def _citing(subsets: Sequence[Subset], known: Mapping[str, Any]) -> str:
    names = {"", *(one.name for one in subsets)}
    texts = [item["bibtex"].strip() for item in known["citation"] if item["subset"] in names]
    return "\n".join(["## Citation", "", "```bibtex", "\n\n".join(texts), "```"])


def _about(known: Mapping[str, Any], name: str) -> dict[str, Any]:
    return next((one for one in known["subset"] if one["name"] == name), {})


def _is_small(one: Subset, known: Mapping[str, Any]) -> bool:
    """By tokens, or by four bytes of text a token."""
    paper = _about(known, one.name).get("paper_tokens", 0)
    return bool((one.amount().tokens or one.amount().text_bytes / 4) < SMALL * paper)


def _trail_name(one: Subset, trail: Trail) -> str:
    return one.name if len(one.trails) == 1 else f"{one.name}, {trail.label}"


def _title(name: str) -> str:
    return name.partition("/")[2]


def _word(text: str) -> str:
    return "".join(sign if sign.isalnum() else "_" for sign in text)


def _amount(one: Amount) -> list[str]:
    tokens = "–" if one.tokens is None else _number(one.tokens)
    return [_number(one.documents), _size(one.text_bytes), _number(one.characters), tokens, _size(one.file_bytes)]


def _paper(about: Mapping[str, Any]) -> str:
    documents = f"{_short(about['paper_documents'])} documents, " if "paper_documents" in about else ""
    return f"{documents}{_short(about['paper_tokens'])} tokens" if about else "–"


def _number(n: int) -> str:
    return f"{n:,}"


def _short(n: float) -> str:
    for unit, name in ((1e9, "B"), (1e6, "M")):
        if n >= unit:
            return f"{n / unit:.3g} {name}"
    return f"{n:,}"


def _size(n: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if unit == "bytes" or n >= 100 else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:,.1f} TB"


def _size_category(n: int) -> str:
    limits = [(10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
              (10**8, "10M<n<100M"), (10**9, "100M<n<1B")]  # fmt: skip
    return next((name for limit, name in limits if n < limit), "n>1B")


def _day(n: int) -> str:
    return f"{n // 10000:04d}-{n // 100 % 100:02d}-{n % 100:02d}"


def _reason(reason: str) -> str:
    return reason.replace("_", " ")


def _settings(settings: Mapping[str, Any]) -> str:
    shown = []
    for key, value in settings.items():
        if value in ("", [], None):
            continue
        text = value.rsplit("/", 1)[-1] if isinstance(value, str) and value.startswith("/") else json.dumps(value, ensure_ascii=False)
        shown.append(f"{key} = `{text if len(text) <= 80 else text[:77] + '...'}`")
    return ", ".join(shown) or "none"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> list[str]:
    """A Markdown table; ``align`` has ``l`` or ``r`` for each column."""
    marks = {"l": "---", "r": "---:"}
    lines = [f"| {' | '.join(header)} |", f"|{'|'.join(marks[one] for one in align)}|"]
    return lines + [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]


def _cell(text: str) -> str:
    """Text from data can't break the table or the page."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
