"""Rotating the keys of personal data: resumable, counted, and nothing of what was sealed changes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from infra.vault import add_key, load_or_create_keys
from models.commands.keys import _reseal
from models.queries.keys import sealed_tables
from models.tables import APPEND_ONLY, metadata
from models.tables.kernel import Event
from models.tables.matching import MatchAnswer
from models.tables.needs import Person
from tests.support import needy
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


def test_the_tables_that_may_only_grow_are_those_the_migration_protects() -> None:
    migration = import_module("infra.migrations.versions.0001_initial")

    assert frozenset(migration._APPEND_ONLY) == APPEND_ONLY
    assert set(metadata().tables) >= APPEND_ONLY
    sealed = {table.name for table, _ in sealed_tables()}
    assert sealed & APPEND_ONLY == {"service_record", "resource_list_row", "match_answer", "satisfaction_answer"}


def test_rotation_passes_over_rows_that_may_not_change_and_names_their_tables(tmp_path: Path) -> None:
    world = open_world(tmp_path, region="520300")
    survey = needy.survey(world)
    person = needy.person(world, survey, 0)
    needy.add_service(world)
    needy.add_resource(world)
    needy.publish(world)
    run = world.do("matching.run", as_=needy.OFFICE, on=needy.DAY, survey=survey).id
    offered = needy.outcomes(world, run)[person, "meal"].outcome
    world.do("matching.refuse_item", as_=needy.STREET, on=needy.DAY, outcome=offered, reason="子女送餐")
    world.services.engine.dispose()
    add_key(tmp_path / "keys.json")
    world = open_world(tmp_path, region="520300")
    world.calls = 100

    done = world.do("keys.reseal", as_="system:keeper", on=needy.DAY)

    use = world.ask("keys.use", as_="audit_body:u-audit")
    assert (done.waiting, use.waiting) == (0, {})
    assert use.kept == {"match_answer": 1, "resource_list_row": 1}
    (answer,) = _all(world, MatchAnswer)
    assert world.services.vault.open(answer.reason_sealed) == "子女送餐"
    world.services.engine.dispose()


def test_a_correction_made_while_rotating_is_not_overwritten(tmp_path: Path) -> None:
    world = open_world(tmp_path)
    surveyed(world, rows=synthetic_people(people=2))
    old = world.services.vault
    world.services.engine.dispose()
    add_key(tmp_path / "keys.json")
    world = open_world(tmp_path)
    vault = world.services.vault
    ((table, columns),) = [found for found in sealed_tables() if found[0].name == "person"]
    first, other = sorted(row.id for row in _all(world, Person))
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})

        def corrected(sealed: str) -> str:
            session.execute(update(Person).where(col(Person.id) == first).values(name_sealed=old.seal("合成更正")))
            return vault.reseal(sealed)

        ctx: Any = SimpleNamespace(
            services=SimpleNamespace(vault=SimpleNamespace(active=vault.active, reseal=corrected))
        )
        assert _reseal(session, ctx, table=table, columns=columns, limit=10) == 1
        session.commit()

    names = {row.id: row.name_sealed for row in _all(world, Person)}
    assert vault.open(names[first]) == "合成更正"
    assert names[other].startswith(f"{vault.active}:")
    world.services.engine.dispose()
