"""Words on the command line to one library call each."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from proofpile2 import (
    __version__,
    cli_code,
    cli_hub,
    cli_pack,
    cli_proofs,
    cli_train,
    composition,
    funnel,
    inspection,
    pack,
    pipeline,
    shards,
)
from proofpile2.config import build, nearest, parse_value
from proofpile2.dataset import find
from proofpile2.dataset import open as open_dataset
from proofpile2.errors import ConfigError, Error
from proofpile2.executors import Executor, LocalProcesses, Serial
from proofpile2.filter_examples import run_examples
from proofpile2.pipeline import Plan
from proofpile2.run import run
from proofpile2.sources import SOURCES, files, table
from proofpile2.stages import STEPS, WHOLES
from proofpile2.step import Source

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. 0: done, 1: some work failed, 2: usage or configuration; 130: stopped by the user."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        code: int = given.call(given)
    except Error as error:
        print(f"proofpile2: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nproofpile2: stopped; the same command goes on where this one was", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, MemoryError) as error:
        print(f"proofpile2: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="proofpile2",
        description="Rebuild Proof-Pile-2, the mathematical pre-training set, from raw sources.",
        epilog="Try it on the sample that ships:  proofpile2 run web",
    )
    parser.add_argument("--version", action="version", version=f"proofpile2 {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(
        name: str, call: Callable[[argparse.Namespace], int], text: str, *examples: str, to: Any = commands
    ) -> argparse.ArgumentParser:
        epilog = "examples:\n" + "\n".join(f"  {line}" for line in examples)
        one: argparse.ArgumentParser = to.add_parser(
            name, help=text, description=text[0].upper() + text[1:] + ".", epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        one.set_defaults(call=call)
        return one

    one = command(
        "run", _run, "run a pipeline, or go on with it",
        "proofpile2 run web                                            # the sample that ships",
        "proofpile2 run web --input 'crawl/*.warc.gz' --out data --workers 8",
        "proofpile2 run web --input warc.paths.gz --set mathscore.with_formulas=0.2",
        "proofpile2 run algebraicstack --langs lean,isabelle --input repositories",
        "proofpile2 run algebraicstack --langs lean,coq --input mathlib4 my-coq --provers lean,coq   # and proof steps",
        "proofpile2 run proofpile2 --component web=data/web --leave-out arxiv code general-code general-text",
    )  # fmt: skip
    _planning(one)
    _running(one)
    cli_pack.add_run_options(one)

    one = command(
        "stage", _stage, "run one stage alone on WARC, HTML, Parquet or JSON lines",
        "proofpile2 stage html --input pages.warc.gz --out text         # every page's text, nothing dropped",
        "proofpile2 stage dedup --input 'docs/*.parquet' --out unique --set dedup.threshold=0.8",
        "stages and their settings:", *(f"  {line}" for line in _stage_help()),
    )  # fmt: skip
    one.add_argument("stage", metavar="NAME", help="one of " + ", ".join([*STEPS, *WHOLES]))
    one.add_argument(
        "--input", nargs="+", required=True, metavar="PATH", help="files, folders, globs, URLs or lists of paths"
    )
    one.add_argument("--text", default="text", metavar="COLUMN", help="the column that holds the text (default: text)")
    one.add_argument("--mark", action="store_true", help="drop nothing; say in a column `drop` what would go, and why")
    _settings(one)
    _running(one)

    one = command(
        "plan", _plan, "show what a run would do, and do nothing", "proofpile2 plan web --input 'crawl/*.warc.gz'"
    )
    _planning(one)
    _out(one)
    cli_pack.add_run_options(one)
    _json(one)
    one = command(
        "status", _status, "show how far a run is", "proofpile2 status web --input 'crawl/*.warc.gz' --out data"
    )
    _planning(one)
    _out(one)
    cli_pack.add_run_options(one)
    _json(one)

    one = command(
        "funnel", _funnel, "show how many documents each step kept and dropped, and why", "proofpile2 funnel out/web"
    )
    _folder(one)
    _json(one)
    one = command(
        "explain", _explain, "tell what became of a document, by id or address",
        "proofpile2 explain out/web https://analysis.example/limits",
    )  # fmt: skip
    _folder(one)
    one.add_argument("key", metavar="ID-OR-URL")
    _json(one)
    one = command("verify", _verify, "check files, counts and hashes against the receipts", "proofpile2 verify out/web")
    _folder(one)
    _json(one)
    one = command(
        "clean", _clean, "remove passes that newer settings have superseded",
        "proofpile2 clean out/web          # shows what would go",
        "proofpile2 clean out/web --yes",
    )  # fmt: skip
    _folder(one)
    one.add_argument("--yes", action="store_true", help="remove; without it the list is only shown")

    cli_pack.commands(command)
    cli_code.commands(command)
    cli_proofs.commands(command)
    cli_hub.commands(command)
    group = commands.add_parser("train", help="train a model or a tokenizer").add_subparsers(
        metavar="WHAT", required=True
    )
    cli_pack.train_commands(command, group)
    cli_train.commands(command, group)
    group = commands.add_parser("filters", help="work on the rule files").add_subparsers(
        metavar="COMMAND", required=True
    )
    one = command("test", _filters_test, "run the examples of the rule files", "proofpile2 filters test", to=group)
    one.add_argument("files", nargs="*", metavar="FILE", help="rule files (default: all that ship)")
    _json(one)
    return parser


def _planning(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "pipeline", metavar="PIPELINE", help="a pipeline that ships (web, algebraicstack, proofpile2) or a file (.toml)"
    )
    one.add_argument(
        "--input", nargs="+", default=[], metavar="PATH", help="files, folders, globs, URLs or lists of paths"
    )
    one.add_argument(
        "--langs", metavar="LANG,...", help="of algebraicstack: only these languages, such as lean,isabelle"
    )
    one.add_argument("--provers", metavar="NAME,...",
                     help="of algebraicstack: provers to run on projects for proof steps; runs their code")  # fmt: skip
    _settings(one)


def _settings(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--set", action="append", default=[], metavar="STEP.FIELD=VALUE", help="change a setting; may be repeated"
    )
    one.add_argument(
        "--filters", action="append", default=[], metavar="DIR", help="rule files that go before those that ship"
    )


def _out(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--out", default="out", metavar="DIR", help="where the data goes: a folder or a URL (default: out)"
    )


def _running(one: argparse.ArgumentParser) -> None:
    _out(one)
    one.add_argument("--workers", type=int, default=0, metavar="N", help="worker processes (default: one a core)")
    one.add_argument(
        "--executor", choices=["local", "serial"], default="local", help="serial: all in this process, to debug"
    )
    one.add_argument(
        "--timeout", type=float, default=300.0, metavar="S", help="seconds after which a silent worker is replaced"
    )
    one.add_argument("--error-budget", type=float, default=0.001, metavar="SHARE",
                     help="share of a part's documents that may end in an error (default: 0.001; 0: none)")  # fmt: skip
    one.add_argument(
        "--keep-dropped-text", action="store_true", help="keep the text of dropped documents beside the reason"
    )
    one.add_argument("--quiet", action="store_true", help="no progress bars")
    _json(one)


def _folder(one: argparse.ArgumentParser) -> None:
    one.add_argument("folder", metavar="DIR", help="what --out named, or a pipeline or pass in it")


def _json(one: argparse.ArgumentParser) -> None:
    one.add_argument("--json", action="store_true", help="print JSON for machines")


def _stage_help() -> list[str]:
    lines = []
    for name, kind in sorted({**STEPS, **WHOLES}.items()):
        settings = ", ".join(f"{item.name}={item.default!r}" for item in fields(kind))
        lines.append(f"{name}: {settings or 'no settings'}")
    return lines


def _overrides(given: argparse.Namespace) -> dict[str, Any]:
    settings = {}
    for text in given.set:
        key, sign, value = text.partition("=")
        if not sign or "." not in key:
            raise ConfigError(f"--set {text}: expected STEP.FIELD=VALUE, such as mathscore.with_formulas=0.2")
        settings[key.strip()] = parse_value(value.strip())
    return settings


def _planned(given: argparse.Namespace) -> Plan:
    settings = _overrides(given)
    if given.langs:
        settings["source.langs"] = given.langs.split(",")
    if given.provers:
        settings["source.provers"] = given.provers.split(",")
    plan = pipeline.load(given.pipeline, given.input, settings, given.filters)
    for why in getattr(plan.source, "missing", {}).values():
        print(f"proofpile2: no proof steps: {why}", file=sys.stderr)
    return plan


def _executor(given: argparse.Namespace) -> Executor:
    if given.workers < 0:
        raise ConfigError(f"--workers {given.workers}: expected 1 or more")
    if given.executor == "serial":
        return Serial()
    return LocalProcesses(given.workers, given.timeout) if given.workers else LocalProcesses(timeout=given.timeout)


def _finished(given: argparse.Namespace, plan: Plan) -> int:
    outcome = run(
        plan, given.out, _executor(given), given.error_budget, given.keep_dropped_text, quiet=given.quiet or given.json
    )
    table = funnel.rows(outcome.manifests)
    last = plan.passes[-1]
    place = plan.folder(given.out, last)
    notes = sum(one.notes for one in outcome.manifests)
    if given.json:
        report = {"pipeline": plan.name, "folder": place, "done": not outcome.failures, "notes": notes,
                  "funnel": funnel.as_json(table), "failures": [asdict(one) for one in outcome.failures]}  # fmt: skip
        print(json.dumps(report, indent=1, ensure_ascii=False))
    elif outcome.manifests:
        print(funnel.render(table))
        if notes:
            print(f"\n{notes} note(s) on damaged input or single documents: proofpile2 status shows them")
        if not outcome.failures:
            _print_end(place)
    for failure in outcome.failures:
        print(f"proofpile2: failed: {failure.message}", file=sys.stderr)
    if outcome.failures:
        print("proofpile2: later passes were not run; mend the cause and run the same command again", file=sys.stderr)
    return 1 if outcome.failures else 0


def _print_end(place: str) -> None:
    statistics = shards.join(place, "statistics.json")
    if shards.exists(statistics):
        facts = json.loads(shards.read_bytes(statistics))
        splits = ", ".join(f"{name} {count:,}" for name, count in facts["splits"].items())
        print(f"\n{facts['documents']:,} documents ({splits})")
        print(f"{facts['characters']:,} characters from {facts['domains']:,} domains; the largest:")
        for row in facts["top_domains"][:10]:
            print(f"  {row['domain']:<40} {row['characters']:>14,} {100 * row['share']:>6.2f} %")
    if len(subsets := composition.shares(place.rsplit("/", 1)[0])) > 1:
        print(f"\n{composition.render(subsets)}")
    print(f"\nParquet: {place}")


def _run(given: argparse.Namespace) -> int:
    if pack.is_mixture(given.pipeline):
        return cli_pack.run_mixture(given, _executor(given), _overrides(given))
    if given.component or given.leave_out or given.tokenizer:
        raise ConfigError(
            "--component, --leave-out and --tokenizer belong to a mixture, such as: proofpile2 run proofpile2"
        )
    return _finished(given, _planned(given))


def _stage(given: argparse.Namespace) -> int:
    if given.stage not in {**STEPS, **WHOLES}:
        raise ConfigError(f"no stage {given.stage!r}{nearest(given.stage, [*STEPS, *WHOLES])}")
    settings = _overrides(given)
    inputs = [file for path in given.input for file in _own_parts(path)]
    kind = _source_kind(inputs[0])
    values: dict[str, Any] = {"input": tuple(inputs)} | ({"text": given.text} if kind == "table" else {})
    for key in [key for key in settings if key.startswith(f"{kind}.")]:
        values[key.partition(".")[2]] = settings.pop(key)
    source: Source = build(SOURCES[kind], values, kind)
    mark = given.mark or given.stage == "html"
    if mark and given.stage in WHOLES:
        raise ConfigError(
            f"--mark: {given.stage} looks at all documents at once; its dropped ones are listed beside the parts"
        )
    return _finished(given, pipeline.single(given.stage, source, settings, given.filters, mark))


def _own_parts(path: str) -> list[str]:
    """The documents' files where ``path`` is a folder that a run of ours made, else the path itself."""
    made = any(shards.exists(shards.join(path, name)) for name in ("manifest.json", "latest.json"))
    return open_dataset(path).files if made and "*" not in path else [path]


