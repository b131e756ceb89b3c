"""The Hugging Face Hub: ``push`` publishes what ``run`` made, ``pull`` brings a published set back."""

from __future__ import annotations

from proofpile2.publish.pull import Pulled, pull
from proofpile2.publish.push import Pushed, push
from proofpile2.publish.trouble import Conflict, HubError

__all__ = ["Conflict", "HubError", "Pulled", "Pushed", "pull", "push"]
