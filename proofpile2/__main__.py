"""``python -m proofpile2``."""

import sys

from proofpile2.cli import main

if __name__ == "__main__":
    sys.exit(main())
