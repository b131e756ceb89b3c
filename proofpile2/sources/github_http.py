"""GitHub's REST interface: time-outs, retries, rate limits. The token is sent to its host alone and never printed."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from proofpile2.errors import ConfigError, Error, InputError

__all__ = ["BASE", "Client", "Gone"]

BASE = "https://api.github.com"

TRIES = 5
"""Attempts at a request before it counts as failed; waiting for a rate limit is no attempt."""

LONGEST_WAIT = 3_700
"""Seconds; limits are reset once an hour."""

_MOST_WAITS = 30
_SECONDARY = ("secondary rate limit", "abuse detection", "rate limit exceeded")


class Gone(Error):
    """What was asked for is not there, or not for us (``status`` 404, 451, 403, 409 ...)."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows redirects, without the token where they lead to another host."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is not None and urllib.parse.urlsplit(newurl).netloc != urllib.parse.urlsplit(req.full_url).netloc:
            new.remove_header("Authorization")
        return new


@dataclass(frozen=True)
class Client:
    """Requests to one server. ``sleep`` and ``clock`` are there for tests; ``say`` takes a line before a long wait."""

    base: str = BASE
    token: str = field(default="", repr=False)
    timeout: float = 60
    tries: int = TRIES
    first_pause: float = 1.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    say: Callable[[str], object] = str

    def __post_init__(self) -> None:
        if not self.base.startswith(("http://", "https://")):
            raise ConfigError(f"base: expected a URL that begins with http:// or https://, found {self.base!r}")

    def json(self, path: str, **query: str | int) -> Any:
        """The parsed answer. Gone where there is none for us, InputError where the server keeps failing."""

        def read(answer: Any) -> Any:
            try:
                return json.loads(answer.read())
            except ValueError as error:
                raise ConnectionError(f"the answer is not JSON ({error})") from None

        return self.ask(f"{path}?{urllib.parse.urlencode(query)}" if query else path, read)

    def ask(self, path: str, read: Callable[[Any], Any]) -> Any:
        """``read(answer)``, done again where the connection breaks while it reads."""
        url = self.base.rstrip("/") + path
        headers = {
            "Accept": "application/vnd.github+json",
            "User-Agent": "proofpile2",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        opener = urllib.request.build_opener(_SameHost)
        failures, waits = 0, 0
        while True:
            request = urllib.request.Request(url, headers=headers)  # noqa: S310  (the scheme is checked above)
            try:
                with opener.open(request, timeout=self.timeout) as answer:
                    return read(answer)
            except urllib.error.HTTPError as error:
                with error:
                    text = error.read(4096).decode("utf-8", "replace") if error.fp else ""
                wait = self._wait(error.code, error.headers, text, waits)
                if wait is not None and waits < _MOST_WAITS:
                    waits += 1
                    self.say(f"rate limit: waiting {wait:.0f} s")
                    self.sleep(wait)
                    continue
                if error.code == 401:
                    raise ConfigError(f"{self.base}: the token in GITHUB_TOKEN was refused") from None
                if error.code < 500 and error.code != 429:
                    raise Gone(error.code, f"{path}: HTTP {error.code} {_message(text)}") from None
                reason = f"HTTP {error.code}"
            except (OSError, http.client.HTTPException, EOFError) as error:
                reason = f"{type(error).__name__} {error}".strip()
            failures += 1
            if failures >= self.tries:
                raise InputError(f"{path}: failed {failures} times, last with {reason}") from None
            self.sleep(self.first_pause * 2.0 ** (failures - 1))

    def _wait(self, status: int, headers: Message, text: str, waits: int) -> float | None:
        """Seconds to wait for a rate limit; None where it is no limit that refused us."""
        if status not in {403, 429, 503}:
            return None
        if after := _number(headers.get("Retry-After")):
            return min(after, LONGEST_WAIT)
        if status == 503:
            return None
        if headers.get("X-RateLimit-Remaining") == "0" and (reset := _number(headers.get("X-RateLimit-Reset"))):
            return min(max(reset - self.clock(), 0) + 1, LONGEST_WAIT)
        if status == 429 or any(words in text.lower() for words in _SECONDARY):
            return float(min(60 * 2 ** min(waits, 6), LONGEST_WAIT))
        return None


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _message(text: str) -> str:
    try:
        return str(json.loads(text).get("message", ""))[:200]
    except (ValueError, AttributeError):
        return ""
