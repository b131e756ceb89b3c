prelude
import Init.Prelude
import Init.Notation
import Lean.Elab.Frontend
import Lean.Data.Json
import Lean.Meta.PPGoal

/-
The goals before and after every tactic of a Lean file, as JSON lines on standard output.

    lake env lean --run extract_goals.lean FILE [MARK [COMMAND ...]]

FILE is elaborated as it stands, so the modules it imports must be built (`lake build`), and the code in it runs: do
this only to files that you trust. Each COMMAND is elaborated before the first command of the file; this is how options
are set: 'set_option autoImplicit false'. Every line of ours begins with MARK (default: nothing), so that what the
file itself prints can be told from it; a driver takes a random word.

The first line, before anything is imported:
  format        "proofpile2 goals 1"
  file          FILE
  version       of Lean, such as "4.35.0"

Then one line for each tactic that was elaborated, in the order of the info tree: an enclosing tactic comes before
those inside it, wherever they stand (`by` blocks in terms, `calc` steps, `conv`, branches of `induction`).
  decl          full name of the declaration, as Lean has it (private names keep their prefix); null: none
  tactic        source as written, comments inside it included; null where Lean doesn't know: take it from pos, endPos
  kind          of its syntax, such as "Lean.Parser.Tactic.rwSeq"
  goalsBefore   list of strings as `Meta.ppGoal` prints them; one that raised an error is "failed to pretty print goal",
                an expression in it that Lean gave up on reads "failed to pretty print expression ..."
  goalsAfter    likewise; empty means that the goals before are closed, not that the proof is at its end
  pos, endPos   {line, column} of its first character and past its last: lines from 1, columns from 0 in code points,
                in the file as it is with \r\n counted as \n
Left out are nodes without a place in the source (they come from macros) and those which only hold others: sequences,
bullets, parentheses, branches, `<;>`. Of `t <;> s` there is t once and s once for every goal that t left. A tactic that
failed inside `first`, `try` and the like is there too, mostly with the same goals after as before.

The last line; without it the output is not whole:
  done          true
  trees         number of info trees, one a command
  errors        number of error messages: later goals may then be wrong
  messages      the first 20 of them
  refused       commands of the arguments that gave an error, each with its message

The file is kept in memory until its end with all its info trees: Lean's own front end gives them at the end only. One
process does one file. Exit code: 0 when the last line was written. A file that begins with `module` is elaborated as
if it did not: it sees all of what it imports.

Which Lean: the header syntax of Lean 4.22 and later is needed. Written without names of types that were renamed on
the way (positions and substrings of strings), without macros, and with `prelude`, so that only the parts of Lean's
library which are used must be there.
-/

open Lean Elab

namespace Proofpile2

