"""Tickets at the door: first asked, told once, handed on by name, answered, closed; nothing personal in the open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from python_calamine import load_workbook
from sqlmodel import Session, col, select

from models.ports import Zone
from models.tables.kernel import Alert, Event, WorkItem
from models.tables.ticket import Ticket, TicketTransfer
from tests.support.world import World, copy_world, open_world

STREET = "township:u-t"
DISTRICT = "county_bureau:u-d"
DAY = date(2025, 3, 3)
CONTACT = "甄合成 13800138000"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = open_world(tmp_path_factory.mktemp("windows"), region="110000")
    units = [
        {"code": "syn-d1", "name": "合成区", "level": "county", "parent": "110000"},
        {"code": "syn-t1", "name": "合成街道", "level": "township", "parent": "syn-d1"},
    ]
    made.do("unit.register", as_="city_bureau:u-b", on=DAY, units=units)
    yield made
    made.services.engine.dispose()


@pytest.fixture
def beijing(built: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(built, tmp_path)
    yield made
    made.services.engine.dispose()


def _matter(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "as_": STREET,
        "on": DAY,
        "kind": "application",
        "unit": "syn-t1",
        "matter": "申请合成服务",
        "contact": CONTACT,
        "backup": "u-t2",
    }
    return given | changes


def _step(ticket: str, **more: Any) -> dict[str, Any]:
    return {"as_": STREET, "on": DAY, "ticket": ticket} | more


def test_a_matter_goes_its_way_and_is_closed_in_time(beijing: World) -> None:
    ticket = beijing.do("ticket.open", **_matter())
    assert ticket.due_on == "2025-03-17"
    beijing.refused("BJ-57", "ticket.close", **_step(ticket.id))
    beijing.do("ticket.notify_missing", **_step(ticket.id, items=["合成材料一", "合成材料二"]))
    beijing.refused("BJ-56", "ticket.notify_missing", **_step(ticket.id, items=["合成材料三"]))
    beijing.refused("BJ-58", "ticket.transfer", **_step(ticket.id, department="合成住建部门"))
    handed = {"department": "合成住建部门", "receiver": "贾合成", "account": "u-r"}
    beijing.do("ticket.transfer", **_step(ticket.id, **handed))
    beijing.refused("BJ-58", "ticket.transfer", **_step(ticket.id, **handed))
    beijing.refused("BJ-58", "ticket.accept", **_step(ticket.id, as_="county_government:u-x"))
    beijing.refused("BJ-58", "ticket.answer", **_step(ticket.id, as_="county_government:u-r", reply="合成答复"))
    beijing.do("ticket.answer", **_step(ticket.id, reply="合成答复"))
    beijing.refused("BJ-58", "ticket.close", **_step(ticket.id))
    beijing.do("ticket.accept", **_step(ticket.id, as_="county_government:u-r"))
    beijing.do("ticket.answer", **_step(ticket.id, as_="county_government:u-r", reply="合成答复二"))
    closed = beijing.do("ticket.close", **_step(ticket.id, on=date(2025, 3, 17)))

    assert (closed.closed, closed.late) == (True, False)
    (row,) = beijing.ask("ticket.list")
    assert (row.owner, row.backup, row.missing_items, row.handovers, row.status) == ("u-t", "u-t2", 2, 1, "closed")
    beijing.refused("ticket.closed", "ticket.answer", **_step(ticket.id, reply="再答"))
    beijing.refused("ticket.nothing_handed", "ticket.accept", **_step(ticket.id, as_="county_government:u-r"))


def test_an_enquiry_is_answered_at_once_or_overdue_the_next_day(beijing: World) -> None:
    asked = beijing.do("ticket.open", **_matter(kind="enquiry", answer="合成答复"))
    beijing.do("ticket.close", **_step(asked.id))
    left = beijing.do("ticket.open", **_matter(kind="enquiry", matter="问合成政策"))
    assert left.due_on == DAY.isoformat()

    beijing.do("work.sweep_deadlines", as_="system:scheduler", on=DAY + timedelta(days=1))
    with Session(beijing.services.engine) as session:
        items = session.exec(select(WorkItem).where(col(WorkItem.kind) == "ticket")).all()
        alerts = session.exec(select(Alert)).all()
    assert {item.subject_id: item.status for item in items} == {asked.id: "done", left.id: "open"}
    assert [alert.level for alert in alerts] == ["overdue"]
    beijing.do("ticket.answer", **_step(left.id, on=date(2025, 3, 5), reply="合成答复"))
    assert beijing.do("ticket.close", **_step(left.id, on=date(2025, 3, 5))).late
    (count,) = beijing.ask("ticket.counts")
    assert (count.unit, count.total, count.closed, count.closed_late) == ("syn-t1", 2, 1, 1)


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("BJ-56", {"backup": None}),
        ("BJ-56", {"backup": "u-t"}),
        ("ticket.unknown", {"kind": "hotline"}),
        ("ticket.wrong_level", {"unit": None}),
    ],
)
def test_a_matter_that_nobody_answers_for_is_not_taken_in(
    beijing: World, expected: str, changes: dict[str, Any]
) -> None:
    beijing.refused(expected, "ticket.open", **_matter(**changes))


def test_a_hand_over_to_a_wrong_account_is_taken_back_and_stays_in_the_records(beijing: World) -> None:
    ticket = beijing.do("ticket.open", **_matter()).id
    handed = {"department": "合成住建部门", "receiver": "贾合成"}
    beijing.refused("door.arguments_invalid", "ticket.transfer", **_step(ticket, **handed, account="u r"))
    beijing.do("ticket.transfer", **_step(ticket, **handed, account="u-typo"))
    beijing.do("ticket.answer", **_step(ticket, reply="合成答复"))
    beijing.refused("BJ-58", "ticket.close", **_step(ticket))
    back = {"reason": "账号填错,接收人贾合成"}
    beijing.refused("ticket.not_sender", "ticket.take_back", **_step(ticket, **back, as_="township:u-other"))
    beijing.do("ticket.take_back", **_step(ticket, **back, as_="township:u-t2"))  # the second stands in

    beijing.refused("ticket.nothing_handed", "ticket.take_back", **_step(ticket, **back))
    beijing.refused("ticket.nothing_handed", "ticket.accept", **_step(ticket, as_="county_government:u-typo"))
    beijing.do("ticket.transfer", **_step(ticket, **handed, account="u-r"))
    beijing.do("ticket.take_back", **_step(ticket, **back, as_=DISTRICT))
    beijing.do("ticket.close", **_step(ticket))
    with Session(beijing.services.engine) as session:
        kept = session.exec(select(TicketTransfer).order_by(col(TicketTransfer.ordinal))).all()
        events = session.exec(select(Event).where(col(Event.type) == "ticket.taken_back")).all()
    assert [(one.receiver_account, one.withdrawn_on) for one in kept] == [("u-typo", DAY), ("u-r", DAY)]
    assert beijing.services.vault.open(kept[0].withdrawn_reason_sealed or "") == back["reason"]
    assert len(events) == 2
    assert "贾合成" not in json.dumps([one.payload for one in events], ensure_ascii=False)
    (row,) = beijing.ask("ticket.list")
    assert (row.handovers, row.status) == (2, "closed")


def test_nothing_personal_lies_open(beijing: World) -> None:
    ticket = beijing.do("ticket.open", **_matter(matter="甄合成申请合成服务")).id
    handed = {"department": "合成部门", "receiver": "贾合成", "account": "u-r"}
    beijing.do("ticket.transfer", **_step(ticket, **handed))
    beijing.do("ticket.answer", **_step(ticket, reply="答复甄合成"))
    issued = beijing.do("ticket.issue_ledger", as_=DISTRICT, on=DAY)

    with Session(beijing.services.engine) as session:
        kept = [
            row.model_dump(mode="json") for table in (Ticket, TicketTransfer) for row in session.exec(select(table))
        ]
        kept += [event.payload for event in session.exec(select(Event)).all()]
    shown = [row.model_dump(mode="json") for row in beijing.ask("ticket.list")]
    data = beijing.services.documents.get(zone=Zone.DOCUMENTS, sha256=issued.sha256)
    cells = [str(cell) for row in load_workbook(BytesIO(data)).get_sheet_by_index(0).to_python() for cell in row]
    text = json.dumps([kept, shown, cells], ensure_ascii=False)
    assert not any(word in text for word in ("甄合成", "贾合成", "13800138000"))
    assert ticket in text
    with Session(beijing.services.engine) as session:
        row = session.get(Ticket, ticket)
        assert row is not None
        assert beijing.services.vault.open(row.contact_sealed) == CONTACT


def test_an_empty_ledger_is_not_printed(beijing: World) -> None:
    beijing.refused("ticket.ledger_empty", "ticket.issue_ledger", as_=DISTRICT, on=DAY)


@pytest.mark.parametrize(("region", "rule"), [("350503", "FZ-77"), ("520300", "ZY-119")])
def test_each_hotline_call_becomes_a_ticket(tmp_path: Path, region: str, rule: str) -> None:
    world = open_world(tmp_path, region=region)
    as_ = DISTRICT if region == "350503" else "city_bureau:u-b"
    call: dict[str, Any] = {"as_": as_, "on": DAY, "kind": "hotline", "matter": "来电咨询合成服务", "contact": CONTACT}
    ticket = world.do("ticket.open", **call)

    world.refused(rule, "ticket.close", as_=as_, on=DAY, ticket=ticket.id)
    (row,) = world.ask("ticket.list")
    assert (row.rule, row.due_on) == (rule, date(2025, 3, 10))
    world.services.engine.dispose()
