"""What can go wrong with the Hub, in plain words: errors of the library, the network and the server made ours."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping

from proofpile2.errors import Error

__all__ = ["Busy", "Conflict", "HubError", "NotThere", "TooLarge", "translated"]

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})

_SPACE = re.compile(r"\b(storage|quota|space)\b", re.IGNORECASE)

_NETWORK = frozenset({"TransportError", "RequestError", "ConnectionError", "TimeoutError", "FileMetadataError"})
"""Classes, by name, of what the library lets through from httpx and its kin, whichever of them it uses."""


class HubError(Error):
    """The Hub, or the way to it, failed; the message says what to do. What was sent stays sent."""


class Conflict(HubError):
    """Somebody else changed the repository meanwhile."""


class TooLarge(HubError):
    """The server takes less in one request."""


class Busy(HubError):
    """The server is busy, failed, or could not be reached: the same request may succeed after ``after`` seconds."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class NotThere(HubError):
    """No such repository, revision or file, or no right to see it."""


def translated(error: BaseException, what: str, name: str, endpoint: str, token: str | None) -> Error:
    """Our error for whatever came up while doing ``what`` with the repository ``name``; the token is in none."""
    from huggingface_hub import errors as theirs  # noqa: PLC0415

    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, Error):
        return error
    head = f"{name}: could not {what}"
    for one in chain:
        if isinstance(one, theirs.HfHubHTTPError) and getattr(one, "response", None) is not None:
            said = one.server_message or ""
            return _of_status(
                one.response.status_code, _clean(said, token), head, bool(token), one, _after(one.response.headers)
            )
    if any(isinstance(one, OSError) and one.errno == errno.ENOSPC for one in chain):
        return HubError(f"{head}: no space left on this machine")
    text = _clean(str(error), token)
    if _SPACE.search(text) and isinstance(error, ValueError):
        return HubError(f"{head}: the account is out of space ({text})")
    kinds = {kind.__name__ for one in chain for kind in type(one).__mro__}
    if "OfflineModeIsEnabled" in kinds:
        return HubError(f"{head}: HF_HUB_OFFLINE is set, so nothing is sent or fetched")
    deepest = chain[-1]
    reason = f"{type(deepest).__name__}: {_clean(str(deepest), token)}"
    if "xet" in reason and "404" in reason:
        return HubError(f"{head}: {endpoint} has no Xet storage; set HF_HUB_DISABLE_XET=1 and run it again")
    if kinds & _NETWORK or (isinstance(error, OSError) and "Consistency check failed" in text):
        return Busy(f"{head}: {endpoint} can't be reached or cut the connection ({reason})")
    return HubError(f"{head}: {reason}")


def _of_status(status: int, said: str, head: str, with_token: bool, error: BaseException, after: float) -> HubError:
    quoted = f" ({said})" if said else ""
    if status == 412 or (status == 409 and "exist" not in said):
        return Conflict(
            f"{head}: somebody else changed the repository meanwhile{quoted}. Nothing of theirs was touched; "
            "look at it, then run the same command again: files that are there already are not sent twice"
        )
    if status == 409:
        return HubError(f"{head}: the name is taken{quoted}")
    if status == 413:
        return TooLarge(
            f"{head}: the server does not take that much in one request{quoted}; use a smaller --shard-bytes"
        )
    if status in (402, 507) or (status == 403 and _SPACE.search(said)):
        return HubError(
            f"{head}: the account is out of space{quoted}; free some or ask the Hub for more, then run again"
        )
    missing = type(error).__name__ in {"RepositoryNotFoundError", "RevisionNotFoundError", "RemoteEntryNotFoundError"}
    if status == 404 or (missing and with_token):
        return NotThere(f"{head}: there is no such dataset, revision or file, or the token may not see it{quoted}")
    if status == 401:
        return HubError(
            f"{head}: the Hub does not accept the token{quoted}; set a valid HF_TOKEN or run `hf auth login`"
            if with_token
            else f"{head}: there is no such dataset, or it needs a token: set HF_TOKEN or run `hf auth login`"
        )
    if status == 403:
        return HubError(f"{head}: the token has no right to do that{quoted}")
    if status in BUSY:
        return Busy(f"{head}: the server is busy or failing (HTTP {status}){quoted}", after)
    return HubError(f"{head}: HTTP {status}{quoted}")


def _after(headers: Mapping[str, str]) -> float:
    """Seconds after which the server wants to be asked again, 0 if it does not say."""
    said = re.fullmatch(r"\s*(\d{1,6})\s*", headers.get("retry-after", ""))
    said = said or re.search(r"r=0;t=(\d{1,6})", headers.get("ratelimit", ""))  # none left; seconds to the next
    return float(said[1]) if said else 0.0


def _clean(text: str, token: str | None) -> str:
    """One line, without the token, signed addresses or pages of HTML."""
    if token:
        text = text.replace(token, "***")
    text = re.sub(r"https?://\S+", lambda found: found[0].partition("?")[0], text)
    return " ".join(text.split())[:300]