/-- Kinds of syntax that only hold tactics. Plain names: which of them exist differs from release to release. -/
def holders : List Name := [
  `null, `Lean.cdot, `Lean.cdotTk,
  `Lean.Parser.Term.byTactic, `Lean.Parser.Term.byTactic',
  `Lean.Parser.Tactic.tacticSeq, `Lean.Parser.Tactic.tacticSeq1Indented,
  `Lean.Parser.Tactic.tacticSeqBracketed, `Lean.Parser.Tactic.paren,
  `Lean.Parser.Tactic.«tactic_<;>_», `Lean.Parser.Tactic.inductionAlt,
  `Lean.Parser.Tactic.inductionAlts, `Lean.Parser.Tactic.withAnnotateState ]

def say (mark : String) (fields : List (String × Json)) : IO Unit := do
  let line := Json.compress (Json.mkObj fields)
  IO.println s!"{mark}{line}"

def isOriginal (stx : Syntax) : Bool :=
  match stx.getHeadInfo with
  | .original .. => true
  | _ => false

/-- One goal; whatever goes wrong in printing it is no reason to lose the others. -/
def goal (ctx : ContextInfo) (g : MVarId) : IO Json := do
  try
    ctx.runMetaM {} do
      return Json.str (← Meta.ppGoal g).pretty
  catch _ =>
    pure (Json.str "failed to pretty print goal")

def goals (ctx : ContextInfo) (mctx : MetavarContext) (gs : List MVarId) : IO Json := do
  let ctx := { ctx with mctx := mctx }
  let shown ← gs.toArray.mapM fun g => goal ctx g
  return Json.arr shown

def emit (mark : String) (ctx : ContextInfo) (t : TacticInfo) : IO Unit := do
  match t.stx.getPos? with
  | none => pure ()
  | some b =>
    let fm := ctx.fileMap
    let p := fm.toPosition b
    let q := fm.toPosition (t.stx.getTailPos?.getD b)
    let src := match t.stx.getSubstring? false false with
      | some s => Json.str s.toString
      | none => Json.null
    let decl := match ctx.parentDecl? with
      | some n => Json.str n.toString
      | none => Json.null
    let before ← goals ctx t.mctxBefore t.goalsBefore
    let after ← goals ctx t.mctxAfter t.goalsAfter
    say mark [
      ("decl", decl), ("tactic", src), ("kind", Json.str t.stx.getKind.toString),
      ("goalsBefore", before), ("goalsAfter", after),
      ("pos", Json.mkObj [("line", p.line), ("column", p.column)]),
      ("endPos", Json.mkObj [("line", q.line), ("column", q.column)])]

partial def visit (mark : String) (ctx? : Option ContextInfo) : InfoTree → IO Unit
  | .context i t => visit mark (i.mergeIntoOuter? ctx?) t
  | .node i cs => do
    if let (some ctx, .ofTacticInfo t) := (ctx?, i) then
      let keep := match t.stx with
        | .node _ k _ => isOriginal t.stx && !holders.contains k
        | _ => false  -- atoms such as `by`, a bullet, a bracket have tactic info too
      if keep then emit mark ctx t
    for c in cs.toArray do visit mark ctx? c
  | .hole _ => pure ()

unsafe def run (path mark : String) (commands : List String) : IO UInt32 := do
  initSearchPath (← findSysroot)
  enableInitializersExecution
  let input ← IO.FS.readFile path
  let ictx := Parser.mkInputContext input path
  let (header, pst, msgs) ← Parser.parseHeader ictx
  say mark [
    ("format", Json.str "proofpile2 goals 1"), ("file", Json.str path), ("version", Json.str Lean.versionString)]
  -- not `processHeader`: what is missing must end the run, not turn every line of the file into an error
  let opts : Options := LeanOptions.toOptions {}
  let env ← importModules (loadExts := true) (HeaderSyntax.imports header) opts 0
  let mut cst := Command.mkState env msgs opts
  let mut refused : Array Json := #[]
  for text in commands do
    let octx := Parser.mkInputContext text "<argument>"
    let (_, ost, _) ← Parser.parseHeader octx
    let s ← IO.processCommands octx ost cst
    cst := s.commandState
    for m in cst.messages.toList do
      if m.severity matches .error then
        let why ← m.toString
        refused := refused.push (Json.str s!"{text}: {why}")
  let s ← IO.processCommands ictx pst cst
  let trees := s.commandState.infoState.trees.toArray
  for t in trees do visit mark none t
  let mut errors : Nat := 0
  let mut shown : Array Json := #[]
  for m in msgs.toList ++ s.commandState.messages.toList do
    if m.severity matches .error then
      if errors < 20 then
        let text ← m.toString
        shown := shown.push (Json.str text)
      errors := errors + 1
  say mark [
    ("done", Json.bool true), ("trees", trees.size), ("errors", errors),
    ("messages", Json.arr shown), ("refused", Json.arr refused)]
  return 0

end Proofpile2

unsafe def main (args : List String) : IO UInt32 := do
  match args with
  | path :: mark :: commands => Proofpile2.run path mark commands
  | [path] => Proofpile2.run path "" []
  | [] =>
    IO.eprintln "usage: lake env lean --run extract_goals.lean FILE [MARK [COMMAND ...]]"
    return 2