def _source_kind(path: str) -> str:
    names = [path, *(shards.listdir(path) if "*" not in path and "://" not in path and Path(path).is_dir() else [])]
    for kind, suffixes in (("table", table.SUFFIXES), ("files", files.SUFFIXES)):
        if any(name.endswith(suffixes) for name in names):
            return kind
    return "warc"


def _plan(given: argparse.Namespace) -> int:
    if pack.is_mixture(given.pipeline):
        return cli_pack.plan_mixture(given, _overrides(given))
    plan = _planned(given)
    states = inspection.status(plan, given.out)
    if given.json:
        print(json.dumps({"pipeline": plan.name, "units": dict(plan.units), "passes": [
            {"name": one.name, "fingerprint": one.fingerprint, "folder": state.folder, "done": state.done,
             "steps": one.recipe["steps"], "columns": {item.name: str(item.type) for item in one.schema}}
            for one, state in zip(plan.passes, states, strict=True)
        ]}, indent=1, ensure_ascii=False))  # fmt: skip
        return 0
    print(f"{plan.name}: {len(plan.units):,} inputs of {plan.source.name}")
    for one, state in zip(plan.passes, states, strict=True):
        parts = (
            "parts known when the pass before is done"
            if state.parts is None
            else f"{state.parts_done} of {state.parts} parts"
        )
        print(f"\n{one.name}  {'done' if state.done else 'to do'}  ({parts})\n  {state.folder}")
        for step in one.recipe["steps"]:
            settings = ", ".join(f"{key}={value!r}" for key, value in step["settings"].items())
            print(f"  - {step['name']}({settings})")
    return 0


