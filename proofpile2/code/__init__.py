"""What the code rules are made of: pure functions on the bytes of one source file, and the rule files they read.

``lexis``     comments and strings of a language, masked
``patterns``  many regular expressions, one pass
``measures``  digits, number lines, long lines, base64
``imports``   modules and headers a file asks for, from parse trees
``topics``    what the words of names and comments say about the subject
``paths``     vendored copies and test suites of compilers, by folder
``rulefile``  ``filters/code/*.toml``, read strictly
``judge``     one file's bytes and path -> a reason to drop it, or None
``notebook``  Jupyter notebooks to Markdown
"""

from __future__ import annotations

from proofpile2.code.judge import compile_language, run_examples

__all__ = ["compile_language", "run_examples"]
