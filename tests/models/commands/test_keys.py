"""Rotating the keys of personal data: resumable, counted, and nothing of what was sealed changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from infra.vault import add_key, load_or_create_keys
from models.tables.kernel import Event
from models.tables.needs import Person
from tests.support.planning import ENTERED_ON, surveyed, synthetic_people
from tests.support.world import World, open_world


def _all(world: World, table: type[Any]) -> list[Any]:
    with Session(world.services.engine) as session:
        return list(session.exec(select(table)).all())


def test_rotation_goes_on_where_it_stopped_and_ends_with_one_key(tmp_path: Path) -> None:
    world = open_world(tmp_path)
    survey = surveyed(world, rows=synthetic_people(people=50))
    before = world.ask("needs.ledger", survey=survey, limit=100)
    world.services.engine.dispose()
    key = add_key(tmp_path / "keys.json")
    world = open_world(tmp_path)
    keeper: dict[str, Any] = {"as_": "system:keeper", "on": ENTERED_ON}
    world.calls = 100

    part = world.do("keys.reseal", **keeper, limit=20)
    rest = world.do("keys.reseal", **keeper)
    none = world.do("keys.reseal", **keeper)

    assert (part.key, part.rows) == (key, 20)
    assert (rest.waiting, none.rows) == (0, 0)
    assert all(row.id_number_sealed.startswith(f"{key}:") for row in _all(world, Person))
    assert all(row.assessor_sealed.startswith(f"{key}:") for row in _all(world, Person))
    assert world.ask("needs.ledger", survey=survey, limit=100) == before
    assert world.ask("keys.use", as_="audit_body:u-audit").waiting == {}
    resealed = [row for row in _all(world, Event) if row.type == "keys.resealed"]
    assert [row.payload["key"] for row in resealed] == [key, key]
    assert all(set(row.payload) <= {"key", "rows", "command"} for row in resealed)
    world.services.engine.dispose()


def test_old_keys_stay_in_the_ring_and_the_lookup_key_never_changes(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    old = load_or_create_keys(path)
    sealed, hashed = old.seal("合成"), old.lookup("合成")

    add_key(path)
    new = load_or_create_keys(path)

    assert new.active != old.active
    assert (new.open(sealed), new.lookup("合成")) == ("合成", hashed)
    assert path.stat().st_mode & 0o077 == 0
    assert [new.open(text) for text in new.seal_many(["甲", "乙"])] == ["甲", "乙"]
    assert len(set(new.seal_many(["甲", "甲"]))) == 2
