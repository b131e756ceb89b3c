"""Every error a user can meet, drawn once.

    Error
    ├── ConfigError        exit 2   a setting, a rule file, a pipeline or the command line is wrong
    │   └── MissingFile    exit 2   a file that was named, or that a stage can't do without, is not there
    ├── InputError         exit 1   an input can't be read at all (its readable parts are never an error)
    ├── PartFailed         exit 1   a part went past its error budget or killed its worker again and again
    └── NotWhole           exit 1   what is on disk is not what its receipts say

The command line prints the message alone, so a message says what was expected, what was found and what to do.
"""

from __future__ import annotations

__all__ = ["ConfigError", "Error", "InputError", "MissingFile", "NotWhole", "PartFailed"]


class Error(Exception):
    """Base of all errors of this package; ``exit_code`` is what the command line ends with."""

    exit_code = 1


class ConfigError(Error):
    """A setting, a rule file, a pipeline or an argument is wrong; nothing was run."""

    exit_code = 2


class MissingFile(ConfigError):
    """A named file, or a side file that a stage can't do without, is not there."""


class InputError(Error):
    """An input can't be opened or is not of the expected kind."""


class PartFailed(Error):
    """A part could not be made; the other parts go on."""


class NotWhole(Error):
    """Files, counts or hashes do not agree with the receipts."""
