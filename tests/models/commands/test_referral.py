"""Referral to another department: a masked packet, a sealed original, due dates that alert, a return, an end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.tables.kernel import Alert, Event, WorkItem
from tests.support import needy
from tests.support.needy import DAY, OFFICE, STREET
from tests.support.world import World, copy_world, open_world

PARTS = {"policy": "残疾人康复政策", "person": "需要上门评估", "information": "评估结果见附", "resource": "康复站名额"}
ACCEPT_BY = date(2025, 3, 10)  # five working days after Monday 3 March
RETURN_BY = date(2025, 3, 24)


@dataclass(frozen=True)
class Standing:
    """A person who wants rehabilitation that nobody offers."""

    world: World
    person: str


@pytest.fixture(scope="module")
def _standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    world = open_world(tmp_path_factory.mktemp("referral"), region="350503")
    yield Standing(world, needy.person(world, needy.survey(world), 0, demands=("rehab",)))
    world.services.engine.dispose()


@pytest.fixture
def needing(_standing: Standing, tmp_path: Path) -> Iterator[Standing]:
    world = copy_world(_standing.world, tmp_path)
    yield Standing(world, _standing.person)
    world.services.engine.dispose()


def _given(needing: Standing, **changes: Any) -> dict[str, Any]:
    return {
        "person": needing.person,
        "item": "rehab",
        "from_unit": "合成街道办",
        "department": "合成残联",
        "reason": "需要康复训练",
        "parts": PARTS,
    } | changes


def _sent(needing: Standing) -> Any:
    return needing.world.do("referral.send", as_=STREET, on=DAY, **_given(needing))


def test_a_referral_is_sent_accepted_returned_and_closed(needing: Standing) -> None:
    world, sent = needing.world, _sent(needing)
    assert (sent.status, sent.accept_due_on, sent.return_due_on) == (
        "sent",
        ACCEPT_BY.isoformat(),
        RETURN_BY.isoformat(),
    )
    world.do("referral.accept", as_=STREET, on=date(2025, 3, 5), referral=sent.id, receiver="合成接收人")
    receipt = world.upload(b"%PDF-1.7 synthetic", name="回执.pdf", media_type="application/pdf").model_dump()
    back = {"referral": sent.id, "outcome": "solved", "result": "已安排康复", "receipt": receipt}
    world.do("referral.receive_return", as_=STREET, on=date(2025, 3, 20), **back)
    assert world.do("referral.close", as_=STREET, on=date(2025, 3, 21), referral=sent.id).status == "closed"
    (row,) = world.ask("referral.list", open_only=False)
    assert (row.outcome, row.overdue, row.closed_on) == ("solved", False, date(2025, 3, 21))
    with Session(world.services.engine) as session:
        assert set(session.exec(select(WorkItem.status).where(col(WorkItem.subject_id) == sent.id))) == {"done"}


def test_a_referral_nobody_accepts_is_alerted_by_the_sweep(needing: Standing) -> None:
    sent = _sent(needing)
    after = date(2025, 3, 12)
    needing.world.do("work.sweep_deadlines", as_="system:scheduler", on=after)
    with Session(needing.world.services.engine) as session:
        statement = (
            select(Alert.level)
            .join(WorkItem, col(WorkItem.id) == col(Alert.work_item_id))
            .where(col(WorkItem.subject_id) == sent.id, col(WorkItem.kind) == "referral.accept")
        )
        assert session.exec(statement).all() == ["overdue"]
    assert needing.world.ask("referral.list", on=after)[0].overdue


def test_steps_out_of_turn_and_unknown_outcomes_are_refused(needing: Standing) -> None:
    world, sent = needing.world, _sent(needing)
    world.refused("referral.not_in_status", "referral.close", as_=STREET, on=DAY, referral=sent.id)
    back = {"referral": sent.id, "outcome": "lost", "result": "不详"}
    world.refused("referral.outcome_unknown", "referral.receive_return", as_=STREET, on=DAY, **back)


def test_a_packet_with_a_gap_or_a_number_is_refused(needing: Standing) -> None:
    call = {"as_": STREET, "on": DAY}
    world = needing.world
    gap = _given(needing, parts={**PARTS, "policy": ""})
    world.refused("FZ-37", "referral.send", **call, **gap)
    leak = _given(needing, parts={**PARTS, "person": "电话13800000000"})
    world.refused("referral.leak", "referral.send", **call, **leak)
    for named in ("合成甲0需上门", "合成 甲0需上门"):
        naming = _given(needing, parts={**PARTS, "person": named})
        fault = world.refused("referral.leak", "referral.send", **call, **naming)
        assert "合成甲0" not in str(fault.as_json())
    world.refused("referral.part_unknown", "referral.send", **call, **_given(needing, parts={**PARTS, "x": "y"}))
    world.refused("matching.item_unknown", "referral.send", **call, **_given(needing, item="x"))
    world.refused("kernel.not_found", "referral.send", **call, **_given(needing, outcome="match-x"))


def test_the_original_is_opened_only_with_a_trace_and_a_clean_reason(needing: Standing) -> None:
    world, sent = needing.world, _sent(needing)
    call = {"as_": OFFICE, "on": DAY, "referral": sent.id}
    clear = world.do("referral.open_original", **call, purpose="交接收人办理")
    assert (clear.name, clear.reason) == ("合成甲0", "需要康复训练")
    world.refused("needs.reason_names_person", "referral.open_original", **call, purpose="合成甲0申请")
    world.refused("needs.reveal_not_dry", "referral.open_original", **call, purpose="交接收人", dry_run=True)
    with Session(world.services.engine) as session:
        payloads = session.exec(select(Event.payload).where(col(Event.type) == "referral.original_opened")).all()
    assert [payload["reason"] for payload in payloads] == ["交接收人办理"]


def test_beijing_takes_no_return_before_the_receiver_accepted(tmp_path: Path) -> None:
    world = open_world(tmp_path, region="110000")
    person = needy.person(world, needy.survey(world), 0, demands=("rehab",))
    sent = world.do("referral.send", as_=STREET, on=DAY, **_given(Standing(world, person), receiver="合成接收人"))
    back = {"referral": sent.id, "outcome": "solved", "result": "已安排康复"}

    world.refused("BJ-58", "referral.receive_return", as_=STREET, on=DAY, **back)
    world.do("referral.accept", as_=STREET, on=DAY, referral=sent.id, receiver="合成接收人")
    assert world.do("referral.receive_return", as_=STREET, on=DAY, **back).status == "returned"
    world.services.engine.dispose()
