"""Every query there is, asked by every role that may ask it, tells nobody's number or phone; nor, outside the offices
that policy shows names to (``publicity.mask_internal``), a name.

Two worlds: a project served to its end, and people with answers, a referral and a ticket where the rules on them bind.
What a query wants to be told is taken from the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice, product
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import text
from sqlmodel import Session, select

from models.core.actors import Role
from models.core.errors import LifecycleError
from models.core.registry import OperationKind, operations
from models.queries.needs import ASSESSORS
from models.tables.needs import Person
from tests.models.commands.conftest import Standing
from tests.support import needy
from tests.support.world import World, open_world

PHONE, NAMES = "13900001234", ("欧阳合成甲", "司马合成乙")
_COLUMNS = {
    "project": "project.id",
    "procurement": "procurement.id",
    "contract": "contract.id",
    "survey": "survey.id",
    "person": "person.id",
    "household_no": "person.household_no",
    "run": "match_run.id",
    "round": "review_round.id",
    "expert": "expert.id",
    "notice": "publicity_notice.id",
    "subject": "draw_commitment.subject_id",
    "services": "match_outcome.item",
}
_GIVEN: dict[str, tuple[Any, ...]] = {
    "kind": ("service", "resource", "project"),
    "year": (2016, 2025),
    "quarter": (1,),
    "batch": (1, "first"),
    "from_": (1,),
    "to": (1,),
    "region": ("350503",),
    "book": ("venue",),
    "row": ("nothing",),
}
_EACH = 2
_PACKET = {"item": "rehab", "from_unit": "合成街道办", "department": "合成残联", "reason": "需要康复"}


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = open_world(tmp_path_factory.mktemp("answered"), region="350503")
    survey = needy.survey(world)
    people = [
        needy.person(world, survey, number, told={"name": name, "phone": PHONE}, demands=("meal", "rehab"))
        for number, name in enumerate(NAMES)
    ]
    needy.add_service(world)
    needy.add_resource(world, capacity=2, contact=PHONE)
    needy.publish(world)
    run = world.do("matching.run", as_=needy.OFFICE, on=needy.DAY, survey=survey).id
    call: dict[str, Any] = {"as_": needy.STREET, "on": needy.DAY}
    offered = needy.outcomes(world, run)[people[0], "meal"].outcome
    world.do(
        "matching.refuse_item",
        **call,
        outcome=offered,
        given_by="agent",
        agent_name=NAMES[1],
        agent_relation="邻居",
        reason=f"{NAMES[0]}暂不需要",
    )
    parts = dict.fromkeys(("policy", "person", "information", "resource"), "合成内容")
    packet: dict[str, Any] = _PACKET | {"parts": parts}
    world.do("referral.send", **call, person=people[0], **packet)
    world.do(
        "ticket.open",
        as_="county_bureau:u-c",
        on=needy.DAY,
        kind="hotline",
        matter=f"{NAMES[0]}来访",
        contact=PHONE,
        answer="合成答复",
    )
    yield world
    world.services.engine.dispose()


def test_no_query_of_any_role_returns_an_unmasked_number(checked: Standing, answered: World) -> None:
    asked = {name for world in (checked.world, answered) for name in _asked(world)}

    every = {name for name, operation in operations().items() if operation.kind is OperationKind.QUERY}
    assert every - asked == set()
    assert len(asked) > 60


def _asked(world: World) -> Iterator[str]:
    """Ask every query all that the database has an answer to; yield those that could be asked."""
    with Session(world.services.engine) as session:
        known = _GIVEN | {key: _values(session, place) for key, place in _COLUMNS.items()}
        names, numbers = _secrets(world, session)
    assert len(numbers) > 2
    for name, operation in operations().items():
        fields = operation.arguments.model_fields
        wanted = [key for key, field in fields.items() if field.is_required()]
        if operation.kind is not OperationKind.QUERY or not all(known[key] for key in wanted):
            continue
        for values in islice(product(*(known[key] for key in wanted)), 2 * _EACH):
            for role in sorted(operation.roles):
                told = _answer(world, name, role, dict(zip(wanted, values, strict=True)))
                hidden = numbers if role in ASSESSORS else numbers | names
                assert not any(secret in told for secret in hidden), (name, role)
        yield name


def _values(session: Session, place: str) -> tuple[Any, ...]:
    table, column = place.split(".")
    found = session.execute(text(f"SELECT DISTINCT {column} FROM {table} ORDER BY 1 LIMIT {_EACH}"))  # noqa: S608
    values = tuple(found.scalars())
    return tuple((value,) for value in values) if column == "item" else values


def _secrets(world: World, session: Session) -> tuple[set[str], set[str]]:
    """Return the names, and the ID numbers and phones, of everybody in the person file."""
    opened = world.services.vault.open
    people = session.exec(select(Person)).all()
    numbers = {opened(value) for row in people for value in (row.id_number_sealed, row.phone_sealed) if value}
    return {opened(row.name_sealed) for row in people}, numbers


def _answer(world: World, name: str, role: Role, arguments: dict[str, Any]) -> str:
    try:
        found = world.ask(name, as_=f"{role}:u-x", on=needy.DAY, **arguments)
    except LifecycleError as fault:
        return json.dumps(fault.as_json(), ensure_ascii=False)
    items = found if isinstance(found, tuple | list) else (found,)
    return "\n".join(item.model_dump_json() if isinstance(item, BaseModel) else repr(item) for item in items)
