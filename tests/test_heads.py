"""Licence heads go before duplicates are looked for, and nothing else does."""

from __future__ import annotations

import pytest

from proofpile2.deduplication.heads import without_head

HEADS = [
    "/*\n * Copyright (c) 2020 A\n * Licensed under MIT\n */\n", "// Copyright 2020 A\n// All rights reserved\n\n",
    "# Copyright 2020\n#\n# Licensed under the Apache License\n", "/-\nCopyright (c) 2020. All rights reserved.\n-/\n",
    "(* Copyright INRIA *)\n(* Author: B *)\n", "{- License: BSD -}\n", "-- Copyright A\n", "% Copyright A\n%% more\n",
    "! Copyright A\n", "C     Copyright A\nC     and so on\n",
    '"""Copyright A\n\nmore\n"""\n', "c copyright a\n* and\n",
    "// Copyright A\n",
]  # fmt: skip


@pytest.mark.parametrize("head", HEADS)
def test_heads_of_all_languages(head):
    """Each kind of comment about a licence goes; the comment after it, which says what the code does, stays."""
    assert without_head(f"{head}\ncode x\n") == "code x\n"
    assert without_head(f"{head}{head}\ncode # Copyright\n") == "code # Copyright\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "code\n",
        "# What it does\nx\n",
        "/* What */\n// Copyright\n",
        "# Copyright only\n",
        "case x of\n",
        "/* open",
        "#" * 50_000,
    ],
)
def test_what_stays(text):
    """Text without a head, and text that is nothing but one, is as it was."""
    assert without_head(text) == text


def test_directives_are_no_comments():
    """``#include`` right below a licence stays."""
    assert without_head("// Copyright\n#include <x.h>\n") == "#include <x.h>\n"
    assert without_head("# Copyright\n#include <x.h>\n") == "#include <x.h>\n"


def test_linear_time():
    """Long and unclosed comments are done in no time."""
    for piece in ("/* *", "# a\n", "(*", "\n", '"""', "C \n", "-- licence\n"):
        without_head(piece * 100_000)
