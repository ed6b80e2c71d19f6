"""Worlds that start deep (S12–S16): the way there is played once a run, each test gets a copy of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import Session

from models.queries.ledger_check import faults_of
from models.queries.succession import recipients_without_owner
from tests.support.delivering import Purchase, self_checked_from, started
from tests.support.publicizing import Pair, reviewed_pair
from tests.support.watching import Watched, watched
from tests.support.work_items import unresolvable
from tests.support.world import OPENED, World, copy_world, open_world


@pytest.fixture(autouse=True)
def _sums_hold_and_all_are_owned() -> Iterator[None]:
    """After every test the ledger of every world it opened is whole, and what waits there can be done; a session's
    shared world is checked once."""
    OPENED.clear()
    yield
    for world in [one for one in OPENED if one.services.engine.dialect.name == "sqlite"]:
        with Session(world.services.engine) as session:
            assert faults_of(session) == ()
            assert recipients_without_owner(session, date.max) == {}
            assert unresolvable(session) == []
        world.services.engine.dispose()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty world of Huangshi; the check above disposes of it."""
    return open_world(tmp_path)


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


@pytest.fixture(scope="session")
def _reviewed_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    pair = reviewed_pair(tmp_path_factory.mktemp("pair"))
    yield pair
    pair.world.services.engine.dispose()


@pytest.fixture
def pair(_reviewed_pair: Pair, tmp_path: Path) -> Iterator[Pair]:
    """Two reviewed projects and a ledger of thirty made-up people; eight of them are the first project's recipients."""
    world = copy_world(_reviewed_pair.world, tmp_path, name="pair")
    yield Pair(world, _reviewed_pair.projects)
    world.services.engine.dispose()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Watched]]:
    """Running projects by region, each built when first asked for."""
    made: dict[str, Watched] = {}
    yield made
    for one in made.values():
        one.world.services.engine.dispose()


@pytest.fixture
def place(
    built: dict[str, Watched], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Watched]]:
    """Return a copy of a running project of a region; the region's own is built once."""
    copies: list[Watched] = []

    def of(region: str) -> Watched:
        if region not in built:
            built[region] = watched(tmp_path_factory.mktemp(region), region=region, people=3)
        copies.append(replace(built[region], world=copy_world(built[region].world, tmp_path)))
        return copies[-1]

    yield of
    for one in copies:
        one.world.services.engine.dispose()
