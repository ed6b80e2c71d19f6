"""Books at the door: rows with their history, gaps that become work, rosters without a whole name."""

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

from models.commands import publicity_papers
from models.ports import Zone
from models.tables.book import BookRow
from models.tables.kernel import Alert, Document, Event, WorkItem
from tests.support.world import World, copy_world, open_world

CITY = "city_bureau:u-b"
DISTRICT = "county_bureau:u-d"
STREET = "township:u-t"
CLOCKWORK = "system:scheduler"
DAY = date(2025, 3, 3)
WINDOW = {
    "name": "合成窗口",
    "address": "合成路2号",
    "signage": True,
    "standard": "合成标准",
    "staff_a": "甄合成",
    "staff_b": "贾合成",
}
FUNCTIONS = ["visiting", "discovery", "errands", "follow_up"]
STATION = {
    "name": "合成站",
    "address": "合成路3号",
    "community": "合成社区",
    "many_needy": True,
    "functions": FUNCTIONS,
}
POLICY = {"item": "policy", "title": "合成方案", "attribute": "active", "formed_on": "2025-03-03"}


@pytest.fixture(scope="module")
def built_beijing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = open_world(tmp_path_factory.mktemp("beijing"), region="110000")
    units = [
        {"code": "syn-d1", "name": "合成区", "level": "county", "parent": "110000"},
        {"code": "syn-t1", "name": "合成街道", "level": "township", "parent": "syn-d1"},
        {"code": "syn-v1", "name": "合成社区", "level": "village", "parent": "syn-t1"},
    ]
    made.do("unit.register", as_=CITY, on=DAY, units=units)
    yield made
    made.services.engine.dispose()


