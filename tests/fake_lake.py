"""A program that answers like ``lake``; what it plays stands in the first line of the file it is run on.

Goals and messages are made up. It has our extractor's format (see ``extract_goals.lean``) and Lean's ways to fail.
"""

from __future__ import annotations

import stat
import sys
from pathlib import Path

GOOD = """-- play: {play}
/-! swap -/
theorem swap{number} (p q : Prop) (h : p ∧ q) : q ∧ p := by
  constructor
  · exact h.2 -- right
  · exact h.1

theorem keep (p : Prop) (h : p) : p := by
  exact h
"""

PROGRAM = r'''#!PYTHON
import json, os, re, signal, subprocess, sys, time

here = os.path.dirname(os.path.abspath(__file__))


def remember(*words):
    with open(os.path.join(here, "calls"), "a") as stream:
        stream.write(json.dumps([os.getcwd(), *words]) + "\n")


args = sys.argv[1:]
if os.path.basename(sys.argv[0]) == "lean":
    args = ["env", "lean", *args]
if args[0] == "setup-file":
    remember(*args)
    if os.path.exists("no-setup"):
        print("error: target is out-of-date and needs to be rebuilt", file=sys.stderr)
        sys.exit(3)
    print("info: loaded")
    print(json.dumps({"name": "X", "isModule": False, "options": {"autoImplicit": False, "maxRecDepth": 1000}}))
    sys.exit(0)
assert args[:2] == ["env", "lean"], args
if args[2:] == ["--version"]:
    if os.path.exists("no-toolchain"):
        print("error: toolchain 'leanprover/lean4:v9' is not installed", file=sys.stderr)
        sys.exit(1)
    print("Lean (version 4.35.0, x86_64-unknown-linux-gnu, commit 0123456789ab, Release)")
    sys.exit(0)
if len(args) == 3:  # elaborate the extractor
    if os.path.exists("old"):
        print(args[2] + ":83:12: error: unknown constant 'LeanOptions.toOptions'")
    sys.exit(os.path.exists("old"))
assert args[2] == "--run", args
extractor, path, mark, *commands = args[3:]
source = open(path, encoding="utf-8").read()
play = re.match(r"-- play: (\w+)", source)[1]
remember("run", path, *commands)


def say(**fields):
    print(mark + json.dumps(fields, ensure_ascii=False, separators=(",", ":")), flush=True)


def prove(cut=None):
    """Every line of a proof is a tactic; its goal tells the line."""
    decl = None
    for number, line in enumerate(source.split("\n"), 1):
        if found := re.match(r"theorem (\w+)", line):
            decl = found[1]
        elif found := re.match(r"( +(?:· )?)(\w[^-]*\w)", line):
            if number == cut:
                sys.stdout.write(mark + '{"decl":"x","tac')
                return
            text, left = found[2], len(found[1])
            goal = f"p : Prop\n⊢ line {number}"
            if play == "unprintable" and number == 4:
                goal = "failed to pretty print goal"
            say(
                decl=decl, endPos={"column": left + len(text), "line": number}, goalsAfter=[], goalsBefore=[goal],
                kind="Lean.Parser.Tactic.some", pos={"column": left, "line": number},
                tactic=None if number == 9 else text,
            )


if play == "extractor":
    print(f"{extractor}:83:12: error: unknown constant 'LeanOptions.toOptions'")
    sys.exit(1)
if play == "early":
    print("error: configuration file failed to load", file=sys.stderr)
    sys.exit(1)
say(file=path, format="proofpile2 goals 1", version="4.35.0")
if play == "missing":
    file = os.getcwd() + "/.lake/build/lib/lean/Toy/Other.olean"
    print(f"uncaught exception: object file '{file}' of module Toy.Other does not exist", file=sys.stderr)
    sys.exit(1)
if play in ("hang", "slow"):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with open(os.path.join(here, "pids"), "a") as stream:
        stream.write(f"{os.getpid()} {child.pid}\n")
    time.sleep(600 if play == "hang" or os.path.exists("stay") else 0.2)
    child.kill()
if play == "hog":
    held = []
    while True:
        held.append(bytearray(16 << 20))
        time.sleep(0.02)
if play == "crash":
    os.kill(os.getpid(), signal.SIGSEGV)
if play == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if play == "endless":
    while True:
        sys.stdout.write("x" * 65536)
if play == "noise":
    print("hello from the file")
    sys.stdout.write("no line break here")
if play == "flood":
    sys.stderr.write("a warning\n" * 1_000_000)
if play == "cut":
    prove(cut=6)
    sys.exit(0)
if play == "leave":
    prove()
    sys.exit(0)
if play == "fail":
    print("uncaught exception: something odd", file=sys.stderr)
    sys.exit(7)
prove()
refused = [f"{one}: <argument>:1:0: error: unknown option" for one in commands if "nosuch" in one]
errors = 2 if play == "errors" else 0
messages = [f"{path}:3:0: error: unsolved goals", f"{path}:8:0: error: again"][:errors]
say(done=True, errors=errors, messages=messages, refused=refused, trees=3)
'''


def install(folder: Path, name: str = "lake") -> Path:
    """Writes the program into ``folder``; what it was asked is then in the file ``calls`` beside it."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(PROGRAM.replace("PYTHON", sys.executable), encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def project(folder: Path, plays: dict[str, str], lakefile: str = 'name = "toy"\n') -> Path:
    """A Lake project whose modules play what ``plays`` says: path -> play."""
    folder.mkdir()
    (folder / "lakefile.toml").write_text(lakefile)
    for number, (path, play) in enumerate(plays.items()):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(GOOD.format(play=play, number=number), encoding="utf-8")
    return folder
