"""Worlds that start deep (S12–S16): the way there is played once a run, each test gets a copy of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.delivering import Purchase, self_checked_from, started
from tests.support.world import World, copy_world, open_world


@dataclass(frozen=True)
class Standing:
    """A world and the purchase that stands in it."""

    world: World
    bought: Purchase


@pytest.fixture(scope="session")
def _started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    world = open_world(tmp_path_factory.mktemp("started"))
    yield Standing(world, started(world))
    world.services.engine.dispose()


@pytest.fixture(scope="session")
def _self_checked(_started: Standing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    world = copy_world(_started.world, tmp_path_factory.mktemp("checked"))
    self_checked_from(world, _started.bought)
    yield Standing(world, _started.bought)
    world.services.engine.dispose()


@pytest.fixture
def running(_started: Standing, tmp_path: Path) -> Iterator[Standing]:
    """A running contract with staff and case plans, nobody served yet."""
    world = copy_world(_started.world, tmp_path, name="running")
    yield Standing(world, _started.bought)
    world.services.engine.dispose()


@pytest.fixture
def checked(_self_checked: Standing, tmp_path: Path) -> Iterator[Standing]:
    """A completed project, four hundred served, all evidence there, self-check filed."""
    world = copy_world(_self_checked.world, tmp_path, name="checked")
    yield Standing(world, _self_checked.bought)
    world.services.engine.dispose()
