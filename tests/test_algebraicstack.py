"""AlgebraicStack from end to end on a small tree of our own writing, and its table of languages."""

from __future__ import annotations

import shutil

import pytest

from proofpile2 import cli, composition, dataset

LEAN = """import Mathlib.Data.Nat.Basic

/-- Doubling is adding a number to itself. -/
theorem double_eq (n : Nat) : 2 * n = n + n := by
  rw [Nat.two_mul]

theorem double_pos (n : Nat) (h : 0 < n) : 0 < 2 * n := by
  rw [double_eq]
  exact Nat.add_pos_left h n
"""

PYTHON = '''"""Newton's method for square roots."""
import numpy as np


def square_root(values: np.ndarray, steps: int = 20) -> np.ndarray:
    """Iterates x -> (x + a / x) / 2, which converges quadratically."""
    guess = np.maximum(values, 1.0)
    for _ in range(steps):
        guess = 0.5 * (guess + values / guess)
    return guess


def residual(values: np.ndarray) -> float:
    """Largest error of the square of the root."""
    return float(np.max(np.abs(square_root(values) ** 2 - values)))
'''

SERVER = """from flask import Flask, request, jsonify

app = Flask(__name__)


@app.route("/users", methods=["POST"])
def create_user():
    body = request.get_json()
    if "name" not in body:
        return jsonify({"error": "name is missing"}), 400
    return jsonify({"name": body["name"]}), 201


@app.route("/users/<int:number>")
def show_user(number):
    return jsonify({"number": number})
"""

VERILOG = """module counter(input clk, input reset, output reg [7:0] value);
  always @(posedge clk) begin
    if (reset) value <= 8'b0;
    else value <= value + 1;
  end
endmodule
"""

HEAD = "".join(f"# Copyright (c) {year} the authors of the roots, all rights reserved\n" for year in range(1990, 2020))


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> str:
    """Where two small repositories were run: mathematics, plumbing, a wrong file type, a copy under another licence."""
    root = tmp_path_factory.mktemp("code")
    for name, text in {
        "roots/Double.lean": LEAN, "roots/newton.py": PYTHON, "shop/server.py": SERVER, "shop/counter.v": VERILOG,
        "shop/copy_of_newton.py": HEAD + PYTHON,
    }.items():  # fmt: skip
        path = root / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    words = ["run", "algebraicstack", "--input", str(root / "in"), "--out", str(root / "out")]
    assert cli.main([*words, "--executor", "serial", "--quiet"]) == 0
    return str(root / "out")


def test_mathematics_stays_and_the_rest_has_its_reason(out):
    """One file of each duplicate; the server and the hardware go."""
    shares = {share.subset: share for share in composition.shares(out)}
    assert shares["lean"].kept == 1
    assert (shares["python"].documents_in, shares["python"].kept) == (3, 1)
    assert {reason.partition(":")[0] for reason, _ in shares["python"].reasons} == {"code_rules", "dedup"}
    assert shares["coq"].reasons == (("code_rules: wrong_type", 1),)
    texts = [row["text"] for row in dataset.open(out)]
    assert any("double_pos" in text for text in texts)
    assert any("square_root" in text for text in texts)


def test_tokens_and_characters_are_counted(out):
    """Columns of the last pass, summed up by the table."""
    rows = list(dataset.open(out))
    assert all(0 < row["tokens"] < row["characters"] == len(row["text"]) for row in rows)
    assert sum(share.tokens or 0 for share in composition.shares(out)) == sum(row["tokens"] for row in rows)


def test_langs_chooses_languages(out, tmp_path):
    """Files of other languages are not read at all."""
    where = str(tmp_path / "out")
    tree = shutil.copytree(out.removesuffix("out") + "in", tmp_path / "in")
    words = ["run", "algebraicstack", "--langs", "lean,isabelle", "--input", str(tree), "--out", where]
    assert cli.main([*words, "--executor", "serial", "--quiet"]) == 0
    assert [row["subset"] for row in dataset.open(where)] == ["lean"]


def test_without_input_the_message_names_the_option(tmp_path, capsys):
    """There is no sample of code."""
    assert cli.main(["run", "algebraicstack", "--out", str(tmp_path)]) == 2
    assert "--input" in capsys.readouterr().err
