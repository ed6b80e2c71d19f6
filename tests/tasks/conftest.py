"""Fixtures of the task tests: copies of one surveyed world, each the installation of its test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Installation, install, surveyed_world
from tests.support.world import World


@pytest.fixture(scope="session")
def surveyed_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = surveyed_world(tmp_path_factory.mktemp("surveyed"))
    yield world
    world.services.engine.dispose()


@pytest.fixture
def installation(surveyed_once: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """Three surveys without service files; settings in the environment."""
    installed = install(monkeypatch, surveyed_once, tmp_path)
    yield installed
    installed.world.services.engine.dispose()
