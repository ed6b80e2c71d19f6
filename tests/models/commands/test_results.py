"""What a result leads to in Beijing: published, compared with the year before; complaints of the public on record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.policy.resolver import load_policy_book
from models.queries.acceptance import satisfaction_of_year
from models.rules.acceptance import has_fallen
from models.tables.acceptance import AcceptanceConclusion, SelfCheck
from models.tables.kernel import Event
from tests.support.purchases import approved_project
from tests.support.world import World, copy_world, open_world

BUREAU = "city_bureau:u-b"
STREET = "township:u-t"
DAY = date(2025, 3, 3)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = open_world(tmp_path_factory.mktemp("results"), region="110000")
    approved_project(world)
    _concluded(world, "prj-made-up", on=date(2024, 12, 2), asked=100, satisfied=90)
    units = [
        {"code": "syn-d1", "name": "合成区", "level": "county", "parent": "110000"},
        {"code": "syn-t1", "name": "合成街道", "level": "township", "parent": "syn-d1"},
    ]
    world.do("unit.register", as_=BUREAU, on=DAY, units=units)
    return world


@pytest.fixture
def beijing(built: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(built, tmp_path)
    yield made
    made.services.engine.dispose()


def _concluded(world: World, project: str, *, on: date, asked: int, satisfied: int) -> None:
    """A made-up conclusion of a project, as if it had been concluded that day."""
    rows: list[Any] = [
        SelfCheck(
            id="slf-made-up",
            project_id=project,
            round=1,
            indicators=[],
            instruments={},
            attached={},
            document_id="doc-made-up",
            spent_fen=0,
            submitted_on=on,
            days_late=0,
        ),
        AcceptanceConclusion(
            id="acc-made-up",
            project_id=project,
            round=1,
            self_check_id="slf-made-up",
            outcome="accepted",
            purchaser_scores={},
            recipient_scores={},
            party_scores={},
            total="85.00",
            grade="good",
            pay_ratio="1",
            asked=asked,
            satisfied=satisfied,
            served=100,
            concluded_on=on,
            policy_digest="",
            document_id="doc-made-up",
        ),
    ]
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        for row in rows:
            session.add(row)
            session.flush()
        session.commit()


def test_a_result_is_published_under_the_rule_that_asks_for_it(beijing: World) -> None:
    """BJ-40."""
    call: dict[str, Any] = {"as_": BUREAU, "on": DAY, "project": "prj-made-up", "sites": ["合成网站"]}

    beijing.do("acceptance.publish_result", **call)

    with Session(beijing.services.engine) as session:
        event = session.exec(select(Event).where(col(Event.type) == "acceptance.result_published")).one()
    assert event.payload["rule"] == "BJ-40"
    beijing.refused("acceptance.result_published", "acceptance.publish_result", **call)


def test_satisfaction_is_compared_with_everybody_asked_the_year_before(beijing: World) -> None:
    """BJ-05: exact shares, so that a rounded tie hides no fall; other regions do not ask for it."""
    with Session(beijing.services.engine) as session:
        before = satisfaction_of_year(session, region="110000", year=2024)
        assert satisfaction_of_year(session, region="110000", year=2023) is None
    assert before == (100, 90)
    book = load_policy_book()
    policy = book.resolve(region="110000", on=DAY)

    assert has_fallen(before=before, asked=1000, satisfied=899, policy=policy)
    assert not has_fallen(before=before, asked=1000, satisfied=900, policy=policy)
    elsewhere = book.resolve(region="520300", on=DAY)
    assert not has_fallen(before=before, asked=1000, satisfied=1, policy=elsewhere)


def test_a_complaint_of_the_public_is_on_record_and_an_auditor_reads_that_it_is(beijing: World) -> None:
    """BJ-49: registered with its limit; an auditor sees the list, and nobody sees who complained."""
    opened = beijing.do(
        "ticket.open",
        as_=STREET,
        on=DAY,
        kind="complaint",
        unit="syn-t1",
        matter="反映服务时长不足(合成)",
        contact="甄合成 13800138000",
    )

    (row,) = beijing.ask("ticket.list", as_="audit_body:u-a", kind="complaint")
    assert (row.id, row.rule, row.status) == (opened.id, "BJ-49", "open")
    assert "甄合成" not in row.model_dump_json()
