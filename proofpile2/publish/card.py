"""The data card: what a published set holds and how to load it; how it was made is in :mod:`.provenance`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proofpile2 import __version__, assets
from proofpile2.config import read_toml
from proofpile2.publish import facts, provenance
from proofpile2.publish.facts import Amount, Subset
from proofpile2.publish.layout import SPLITS
from proofpile2.publish.markdown import listed, number, short, size, table

__all__ = ["render"]

SMALL = 0.01
"""Below this share of the published set's size the card says that it is a trial."""


def render(tree: str, name: str) -> str:
    """The card of the subsets laid out below ``tree``, as the README of the dataset ``name`` (``user/name``)."""
    subsets = facts.read(tree)
    known = read_toml(assets.find("data", "card.toml"))
    about = {one["name"]: one for one in known["subset"]}
    sections = [
        _front(subsets, name),
        _head(subsets, about, name),
        _contents(subsets, about),
        _loading(subsets, name),
        _columns(subsets, known["columns"]),
        provenance.making(subsets, about),
        provenance.origins(subsets, about),
        provenance.differences(subsets, known["difference"]),
        provenance.rebuilding(subsets, name),
        provenance.citing(subsets, known["citation"]),
    ]
    return "\n\n".join("\n".join(lines).strip("\n") for lines in sections if lines) + "\n"


def _configurations(subsets: Sequence[Subset]) -> list[tuple[str, str, dict[str, Amount]]]:
    """Name, beginning of the file names, and splits of each configuration."""
    found = []
    for one in subsets:
        for language in (None, *one.languages):
            # `datasets` can't load an empty split, so there is none.
            amounts = {split: one.amount(language, split) for split in SPLITS}
            splits = {split: amount for split, amount in amounts.items() if amount.documents}
            head = f"{language}-" if language else "*-" if one.languages else ""
            found.append((f"{one.name}-{language}" if language else one.name, f"{one.folder}/{head}", splits))
    return found


def _front(subsets: Sequence[Subset], name: str) -> list[str]:
    """The metadata that the Hub and ``datasets`` read: configurations, splits, and how many rows they have."""
    lines = ["---", f"pretty_name: {json.dumps(_title(name))}", "license: other"]
    for key, value in (("task_categories", "text-generation"), ("language", "en"), ("tags", "math")):
        lines += [f"{key}:", f"- {value}"]
    lines += ["- proof-pile-2", "size_categories:", f"- {_size_category(_sum(subsets).documents)}", "configs:"]
    configurations = _configurations(subsets)
    for config, head, splits in configurations:
        lines += [f"- config_name: {config}", "  data_files:"]
        for split in splits:
            # a digit after the dash: lean-* would take the files of lean-proofsteps, too
            lines += [f"  - split: {split}", f"    path: {json.dumps(f'{head}{split}-[0-9]*.parquet')}"]
    lines.append("dataset_info:")
    for config, _, splits in configurations:
        lines += [f"- config_name: {config}", "  splits:"]
        for split, amount in splits.items():
            lines += [f"  - name: {split}", f"    num_bytes: {amount.text_bytes}"]
            lines.append(f"    num_examples: {amount.documents}")
        everything = sum(splits.values(), Amount())
        lines += [f"  download_size: {everything.file_bytes}", f"  dataset_size: {everything.text_bytes}"]
    return [*lines, "---"]


def _head(subsets: Sequence[Subset], about: Mapping[str, Any], name: str) -> list[str]:
    total = _sum(subsets)
    ours = [f"`{one.name}`" for one in subsets if one.name in about]
    lines = [f"# {_title(name)}", ""]
    lines.append(
        f"{number(total.documents)} documents, {size(total.text_bytes)} of text: "
        f"{f'{listed(ours)} of ' if ours else 'after the pattern of '}"
        "[Proof-Pile-2](https://huggingface.co/datasets/EleutherAI/proof-pile-2), the mathematical training set of "
        f"[Llemma](https://arxiv.org/abs/2310.10631), rebuilt from raw sources with proofpile2 {__version__}."
    )
    lines += ["", *(f"* **{one.name}**: {about[one.name]['text']}." for one in subsets if one.name in about)]
    if any(_is_small(one, about) for one in subsets):
        lines.append("")
        lines.append(
            "> **A trial, not a training set.** It holds far less than the published set, from few inputs. Shares "
            "below say what happened to these inputs, not what would happen to a whole crawl."
        )
    return lines