@pytest.fixture(scope="module")
def built_fengze(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = open_world(tmp_path_factory.mktemp("fengze"), region="350503")
    units = [
        {"code": f"syn-t{number}", "name": f"合成街道{number}", "level": "township", "parent": "350503"}
        for number in (1, 2)
    ]
    made.do("unit.register", as_=DISTRICT, on=DAY, units=units)
    yield made
    made.services.engine.dispose()


@pytest.fixture
def beijing(built_beijing: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(built_beijing, tmp_path)
    yield made
    made.services.engine.dispose()


@pytest.fixture
def fengze(built_fengze: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(built_fengze, tmp_path)
    yield made
    made.services.engine.dispose()


def _add(world: World, book: str, fields: dict[str, Any], **more: Any) -> Any:
    given: dict[str, Any] = {"as_": STREET, "on": DAY, "unit": "syn-t1"} | more
    return world.do("book.add_row", book=book, fields=fields, **given)


def _items(world: World, kind: str) -> dict[str, WorkItem]:
    with Session(world.services.engine) as session:
        found = session.exec(select(WorkItem).where(col(WorkItem.kind) == kind)).all()
        session.expunge_all()
    return {item.subject_id: item for item in found}


def test_a_row_is_kept_sealed_and_read_masked(beijing: World) -> None:
    row = _add(beijing, "windows", WINDOW)

    (shown,) = beijing.ask("book.rows", book="windows").rows
    assert (shown.values["staff_a"], shown.values["signage"], shown.unit_name) == ("甄*", "是", "合成街道")
    with Session(beijing.services.engine) as session:
        (kept,) = session.exec(select(BookRow)).all()
        events = session.exec(select(Event)).all()
    assert "staff_a" not in kept.fields
    assert "甄合成" not in json.dumps(kept.model_dump(mode="json"), ensure_ascii=False)
    assert not any("甄合成" in json.dumps(event.payload, ensure_ascii=False) for event in events)
    assert row.revision == 1


def test_a_whole_name_is_shown_with_a_reason_and_a_trace(beijing: World) -> None:
    row = _add(beijing, "windows", WINDOW).id
    given: dict[str, Any] = {"as_": DISTRICT, "on": DAY, "row": row}

    shown = beijing.do("book.reveal_row", **given, reason="核对窗口值班安排")

    assert shown.fields == {"staff_a": "甄合成", "staff_b": "贾合成"}
    with Session(beijing.services.engine) as session:
        (event,) = session.exec(select(Event).where(col(Event.type) == "book.row_revealed")).all()
    assert event.payload["reason"] == "核对窗口值班安排"
    beijing.refused("book.names_person", "book.reveal_row", **given, reason="核对甄合成的值班")
    beijing.refused("book.reveal_not_dry", "book.reveal_row", **given, reason="核对窗口值班", dry_run=True)


def test_a_revision_keeps_the_one_before_and_nothing_is_deleted(beijing: World) -> None:
    row = _add(beijing, "posts", {"year": 2025, "approved": 4, "filled": 3})
    later = date(2025, 6, 2)
    again = beijing.do("book.revise_row", as_=STREET, on=later, row=row.id, fields={"filled": 4}, reason="新到岗")
    beijing.do("book.retire_row", as_=STREET, on=date(2025, 7, 1), row=row.id, reason="登记有误")

    assert (row.warnings, again.warnings, again.revision) == (("BJ-60",), (), 2)
    then = beijing.ask("book.rows", book="posts", on=date(2025, 7, 2))
    assert then.total == 0
    found = beijing.ask("book.history", row=row.id).rows
    assert [(one.values["filled"], one.until_on) for one in found] == [("3", later), ("4", date(2025, 7, 1))]
    assert [(one.reason, one.retire_reason) for one in found] == [("", ""), ("新到岗", "登记有误")]
    beijing.refused("book.retired", "book.retire_row", as_=STREET, on=date(2025, 7, 2), row=row.id, reason="再撤")
    back = _add(beijing, "posts", {"year": 2025, "approved": 4, "filled": 4}, on=date(2025, 7, 3))
    assert (back.id, back.revision) == (row.id, 3)


def test_the_rows_of_an_earlier_day_can_be_read(beijing: World) -> None:
    row = _add(beijing, "posts", {"year": 2025, "approved": 4, "filled": 3}).id
    beijing.do("book.revise_row", as_=STREET, on=date(2025, 6, 2), row=row, fields={"filled": 4}, reason="新到岗")

    for day, filled in ((date(2025, 6, 1), "3"), (date(2025, 6, 2), "4")):
        (shown,) = beijing.ask("book.rows", book="posts", unit="syn-t1", on=day).rows
        assert shown.values["filled"] == filled


def test_a_row_of_a_unit_that_is_no_more_can_be_taken_out(beijing: World) -> None:
    row = _add(beijing, "posts", {"year": 2025, "approved": 4, "filled": 4}).id
    for unit in ("syn-v1", "syn-t1"):
        beijing.do("unit.retire", as_=CITY, on=date(2025, 4, 1), unit=unit)
    assert beijing.ask("book.rows", book="posts", on=date(2025, 4, 2)).rows[0].unit_name == "合成街道"
    beijing.do("book.retire_row", as_=STREET, on=date(2025, 4, 2), row=row, reason="街道撤并")
    assert beijing.ask("book.rows", book="posts", on=date(2025, 4, 2)).total == 0


def test_long_books_are_read_in_portions(beijing: World) -> None:
    for year in (2023, 2024, 2025):
        _add(beijing, "posts", {"year": year, "approved": 4, "filled": 4})
    page = beijing.ask("book.rows", book="posts", limit=2, offset=1)
    assert (page.total, len(page.rows)) == (3, 2)


def test_the_same_row_is_not_kept_twice_and_its_key_does_not_change(beijing: World) -> None:
    fields = {"person": "合成人", "village": "syn-v1", "month": "2025-02", "amount": "300", "paid_on": "2025-03-01"}
    row = _add(beijing, "allowances", fields).id

    refused: dict[str, Any] = {
        "as_": STREET,
        "on": DAY,
        "book": "allowances",
        "unit": "syn-t1",
        "fields": fields | {"amount": "500"},
    }
    beijing.refused("book.row_exists", "book.add_row", **refused)
    change: dict[str, Any] = {"as_": STREET, "on": DAY, "row": row, "reason": "更正"}
    beijing.refused("book.key_changed", "book.revise_row", **change, fields={"month": "2025-03"})
    beijing.refused("BJ-67", "book.revise_row", **change, fields={"amount": "-3"})
    beijing.do("book.revise_row", **change, fields={"amount": "320.50"})
    with Session(beijing.services.engine) as session:
        last = session.exec(select(Event).where(col(Event.type) == "book.row_kept")).all()[-1]
    assert last.payload["amounts_fen"] == [32050]


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("book.unknown", {"book": "unheard"}),
        ("book.wrong_level", {"unit": "syn-d1"}),
        ("book.not_yours", {"as_": "village_committee:u-v"}),
        ("BJ-56", {"fields": WINDOW | {"staff_b": "甄合成"}}),
        ("BJ-55", {"fields": {"name": "合成窗口"}}),
    ],
)
def test_a_row_that_may_not_be_is_refused(beijing: World, expected: str, changes: dict[str, Any]) -> None:
    given: dict[str, Any] = {"as_": STREET, "on": DAY, "book": "windows", "unit": "syn-t1", "fields": WINDOW}
    beijing.refused(expected, "book.add_row", **given | changes)


def test_accountability_brings_its_paper(beijing: World) -> None:
    fields = {"kind": "delay", "matter": "合成事由", "measure": "合成处理", "decided_on": "2025-03-01"}
    given: dict[str, Any] = {"as_": DISTRICT, "on": DAY, "book": "accountability", "unit": "syn-t1", "fields": fields}
    beijing.refused("BJ-73", "book.add_row", **given)
    paper = beijing.upload("合成处理决定".encode(), name="a.txt", media_type="text/plain")
    beijing.do("book.add_row", **given, document=paper)

    (row,) = beijing.ask("book.rows", book="accountability").rows
    assert row.document is not None


def test_what_units_lack_becomes_work_and_is_alerted_when_overdue(beijing: World) -> None:
    opened = beijing.do("book.open_gaps", as_=CLOCKWORK, on=DAY)
    again = beijing.do("book.open_gaps", as_=CLOCKWORK, on=DAY + timedelta(days=1))

    owed = _items(beijing, "book")
    assert set(owed) == {
        "guidance_centre/syn-d1",
        "hub/syn-d1",
        "stations/syn-t1",
        "windows/syn-t1",
        "posts/syn-t1",
        "village_tasks/syn-v1",
        "duty_matrix/110000",
    }
    assert (opened.opened, again.opened) == (7, 0)
    assert owed["windows/syn-t1"].due_on == DAY + timedelta(days=30)
    assert owed["windows/syn-t1"].role == "township"
    assert {gap.rule for gap in beijing.ask("book.gaps").gaps} >= {"BJ-02", "BJ-55", "BJ-59", "BJ-62", "BJ-66", "BJ-76"}

    _add(beijing, "windows", WINDOW)
    assert _items(beijing, "book")["windows/syn-t1"].status == "done"
    beijing.do("work.sweep_deadlines", as_=CLOCKWORK, on=DAY + timedelta(days=31))
    with Session(beijing.services.engine) as session:
        joined = select(WorkItem.subject_id).join(Alert, col(Alert.work_item_id) == col(WorkItem.id))
        alerts = session.exec(joined.where(col(WorkItem.kind) == "book")).all()
    assert set(alerts) == set(owed) - {"windows/syn-t1"}


def test_a_row_taken_out_leaves_a_gap_again(beijing: World) -> None:
    row = _add(beijing, "windows", WINDOW).id
    beijing.do("book.open_gaps", as_=CLOCKWORK, on=DAY)
    assert "windows/syn-t1" not in _items(beijing, "book")
    beijing.do("book.retire_row", as_=STREET, on=DAY, row=row, reason="窗口撤并")
    assert beijing.do("book.open_gaps", as_=CLOCKWORK, on=date(2025, 3, 4)).opened == 1
    _add(beijing, "windows", WINDOW, on=date(2025, 3, 5))
    assert beijing.do("book.open_gaps", as_=CLOCKWORK, on=date(2025, 3, 6)).opened == 0


def test_village_tasks_are_all_six_or_named(beijing: World) -> None:
    village = {"as_": "village_committee:u-v", "unit": "syn-v1"}
    for task in ("screening", "survey", "discovery", "publicity", "changes"):
        _add(beijing, "village_tasks", {"task": task, "person": "合成人"}, **village)
    (gap,) = beijing.ask("book.gaps", book="village_tasks").gaps
    assert (gap.rule, gap.values) == ("BJ-66", ("信息报送",))
    _add(beijing, "village_tasks", {"task": "reporting", "person": "合成人"}, **village)
    assert beijing.ask("book.gaps", book="village_tasks").total == 0


def test_the_ledger_is_issued_masked(beijing: World) -> None:
    _add(beijing, "windows", WINDOW, synthetic=("fields",))
    issued = beijing.do("book.issue", as_=DISTRICT, on=DAY, book="windows")

    data = beijing.services.documents.get(zone=Zone.DOCUMENTS, sha256=issued.sha256)
    cells = [cell for row in load_workbook(BytesIO(data)).get_sheet_by_index(0).to_python() for cell in row if cell]
    assert "专职人员(A岗)" in cells
    assert "甄*※" in cells
    assert not any("甄合成" in str(cell) for cell in cells)
    beijing.refused("book.empty", "book.issue", as_=DISTRICT, on=DAY, book="posts")


def test_the_roster_of_venues_is_published_and_its_work_closed(fengze: World) -> None:
    _add(fengze, "stations", STATION, as_=STREET)
    base = {"name": "合成场所", "address": "合成路4号", "qualified": False, "willing": True}
    _add(fengze, "bases", base, as_=DISTRICT, unit=None)
    assert _items(fengze, "book_roster")["stations"].due_on == date(2025, 3, 31)

    given: dict[str, Any] = {"as_": DISTRICT, "on": DAY, "title": "服务阵地名册"}
    issued = fengze.do("book.publish_roster", **given, books=["stations", "bases"])

    page = fengze.services.documents.get(zone=Zone.PUBLIC, sha256=issued.sha256).decode()
    assert "合成站" in page
    assert "合成场所" not in page  # not confirmed: not for the roster
    assert _items(fengze, "book_roster")["stations"].status == "done"
    with Session(fengze.services.engine) as session:
        assert session.exec(select(Document.zone).where(col(Document.id) == issued.id)).one() == Zone.PUBLIC
        event = session.exec(select(Event).where(col(Event.type) == "book.roster_published")).first()
    assert event is not None
    assert event.payload["rule"] == "FZ-43"
    assert fengze.ask("book.public", as_="public:visitor", book="stations").total == 1
    fengze.refused("book.not_published", "book.publish_roster", **given, books=["mechanism"])


def test_a_row_that_is_not_for_the_public_owes_no_roster(fengze: World) -> None:
    base = {"name": "合成场所", "address": "合成路4号", "qualified": False, "willing": True}
    row = _add(fengze, "bases", base, as_=DISTRICT, unit=None).id
    given: dict[str, Any] = {"as_": DISTRICT, "on": DAY, "row": row, "reason": "更正"}
    fengze.do("book.revise_row", **given, fields={"address": "合成路5号"})
    assert _items(fengze, "book_roster") == {}

    fengze.do("book.revise_row", **given, fields={"qualified": True})
    assert _items(fengze, "book_roster")["bases"].status == "open"
    fengze.do("book.retire_row", as_=DISTRICT, on=DAY, row=row, reason="场所停用")
    assert _items(fengze, "book_roster")["bases"].status == "done"  # never published: no page to replace
    fengze.refused("book.empty", "book.publish_roster", as_=DISTRICT, on=DAY, title="基地名册", books=["bases"])


def test_a_roster_lets_no_home_address_and_no_recipient_through(fengze: World, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {"as_": DISTRICT, "on": DAY, "title": "服务阵地名册", "books": ["stations"]}
    venue = STATION | {"address": "合成路3号2栋1单元301室"}  # the venue's own: on purpose
    row = _add(fengze, "stations", venue).id
    fengze.do("book.publish_roster", **given)
    change: dict[str, Any] = {"as_": STREET, "on": DAY, "row": row, "reason": "更正"}
    fengze.do("book.revise_row", **change, fields={"community": "合成社区2栋1单元301室"})
    fengze.refused("publicity.leak", "book.publish_roster", **given)

    fengze.do("book.revise_row", **change, fields={"community": "合成社区甄合成家"})
    fengze.do("book.publish_roster", **given)  # nobody of that name is in the ledger
    monkeypatch.setattr(publicity_papers, "recipient_names", lambda *_: frozenset({"甄合成"}))
    fault = fengze.refused("publicity.leak", "book.publish_roster", **given)
    assert "甄合成" not in json.dumps(fault.as_json(), ensure_ascii=False)


def test_the_last_public_row_taken_out_is_followed_by_an_empty_roster(fengze: World) -> None:
    row = _add(fengze, "stations", STATION).id
    given: dict[str, Any] = {"as_": DISTRICT, "title": "服务阵地名册", "books": ["stations"]}
    fengze.do("book.publish_roster", **given, on=DAY)
    later = date(2025, 3, 10)
    fengze.do("book.retire_row", as_=STREET, on=later, row=row, reason="站点撤并")
    assert _items(fengze, "book_roster")["stations"].status == "open"

    issued = fengze.do("book.publish_roster", **given, on=later)

    page = fengze.services.documents.get(zone=Zone.PUBLIC, sha256=issued.sha256).decode()
    assert issued.rows == 0
    assert "暂无" in page
    assert "合成站" not in page
    assert _items(fengze, "book_roster")["stations"].status == "done"


def test_each_street_owes_a_station_with_its_functions(fengze: World) -> None:
    _add(fengze, "stations", STATION | {"functions": ["visiting"]})

    found = {(gap.unit, gap.rule) for gap in fengze.ask("book.gaps", book="stations").gaps}
    assert found == {("syn-t1", "FZ-41"), ("syn-t2", "FZ-40"), ("syn-t2", "FZ-41")}


def test_what_is_formed_is_disclosed_within_twenty_working_days(fengze: World) -> None:
    row = _add(fengze, "disclosure", POLICY, as_=DISTRICT, unit=None).id
    assert _items(fengze, "book_clock")[row].due_on == date(2025, 3, 31)

    fields = {"site": "合成网站", "published_on": "2025-03-20"}
    given: dict[str, Any] = {"as_": DISTRICT, "on": date(2025, 3, 20), "row": row, "reason": "已公开"}
    fengze.do("book.revise_row", **given, fields=fields)
    assert _items(fengze, "book_clock")[row].status == "done"
    fengze.refused("FZ-01", "book.revise_row", **given, fields={"attribute": "withheld"})
    assert fengze.ask("book.public", as_="public:visitor", book="disclosure").total == 1
    withheld = {"attribute": "withheld", "site": "", "published_on": ""}
    fengze.do("book.revise_row", **given, fields=withheld)
    assert fengze.ask("book.public", as_="public:visitor", book="disclosure").total == 0


def test_the_public_sees_no_office_notes(fengze: World) -> None:
    fengze.refused(
        "door.role_not_allowed", "book.add_row", as_="public:visitor", on=DAY, book="hotline", fields={"number": "1"}
    )
    assert [one.rule for one in fengze.ask("book.in_force", as_="public:visitor") if one.published] == [
        "FZ-38",
        "FZ-39",
        "FZ-40",
        "FZ-42",
        "FZ-77",
        "FZ-78",
    ]