def _status(given: argparse.Namespace) -> int:
    if pack.is_mixture(given.pipeline):
        return cli_pack.plan_mixture(given, _overrides(given))
    states = inspection.status(_planned(given), given.out)
    if given.json:
        print(json.dumps([asdict(state) for state in states], indent=1, ensure_ascii=False))
        return 0
    for state in states:
        parts = "?" if state.parts is None else state.parts
        progress = f"{state.parts_done}/{parts} parts, {state.documents:,} documents"
        print(f"{state.name:<10} {'done' if state.done else 'to do':<6} {progress}")
        for line in (*state.failures, *state.notes):
            print(f"    {line}")
    return 0


def _funnel(given: argparse.Namespace) -> int:
    table = funnel.rows(inspection.manifests(given.folder))
    print(json.dumps(funnel.as_json(table), indent=1) if given.json else funnel.render(table))
    return 0


def _explain(given: argparse.Namespace) -> int:
    fates = inspection.explain(given.folder, given.key)
    if given.json:
        print(json.dumps([asdict(fate) for fate in fates], indent=1, ensure_ascii=False))
        return 0 if fates else 1
    for fate in fates:
        outcome = f"dropped by {fate.step}: {fate.reason}" if fate.reason else "kept"
        print(f"{fate.id}  {fate.url or ''}\n  pass {fate.name}: {outcome}\n  {fate.file}")
    if not fates:
        print(
            f"no trace of {given.key}: not in the input, or dropped by the prefilter, which records only a sample",
            file=sys.stderr,
        )
    return 0 if fates else 1


def _verify(given: argparse.Namespace) -> int:
    problems = inspection.verify(given.folder)
    if given.json:
        print(json.dumps({"whole": not problems, "problems": problems}, indent=1, ensure_ascii=False))
    else:
        for problem in problems:
            print(problem)
        print(f"{len(problems)} problems" if problems else f"whole: {', '.join(find(given.folder))}")
    return 1 if problems else 0


def _clean(given: argparse.Namespace) -> int:
    for path in inspection.superseded(given.folder):
        print(f"{'removed' if given.yes else 'would remove'} {path}")
        if given.yes:
            shards.remove(path)
    return 0


def _filters_test(given: argparse.Namespace) -> int:
    found = run_examples(given.files)
    if given.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        for name, failures in found.items():
            print(f"{'ok    ' if not failures else 'WRONG '} {name}")
            for line in failures:
                print(f"    {line}")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
