"""Objections that come late, or seem to: petitions close no notice, unread notices are not over. All made up (合成)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.core.errors import Conflict
from models.tables.kernel import Attempt, Document, Receipt
from models.tables.publicity import Objection, PublicityNotice
from tests.support import deciding as path
from tests.support.deciding import CLOSED_ON, PUBLICITY_ENDS_ON, SYSTEM
from tests.support.planning import OFFICE
from tests.support.world import World, copy_world, open_world


@pytest.fixture(scope="module")
def _base(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str]:
    world = open_world(tmp_path_factory.mktemp("base"))
    return world, str(path.publish(world, path.reviewed(world), channels=("website",)).id)


@pytest.fixture
def world(_base: tuple[World, str], tmp_path: Path) -> World:
    return copy_world(_base[0], tmp_path)


@pytest.fixture
def notice(_base: tuple[World, str]) -> str:
    return _base[1]


def _object(world: World, notice: str, *, on: date) -> Any:
    return world.do("publicity.raise_objection", as_="public:u-someone", on=on, notice=notice, matter="评分不公")


def test_a_petition_upheld_before_the_sweep_publishes_no_withdrawal(world: World, notice: str) -> None:
    late = _object(world, notice, on=CLOSED_ON)
    given: dict[str, Any] = {"objection": late.id, "outcome": "upheld", "reply": "属实。"}

    answered = world.do("publicity.answer_objection", as_=OFFICE, on=CLOSED_ON, **given)

    assert (late.late, answered.state) == (True, "project.on_publicity")
    view = world.ask("publicity.notice", notice=notice)
    assert (view.result, view.closing_document) == (None, None)
    with Session(world.services.engine) as session:
        papers = session.exec(select(Document).where(col(Document.kind).startswith("publicity_closing"))).all()
    assert papers == []
    closed = world.do("publicity.close_notice", as_=SYSTEM, on=CLOSED_ON, notice=notice)
    assert closed.result == "passed"


def test_a_notice_nobody_can_read_is_not_over(world: World, notice: str) -> None:
    outage: dict[str, Any] = {"as_": OFFICE, "notice": notice, "channel": "website", "reason": "网站改版"}
    world.do("publicity.record_outage", **outage, on=CLOSED_ON, first=CLOSED_ON)

    raised = _object(world, notice, on=date(2016, 3, 28))

    assert (raised.late, raised.state) == (False, "project.objection")


def test_the_last_day_is_counted_anew_and_not_taken_from_the_row(world: World, notice: str) -> None:
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        row = session.get_one(PublicityNotice, notice)
        row.ends_on = date(2016, 3, 22)
        session.add(row)
        session.commit()

    assert not _object(world, notice, on=PUBLICITY_ENDS_ON).late


def test_no_table_in_clear_says_which_account_objects(world: World, notice: str) -> None:
    """ZY-24: neither the receipt of the objection nor the attempt at a second one."""
    _object(world, notice, on=date(2016, 3, 18))
    with pytest.raises(Conflict):
        _object(world, notice, on=date(2016, 3, 18))

    with Session(world.services.engine) as session:
        receipt = session.exec(select(Receipt).where(col(Receipt.command) == "publicity.raise_objection")).one()
        attempt = session.exec(select(Attempt).where(col(Attempt.command) == "publicity.raise_objection")).one()
        raised_by = session.exec(select(Objection.raised_by)).one()
    assert receipt.actor == attempt.actor == f"public:{raised_by}"
    assert "u-someone" not in receipt.actor
