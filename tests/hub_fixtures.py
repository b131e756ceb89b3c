"""Fixtures of the tests that talk to the Hub on loopback; a test module imports them by name."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace

import hub_runs
import hub_server
import huggingface_hub
import pytest
from huggingface_hub import constants

__all__ = ["hub", "out"]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A finished web run."""
    folder = str(tmp_path_factory.mktemp("out"))
    hub_runs.make(folder, "web", ("CC-MAIN-2023-23",), count=30)
    return folder


@pytest.fixture
def hub(monkeypatch, tmp_path_factory):
    """A server with a user whose token may write; large files over LFS, and no waiting between tries."""
    monkeypatch.setenv("HF_TOKEN", hub_server.TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path_factory.mktemp("home") / "token"))
    monkeypatch.setattr(os, "fsync", lambda _: None)  # no machine is switched off in these tests
    hurried = SimpleNamespace(**{**vars(time), "sleep": lambda _: None})
    monkeypatch.setattr("huggingface_hub.utils._http.time", hurried)
    monkeypatch.setattr("huggingface_hub.file_download.time", hurried)
    with hub_server.running() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server
        huggingface_hub.utils.close_session()
    assert not server.bugs
