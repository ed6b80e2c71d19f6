"""Every query there is, asked by every role that may ask it, tells nobody's number or phone; nor a name or an address
but to whom policy shows them: ``publicity.mask_internal`` for those who work with the ledger, ``mask_expert`` for
experts, ``mask_public`` for all others. Counts of whole streets (``needs.streets``) are nobody's address.

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
from tests.models.commands.test_funds import CHARITY
from tests.support import needy
from tests.support.world import World, open_world

PHONE, NAMES = "13900001234", ("欧阳合成甲", "司马合成乙")
STREETS = ("合成紫藤巷", "合成银杏巷")
_SHOWN = {"clear", "village"}  # styles that show the name, the street
_OF_PLACES = "needs.streets"
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
    "donation": "fund.id",
    "case": "misuse_case.id",
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
    "proposal": ("nothing",),
    "scenario": ("baseline",),
    "first": ("2016Q2",),
    "last": ("2016Q2",),
}
_EACH = 2
_PACKET = {"item": "rehab", "from_unit": "合成街道办", "department": "合成残联", "reason": "需要康复"}


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = open_world(tmp_path_factory.mktemp("answered"), region="350503")
    survey = needy.survey(world)
    people = [
        needy.person(world, survey, number, told=told | {"phone": PHONE}, demands=("meal", "rehab"))
        for number, told in enumerate({"name": name, "street": at} for name, at in zip(NAMES, STREETS, strict=True))
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
    _give_and_misuse(checked)
    asked = {name for world in (checked.world, answered) for name in _asked(world)}

    every = {name for name, operation in operations().items() if operation.kind is OperationKind.QUERY}
    assert every - asked == set()
    assert len(asked) > 60


def _give_and_misuse(standing: Standing) -> None:
    """Let a person of the ledger donate, and open a case about the project: queries of both tell of people."""
    world, call = standing.world, {"as_": "city_bureau:u-bureau", "on": standing.world.clock.day}
    with Session(world.services.engine) as session:
        someone = session.exec(select(Person).limit(1)).one()
    paper = world.upload("合成文书".encode(), name="合成.txt", media_type="text/plain").model_dump()
    world.do(
        "funding.register_donation",
        **call,
        donor={"kind": "person", "name": world.services.vault.open(someone.name_sealed), "account": "u-giver"},
        charity=CHARITY,
        amount="100.00",
        purpose="合成助老",
        consent=paper,
        year=2016,
    )
    misuse = {"project": standing.bought.project, "kind": "withheld", "unit": "合成单位", "amount": "100.00"}
    world.do("recovery.open_case", **call, **misuse, event_on=world.clock.day, evidence=paper)


def _asked(world: World) -> Iterator[str]:
    """Ask every query all that the database has an answer to; yield those that could be asked."""
    with Session(world.services.engine) as session:
        known = _GIVEN | {key: _values(session, place) for key, place in _COLUMNS.items()}
        secrets = _secrets(world, session)
    assert all(len(told) >= 2 for told in secrets.values())
    for name, operation in operations().items():
        fields = operation.arguments.model_fields
        wanted = [key for key, field in fields.items() if field.is_required()]
        if operation.kind is not OperationKind.QUERY or not all(known.get(key) for key in wanted):
            continue
        for values in islice(product(*(known[key] for key in wanted)), 2 * _EACH):
            for role in sorted(operation.roles):
                told = _answer(world, name, role, dict(zip(wanted, values, strict=True)))
                hidden = _hidden(world, role, of_places=name == _OF_PLACES)
                assert not [field for field in hidden if any(secret in told for secret in secrets[field])], (name, role)
        yield name


def _values(session: Session, place: str) -> tuple[Any, ...]:
    table, column = place.split(".")
    found = session.execute(text(f"SELECT DISTINCT {column} FROM {table} ORDER BY 1 LIMIT {_EACH}"))  # noqa: S608
    values = tuple(found.scalars())
    return tuple((value,) for value in values) if column == "item" else values


def _hidden(world: World, role: Role, *, of_places: bool) -> list[str]:
    """Return the fields of a person that this role must not see."""
    masks = world.services.policies.resolve(region=world.services.region, on=needy.DAY).publicity
    mask = masks.mask_internal if role in ASSESSORS else masks.mask_public
    styles = masks.mask_expert if role is Role.EXPERT else mask
    shown = {field for field in ("name", "address") if styles.get(field) in _SHOWN}
    if of_places:
        shown.add("address")
    return [field for field in ("number", "name", "address") if field not in shown]


def _secrets(world: World, session: Session) -> dict[str, set[str]]:
    """Return field → what everybody in the person file has there: ID numbers and phones, names, streets."""
    opened = world.services.vault.open
    people = session.exec(select(Person)).all()
    return {
        "number": {opened(value) for row in people for value in (row.id_number_sealed, row.phone_sealed) if value},
        "name": {opened(row.name_sealed) for row in people},
        "address": {row.street for row in people},
    }


def _answer(world: World, name: str, role: Role, arguments: dict[str, Any]) -> str:
    try:
        found = world.ask(name, as_=f"{role}:u-x", on=needy.DAY, **arguments)
    except LifecycleError as fault:
        return json.dumps(fault.as_json(), ensure_ascii=False)
    items = found if isinstance(found, tuple | list) else (found,)
    return "\n".join(item.model_dump_json() if isinstance(item, BaseModel) else repr(item) for item in items)
