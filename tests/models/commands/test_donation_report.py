"""Donated money is told of: due rows opened once whatever outage lay between, closed by what is filed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from models.tables.contract import Contract
from models.tables.kernel import Event, WorkItem
from models.tables.procurement import Organisation, Procurement
from tests.support.purchases import approved_project
from tests.support.world import World, copy_world, open_world, rows

BUREAU = "city_bureau:u-bureau"
SYSTEM = "system:scheduler"
CHARITY = {"name": "合成慈善基金会", "uscc": "53420200MJ0000000J"}
STARTS = date(2025, 1, 10)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = open_world(tmp_path_factory.mktemp("told"), region="520300")
    yield made
    made.services.engine.dispose()


@pytest.fixture
def world(empty: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(empty, tmp_path)
    yield made
    made.services.engine.dispose()


def paper(world: World) -> dict[str, Any]:
    return world.upload("合成说明".encode(), name="合成说明.txt", media_type="text/plain").model_dump()


def under_way(world: World, *, public: bool = True) -> str:
    """A project (合成) with a year's contract under a line that a donation pays, drafted and issued."""
    project = approved_project(world)
    given: dict[str, Any] = {
        "donor": {"kind": "person", "name": "合成赵六"},
        "charity": CHARITY | {"public_fundraising": public},
        "amount": "100",
        "purpose": "合成助老",
        "consent": paper(world),
        "year": 2025,
    }
    world.do("funding.register_donation", as_=BUREAU, on=STARTS, **given)
    line = world.do(
        "funding.draft_plan",
        as_=BUREAU,
        on=STARTS,
        project=project,
        quarter="2025Q1",
        batch=1,
        channel="donation",
        amount="100",
        content="合成",
    ).id
    for role in ("city_bureau:u", "drc:u"):
        world.do("funding.sign_plan", as_=role, on=STARTS, plan_line=line)
    world.do("funding.issue_plan", as_=BUREAU, on=STARTS, quarter="2025Q1", batch=1)
    _sign(world, project)
    return project


def _sign(world: World, project: str) -> None:
    """Put a contract of a year beside it: what it was bought by is told elsewhere."""
    common: dict[str, Any] = {"state": "running", "version": 1, "policy_digest": "0" * 64, "project_id": project}
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.add(Organisation(id="org-made-up", name="合成社会服务中心", kind="social_org", synthetic=True))
        session.flush()
        session.add(
            Procurement(
                id="prc-made-up", purchaser="合成机关", purchaser_kind="state_organ", budget_fen=10_000, **common
            )
        )
        session.flush()
        session.add(
            Contract(
                id="con-made-up",
                procurement_id="prc-made-up",
                organisation_id="org-made-up",
                signed_on=STARTS,
                starts_on=STARTS,
                ends_on=date(2026, 1, 10),
                price_fen=10_000,
                clauses={},
                extension_conditions=[],
                days_late=0,
                **common,
            )
        )
        session.commit()


def items(world: World) -> list[tuple[str, date, str]]:
    found = [row for row in rows(world, WorkItem) if row.kind == "funding.donation_report"]
    return sorted((row.subject_id.split(":")[1], row.due_on, row.status) for row in found)


def ended(world: World, project: str, on: date) -> None:
    """Let the project have been completed on a day."""
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        digests = {"prev_hash": "0" * 64, "hash": "0" * 64}
        session.add(
            Event(
                stream_kind="project",
                stream_id=project,
                seq=900,
                event_id="evt-made-up",
                type="project.completed",
                actor="contractor:u",
                occurred_at=on,
                recorded_at=on.isoformat(),
                payload={"to": "completed"},
                **digests,
            )
        )
        session.commit()


def test_each_period_is_opened_once_and_closed_by_what_was_told(world: World) -> None:
    """LAW-CSF-79: two periods without a scheduler are made up for; one telling settles what is owed by then."""
    project = under_way(world)
    late, filed = date(2025, 5, 2), date(2025, 5, 6)

    first = world.do("funding.open_donation_reports", as_=SYSTEM, on=STARTS)
    opened = [world.do("funding.open_donation_reports", as_=SYSTEM, on=late).opened for _ in range(2)]
    told = world.do(
        "funding.file_donation_report", as_=BUREAU, on=filed, project=project, report=paper(world), sites=["合成网站"]
    )
    after = world.do("funding.open_donation_reports", as_=SYSTEM, on=date(2025, 7, 10))

    assert (first.opened, opened, told.closed, after.opened) == (1, [1, 0], 2, 1)
    assert items(world) == [
        ("interim", date(2025, 4, 9), "done"),
        ("interim", date(2025, 7, 9), "done"),
        ("interim", date(2025, 10, 9), "open"),
    ]


def test_after_the_end_the_full_account_settles_what_was_still_owed(world: World) -> None:
    """Not before the end; within three months of it."""
    project = under_way(world)
    call: dict[str, Any] = {"as_": BUREAU, "project": project, "sites": ["合成网站"], "final": True}
    world.refused("funding.project_goes_on", "funding.file_donation_report", on=STARTS, report=paper(world), **call)
    world.do("funding.open_donation_reports", as_=SYSTEM, on=date(2025, 4, 12))
    ended(world, project, date(2025, 6, 10))

    opened = world.do("funding.open_donation_reports", as_=SYSTEM, on=date(2025, 8, 1)).opened
    told = world.do("funding.file_donation_report", on=date(2025, 8, 2), report=paper(world), **call)
    again = world.do("funding.open_donation_reports", as_=SYSTEM, on=date(2025, 12, 1)).opened

    assert (opened, told.closed, again) == (1, 3, 0)
    assert items(world)[0] == ("final", date(2025, 9, 10), "done")
    assert {status for *_, status in items(world)} == {"done"}


def test_a_charity_that_may_not_raise_money_from_the_public_owes_the_public_nothing(world: World) -> None:
    under_way(world, public=False)

    assert world.do("funding.open_donation_reports", as_=SYSTEM, on=date(2025, 12, 1)).opened == 0