def _contents(subsets: Sequence[Subset], about: Mapping[str, Any]) -> list[str]:
    rows = [[f"`{one.name}`", *_amount(one.amount()), _paper(about.get(one.name, {}))] for one in subsets]
    if len(subsets) > 1:
        everything = "55 B tokens" if set(about) <= {one.name for one in subsets} else "–"
        rows.append(["**together**", *_amount(_sum(subsets)), everything])
    header = ["documents", "text", "characters", "tokens", "Parquet", "Proof-Pile-2"]
    lines = ["## What is in it", "", *table(["subset", *header], rows, "lrrrrrr")]
    for one in subsets:
        if one.languages:
            paper = about.get(one.name, {}).get("languages", {})
            theirs = {name: f"{tokens:,} M tokens" for name, tokens in paper.items()}
            rows = [[name, *_amount(one.amount(name)), theirs.get(name, "–")] for name in one.languages]
            lines += ["", f"By language, `{one.name}`:", "", *table(["language", *header], rows, "lrrrrrr")]
            if absent := sorted(set(paper) - set(one.languages)):
                lines += ["", f"In Proof-Pile-2 but not here: {listed(absent)}."]
    rows = [[f"`{one.name}`", *(number(one.amount(split=split).documents) for split in SPLITS)] for one in subsets]
    lines += ["", "Documents by split:", "", *table(["subset", *SPLITS], rows, "lrrr"), ""]
    notes = ["*Text* is bytes of UTF-8, *Parquet* what is downloaded."]
    if any(one.amount().tokens is None for one in subsets):
        notes.append("Tokens were not counted where a dash stands; that needs a tokenizer.")
    notes.append("Figures of Proof-Pile-2 are those of its papers, in tokens of Llama.")
    return [*lines, " ".join(notes)]


def _loading(subsets: Sequence[Subset], name: str) -> list[str]:
    first = subsets[0]
    configurations = _configurations(subsets)
    config = f'"{first.name}", ' if len(configurations) > 1 else ""
    call = f'load_dataset("{name}", {config}split="train"'
    lines = ["## How to load it", "", "```python", "from datasets import load_dataset", "", f"documents = {call})"]
    lines.append(f"stream = {call}, streaming=True)  # as it is read")
    for one in (f"{one.name}-{one.languages[0]}" for one in subsets if one.languages):
        lines += [f'one_language = load_dataset("{name}", "{one}", split="train")']
    lines.append("```")
    if len(configurations) > 1:
        lines += ["", f"Configurations: {', '.join(f'`{config}`' for config, _, _ in configurations)}."]
    gaps = [
        f"`{config}` has no {' and no '.join(missing)} documents"
        for config, _, splits in configurations
        if (missing := [split for split in SPLITS if split not in splits])
    ]
    lines += ["", f"Splits: {listed([f'`{split}`' for split in SPLITS])}{''.join(f'; {gap}' for gap in gaps)}."]
    lines += ["", "To check all hashes and go on with it in proofpile2:", "", "```sh"]
    lines += ["pip install 'proofpile2[hub]'", f"proofpile2 pull {name} data", "```", "", "```python"]
    lines += ["import proofpile2", "", f'for document in proofpile2.open("data/{first.name}"):']
    return [*lines, '    print(document["text"])', "```"]


def _columns(subsets: Sequence[Subset], meanings: Mapping[str, str]) -> list[str]:
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for one in subsets:
        groups.setdefault(tuple(_ordered(one.manifest.columns, list(meanings))), []).append(f"`{one.name}`")
    lines = ["## Columns"]
    for columns, names in groups.items():
        rows = [[f"`{name}`", _type(kind), meanings.get(name, "")] for name, kind in columns]
        lines += ["", *([f"{listed(names)}:", ""] if len(groups) > 1 else [])]
        lines += table(["column", "type", "meaning"], rows, "lll")
    return lines


def _type(kind: str) -> str:
    return "list of records" if kind.startswith("list<") else _TYPES.get(kind, kind)


_TYPES = {"large_string": "string", "float": "float32", "double": "float64"}


def _ordered(columns: Mapping[str, str], order: list[str]) -> list[tuple[str, str]]:
    """Manifests sort their keys; people want the columns they know first."""
    return sorted(columns.items(), key=lambda item: (order.index(item[0]) if item[0] in order else len(order), item[0]))


def _sum(subsets: Sequence[Subset]) -> Amount:
    return sum((one.amount() for one in subsets), Amount())


def _is_small(one: Subset, about: Mapping[str, Any]) -> bool:
    """By tokens, or by four bytes of text a token."""
    paper = about.get(one.name, {}).get("paper_tokens", 0)
    return bool((one.amount().tokens or one.amount().text_bytes / 4) < SMALL * paper)


def _title(name: str) -> str:
    return name.partition("/")[2]


def _amount(one: Amount) -> list[str]:
    tokens = "–" if one.tokens is None else number(one.tokens)
    return [number(one.documents), size(one.text_bytes), number(one.characters), tokens, size(one.file_bytes)]


def _paper(about: Mapping[str, Any]) -> str:
    documents = f"{short(about['paper_documents'])} documents, " if "paper_documents" in about else ""
    return f"{documents}{short(about['paper_tokens'])} tokens" if about else "–"


def _size_category(n: int) -> str:
    """As the Hub names them."""
    names = ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "n>1B"]
    return next((name for power, name in enumerate(names[:-1], 3) if n < 10**power), names[-1])
