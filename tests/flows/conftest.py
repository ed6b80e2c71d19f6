"""Fixtures of the flow tests: an empty and a surveyed installation, and one real Prefect server for the whole run.

Tests that use the server are in the xdist group ``prefect``, so that only one process starts it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.context import refresh_global_settings_context
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker

from infra.embedded.prefect_server import EmbeddedPrefect
from tests.support.installation import Installation, empty_world, install, surveyed_world
from tests.support.world import World


@pytest.fixture(scope="session")
def empty_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = empty_world(tmp_path_factory.mktemp("empty"))
    yield world
    world.services.engine.dispose()


@pytest.fixture(scope="session")
def surveyed_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = surveyed_world(tmp_path_factory.mktemp("surveyed"))
    yield world
    world.services.engine.dispose()


@pytest.fixture
def empty(empty_once: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An installation with nothing in it."""
    installed = install(monkeypatch, empty_once, tmp_path, name="empty")
    yield installed
    installed.world.services.engine.dispose()


@pytest.fixture
def surveyed(surveyed_once: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An installation with three surveys that have no service files, and their messages in the outbox."""
    installed = install(monkeypatch, surveyed_once, tmp_path, name="surveyed")
    yield installed
    installed.world.services.engine.dispose()


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPrefect]:
    """A Prefect server on loopback. This process sends its logs and events before it stops: exit would wait for it."""
    with EmbeddedPrefect(tmp_path_factory.mktemp("prefect")) as server:
        yield server
        for worker in (APILogWorker, EventsWorker):
            worker.drain_all(timeout=10)


@pytest.fixture
def prefect_client(prefect_server: EmbeddedPrefect, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedPrefect]:
    """The server, with this process as its client; Prefect itself is not told: that is the launcher's work."""
    with pytest.MonkeyPatch.context() as patch:
        for key, value in prefect_server.environment().items():
            patch.setenv(key, value)
        yield prefect_server
    refresh_global_settings_context()
