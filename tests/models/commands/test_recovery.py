"""Recovery through the door: what waits, who is told, papers on file; the whole ladder is a case file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.tables.kernel import Document, WorkItem
from tests.support.purchases import DAY, approved_project
from tests.support.world import World, copy_world, open_world

BUREAU = "city_bureau:u-bureau"
AUDIT = "audit_body:u-audit"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = open_world(tmp_path_factory.mktemp("recovery"), region="520300")
    approved_project(world)
    return world


@pytest.fixture
def world(base: World, tmp_path: Path) -> World:
    return copy_world(base, tmp_path)


def paper(world: World) -> dict[str, Any]:
    return world.upload("合成材料".encode(), name="合成.txt", media_type="text/plain").model_dump()


def opened(world: World, **changes: Any) -> str:
    return str(world.do("recovery.open_case", as_=AUDIT, on=DAY, **_case(world, **changes)).id)


def waiting(world: World) -> set[str]:
    with Session(world.services.engine) as session:
        rows = session.exec(select(WorkItem.kind).where(col(WorkItem.status) == "open"))
        return {kind for kind in rows if kind.startswith("recovery.")}


def test_a_found_misuse_is_a_case_that_waits_for_the_report(world: World) -> None:
    """ZY-113: detection opens the case, ZY-114 says what comes first."""
    case = opened(world)

    assert waiting(world) == {"recovery.summon"}
    assert [one.step for one in world.ask("recovery.case", as_=AUDIT, case=case).steps] == ["opened"]
    assert len(world.ask("recovery.cases", as_=AUDIT, open_only=True)) == 1


def test_a_summons_is_printed_and_the_officer_is_to_be_handed_over(world: World) -> None:
    case = opened(world, officer_involved=True)

    done = world.do(
        "recovery.summon", as_=BUREAU, on=DAY, case=case, reported_on=DAY, interview_on=date(2016, 4, 5), place="合成室"
    )

    assert waiting(world) == {"recovery.interview", "recovery.transfer"}
    with Session(world.services.engine) as session:
        assert session.get_one(Document, done.document).kind == "recovery_notice"


def test_money_not_paid_yet_comes_back_without_a_posting(world: World) -> None:
    case = opened(world)
    world.do("recovery.summon", as_=BUREAU, on=DAY, case=case, reported_on=DAY, interview_on=DAY, place="合成室")
    world.do("recovery.record_interview", as_=BUREAU, on=DAY, case=case, held_on=DAY, minutes=paper(world))
    ordered = world.do("recovery.order_repayment", as_=BUREAU, on=DAY, case=case)
    assert (ordered.due_on - DAY).days == 32  # the thirtieth day is a Saturday: the term ends on Monday

    back = world.do("recovery.register_repayment", as_=BUREAU, on=DAY, case=case, amount="100.00", voucher=paper(world))

    assert (back.owed.fen, waiting(world)) == (0, set())
    assert world.do("recovery.close_case", as_=BUREAU, on=DAY, case=case).step == "closed"


def test_the_same_voucher_sent_twice_is_booked_once(world: World) -> None:
    """Two clicks are one repayment: what is owed falls once, and a case found twice on a day is one case."""
    case = opened(world)
    world.refused("kernel.recorded_already", "recovery.open_case", as_=AUDIT, on=DAY, **_case(world))
    world.do("recovery.summon", as_=BUREAU, on=DAY, case=case, reported_on=DAY, interview_on=DAY, place="合成室")
    world.do("recovery.record_interview", as_=BUREAU, on=DAY, case=case, held_on=DAY, minutes=paper(world))
    world.do("recovery.order_repayment", as_=BUREAU, on=DAY, case=case)
    back: dict[str, Any] = {"case": case, "amount": "40.00", "voucher": paper(world)}

    first = world.do("recovery.register_repayment", as_=BUREAU, on=DAY, **back)
    world.refused(
        "kernel.recorded_already", "recovery.register_repayment", as_="finance_bureau:u-finance", on=DAY, **back
    )

    assert first.owed.fen == 6_000
    assert world.ask("recovery.case", as_=AUDIT, case=case).owed.fen == 6_000


def test_what_is_no_misuse_opens_no_case(world: World) -> None:
    world.refused("ZY-113", "recovery.open_case", as_=AUDIT, on=DAY, **_case(world, kind="lost"))
    world.refused("recovery.half_named", "recovery.open_case", as_=AUDIT, on=DAY, **_case(world, plan_line="pln-x"))


def _case(world: World, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "project": "prj-made-up",
        "kind": "withheld",
        "unit": "合成单位",
        "amount": "100.00",
        "event_on": DAY,
        "evidence": paper(world),
    }
    return given | changes
