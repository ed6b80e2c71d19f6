"""Publicity through the door: notice, leaks, objections, closing, disclosure. All people and units are made up."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.core.errors import DataFault
from models.ports import Zone
from models.tables.kernel import Attempt, Document, Event, WorkItem
from models.tables.publicity import Disclosure, Objection
from tests.support import deciding as path
from tests.support.deciding import CLOSED_ON, OFFICE, PUBLICITY_ENDS_ON, PUBLISHED_ON, SYSTEM
from tests.support.planning import candidate
from tests.support.world import World, copy_world, open_world

OBJECTED_ON = date(2016, 3, 18)
ANSWERED_ON = date(2016, 3, 29)
SITES = ("city_tender_centre", "purchaser_portal")


@pytest.fixture(scope="module")
def _base(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str]:
    world = open_world(tmp_path_factory.mktemp("base"))
    return world, path.reviewed(world)


@pytest.fixture
def world(_base: tuple[World, str], tmp_path: Path) -> World:
    return copy_world(_base[0], tmp_path)


@pytest.fixture
def project(_base: tuple[World, str]) -> str:
    return _base[1]


def _object(world: World, notice: str, *, on: date = OBJECTED_ON, matter: str = "评分不公") -> str:
    return str(
        world.do(
            "publicity.raise_objection",
            as_="public:u-someone",
            on=on,
            notice=notice,
            matter=matter,
            objector="合成某人",
        ).id
    )


def _answer(world: World, objection: str, outcome: str, *, on: date = ANSWERED_ON) -> object:
    return world.do(
        "publicity.answer_objection", as_=OFFICE, on=on, objection=objection, outcome=outcome, reply="已经核实。"
    )


def _task(world: World, kind: str) -> WorkItem:
    with Session(world.services.engine) as session:
        return session.exec(select(WorkItem).where(col(WorkItem.kind) == kind)).one()


def _state(world: World, project: str) -> str:
    return str(world.ask("project.status", project=project).state)


def test_a_notice_is_published_as_paper_and_page_in_the_public_bucket(world: World, project: str) -> None:
    notice = path.publish(world, project)

    with Session(world.services.engine) as session:
        papers = session.exec(select(Document).where(col(Document.id).in_(notice.documents))).all()
    assert {paper.kind for paper in papers} == {"publicity_notice", "publicity_notice_html"}
    assert {paper.zone for paper in papers} == {Zone.PUBLIC}
    assert all(world.services.documents.exists(zone=Zone.PUBLIC, sha256=paper.sha256) for paper in papers)
    assert (notice.starts_on, notice.ends_on, notice.provisional) == (date(2016, 3, 17), PUBLICITY_ENDS_ON, False)
    assert notice.state == "project.on_publicity"
    assert _task(world, "publicity.close_notice").due_on == CLOSED_ON


def test_a_period_into_an_unpublished_year_is_provisional(world: World, project: str) -> None:
    assert path.publish(world, project, on=date(2026, 12, 29)).provisional


@pytest.mark.parametrize(
    ("channels", "code"), [((), "publicity.too_few_channels"), (("gossip",), "publicity.unknown_channel")]
)
def test_a_notice_without_a_proper_channel_is_refused(
    world: World, project: str, channels: tuple[str, ...], code: str
) -> None:
    world.refused(
        code,
        "publicity.publish_notice",
        as_=OFFICE,
        on=PUBLISHED_ON,
        project=project,
        channels=channels,
        contact="0714-6234567",
    )


def test_a_mobile_number_in_the_contact_stops_the_notice_before_anything_is_printed(world: World, project: str) -> None:
    before = world.services.documents.writes  # type: ignore[attr-defined]

    fault = world.refused(
        "publicity.leak",
        "publicity.publish_notice",
        as_=OFFICE,
        on=PUBLISHED_ON,
        project=project,
        channels=("website",),
        contact="联系人手机:13912345678",
    )

    with Session(world.services.engine) as session:
        attempt = session.exec(select(Attempt).where(col(Attempt.code) == "publicity.leak")).one()
    assert isinstance(fault, DataFault)
    assert [detail.field for detail in fault.details] == ["contact.0"]
    assert "contact.0 第1行第7字含手机号" in fault.message
    assert "13912345678" not in json.dumps([fault.as_json(), attempt.details, attempt.input_sealed])
    assert world.services.documents.writes == before  # type: ignore[attr-defined]
    assert _state(world, project) == "project.reviewed"


def test_a_notice_is_published_once(world: World, project: str) -> None:
    path.publish(world, project)

    world.refused(
        "SYS-STATE",
        "publicity.publish_notice",
        as_=OFFICE,
        on=PUBLISHED_ON,
        project=project,
        channels=("website",),
        contact="0714-6234567",
    )


def test_the_sweep_closes_a_notice_the_day_after_its_last_and_the_state_stays(world: World, project: str) -> None:
    notice = path.publish(world, project).id

    early = world.refused(
        "publicity.not_over", "publicity.close_notice", as_=SYSTEM, on=PUBLICITY_ENDS_ON, notice=notice
    )
    assert early.facts["ends_on"] == "2016-03-23"
    assert world.ask("publicity.notices_due", as_=SYSTEM, on=PUBLICITY_ENDS_ON) == ()
    assert world.ask("publicity.notices_due", as_=SYSTEM, on=CLOSED_ON) == (notice,)
    closed = world.do("publicity.close_notice", as_=SYSTEM, on=CLOSED_ON, notice=notice)

    assert closed.result == "passed"
    assert _state(world, project) == "project.on_publicity"
    assert _task(world, "publicity.close_notice").status == "done"
    assert world.ask("publicity.notices_due", as_=SYSTEM, on=CLOSED_ON) == ()
    world.refused("publicity.notice_closed", "publicity.close_notice", as_=SYSTEM, on=CLOSED_ON, notice=notice)


def test_anybody_may_object_and_stays_unknown_to_all_but_the_office(world: World, project: str) -> None:
    notice = path.publish(world, project).id

    objection = _object(world, notice)

    with Session(world.services.engine) as session:
        row = session.get_one(Objection, objection)
    by_office = world.ask("publicity.notice", notice=notice).objections[0]
    by_bureau = world.ask("publicity.notice", as_="city_bureau:u-b", notice=notice).objections[0]
    by_public = world.ask("publicity.notice", as_="public:u-p", notice=notice).objections[0]
    history = json.dumps([line.payload for line in world.ask("project.history", project=project)], ensure_ascii=False)
    assert _state(world, project) == "project.objection"
    assert "合成某人" not in row.model_dump_json() + history
    assert (by_office.objector, by_office.matter) == ("合成某人", "评分不公")
    assert (by_bureau.objector, by_bureau.matter) == ("", "评分不公")
    assert (by_public.objector, by_public.matter) == ("", "")
    assert _task(world, "publicity.answer_objection").due_on == date(2016, 3, 29)


def test_who_objects_stands_in_no_event_and_in_no_history(world: World, project: str) -> None:
    notice = path.publish(world, project).id
    first = world.do(
        "publicity.raise_objection", as_="contractor:u-rival", on=OBJECTED_ON, notice=notice, matter="评分不公"
    ).id
    for number in range(2):
        world.do(
            "publicity.raise_objection", as_=f"recipient:u-poor-{number}", on=OBJECTED_ON, notice=notice, matter="不实"
        )
    world.do("publicity.withdraw_objection", as_="contractor:u-rival", on=OBJECTED_ON, objection=first)

    with Session(world.services.engine) as session:
        rows = session.exec(select(Event).where(col(Event.stream_id) == project)).all()
        objection = session.get_one(Objection, first)
    seen = world.ask("project.history", as_="contractor:u-other", project=project)
    acts = [row for row in rows if row.payload.get("objection_id")]
    assert len(acts) == 4
    for told in ([row.model_dump_json() for row in rows], [line.model_dump_json() for line in seen]):
        assert "u-rival" not in str(told)
        assert "u-poor" not in str(told)
    assert [row.actor for row in acts if row.payload["objection_id"] == first] == [
        f"contractor:{objection.raised_by}"
    ] * 2
    assert world.ask("chains.verify").ok


def test_who_raised_an_objection_does_not_answer_it_in_any_role(world: World, project: str) -> None:
    notice = path.publish(world, project).id
    own = world.do("publicity.raise_objection", as_="public:u-both", on=OBJECTED_ON, notice=notice, matter="不实").id
    given: dict[str, Any] = {"on": ANSWERED_ON, "objection": own, "outcome": "rejected", "reply": "已经核实。"}

    world.refused("publicity.own_objection", "publicity.answer_objection", as_="evaluation_office:u-both", **given)

    assert world.do("publicity.answer_objection", as_=OFFICE, **given).outcome == "rejected"


def test_a_rejected_objection_gives_back_the_working_days_that_were_left(world: World, project: str) -> None:
    notice = path.publish(world, project).id
    objection = _object(world, notice)
    world.refused("publicity.objection_open", "publicity.close_notice", as_=SYSTEM, on=CLOSED_ON, notice=notice)
    assert world.ask("publicity.notices_due", as_=SYSTEM, on=CLOSED_ON) == ()

    answered = _answer(world, objection, "rejected")

    task = _task(world, "publicity.close_notice")
    assert answered.state == "project.on_publicity"  # type: ignore[attr-defined]
    assert answered.ends_on == date(2016, 4, 1)  # type: ignore[attr-defined]  # three were left on 18 March
    assert (task.status, task.due_on) == ("open", date(2016, 4, 5))  # 2 to 4 April are days off
    world.refused("publicity.not_over", "publicity.close_notice", as_=SYSTEM, on=date(2016, 4, 1), notice=notice)
    world.refused(
        "publicity.answered",
        "publicity.answer_objection",
        as_=OFFICE,
        on=ANSWERED_ON,
        objection=objection,
        outcome="upheld",
        reply="改判",
    )


def test_a_second_objection_is_taken_in_and_the_notice_waits_for_both_answers(world: World, project: str) -> None:
    notice = path.publish(world, project).id
    first, second = _object(world, notice), _object(world, notice, on=date(2016, 3, 21), matter="材料不实")

    half = _answer(world, first, "rejected")
    whole = _answer(world, second, "rejected")

    assert half.state == "project.objection"  # type: ignore[attr-defined]
    assert whole.state == "project.on_publicity"  # type: ignore[attr-defined]
    assert len(world.ask("publicity.notice", notice=notice).objections) == 2


def test_an_answer_files_the_handling_sheet_without_the_objector(world: World, project: str) -> None:
    """D09: matter and reply are printed without personal numbers; who objected is nowhere in it."""
    notice = path.publish(world, project).id
    answered: Any = _answer(world, _object(world, notice, matter="评分不公，电话13912345678"), "rejected")

    with Session(world.services.engine) as session:
        sheet = session.get_one(Document, answered.document)
    view = world.services.documents.get(zone=Zone.DOCUMENTS, sha256=sheet.data_digest or "").decode()
    assert (sheet.kind, sheet.stage) == ("objection_sheet", "publicity")
    assert "评分不公" in view
    assert "13912345678" not in view
    assert "合成某人" not in view


def test_an_upheld_objection_withdraws_the_notice_and_opens_the_way_to_a_new_review(world: World, project: str) -> None:
    notice = path.publish(world, project).id
    first, second = _object(world, notice), _object(world, notice, matter="材料不实")
    call = {"as_": OFFICE, "on": ANSWERED_ON, "project": project}
    world.refused("SYS-STATE", "review.open_round", **call, seed="again")  # type: ignore[arg-type]

    upheld = _answer(world, first, "upheld")
    world.refused(
        "publicity.objection_open",
        "publicity.publish_notice",
        **call,  # type: ignore[arg-type]
        channels=("website",),
        contact="0714-6234567",
    )
    late = _answer(world, second, "rejected")
    old = world.refused(
        "publicity.review_first",
        "publicity.publish_notice",
        **call,  # type: ignore[arg-type]
        channels=("website",),
        contact="0714-6234567",
    )

    view = world.ask("publicity.notice", notice=notice)
    assert (upheld.state, upheld.ends_on) == ("project.reviewed", None)  # type: ignore[attr-defined]
    assert late.state == "project.reviewed"  # type: ignore[attr-defined]
    assert (view.state, view.result) == ("closed", "upheld")
    opened = world.do("review.open_round", **call, seed="again")  # type: ignore[arg-type]
    assert (old.rule, opened.state) == ("SYS-OBJECTION", "project.under_review")
    path.score(world, opened, on=ANSWERED_ON)
    world.do("review.close_round", as_=OFFICE, on=ANSWERED_ON, round=opened.id, opinion="同意通过评审。")
    path.sign(world, opened.id, on=ANSWERED_ON)
    assert path.publish(world, project, on=ANSWERED_ON).state == "project.on_publicity"


def test_fengze_puts_nothing_on_a_notice_that_is_withheld_from_the_public(tmp_path: Path) -> None:
    fengze = open_world(tmp_path, region="350503")
    day = date(2025, 3, 3)
    path.roster(fengze, on=day)
    project = candidate(fengze, on=day, attribute="withheld")
    opened = path.open_round(fengze, project, on=day)
    path.score(fengze, opened, on=day)
    fengze.do("review.close_round", as_=OFFICE, on=day, round=opened.id, opinion="同意通过评审。")
    path.sign(fengze, opened.id, on=day)
    call: dict[str, Any] = {"as_": OFFICE, "on": day, "project": project}
    notice: dict[str, Any] = {"channels": ("website",), "contact": "0714-6234567"}

    refusal = fengze.refused("publicity.not_public", "publicity.publish_notice", **call, **notice)
    fengze.do("library.restate_attribute", **call, attribute="active", reason="原定有误(合成)")

    assert refusal.rule == "FZ-01"
    assert fengze.do("publicity.publish_notice", **call, **notice).state == "project.on_publicity"


def test_a_reviewed_project_without_an_upheld_objection_is_not_reviewed_again(world: World, project: str) -> None:
    world.refused("SYS-STATE", "review.open_round", as_=OFFICE, on=PUBLISHED_ON, project=project, seed="again")


def test_items_are_disclosed_once_each_with_a_public_record(world: World, project: str) -> None:
    call = {"as_": OFFICE, "on": CLOSED_ON, "project": project, "sites": SITES}
    first = world.do("publicity.disclose", **call, items=("catalogue", "procurement"))  # type: ignore[arg-type]
    second = world.do("publicity.disclose", **call, items=("procurement", "budget_and_final_accounts"))  # type: ignore[arg-type]

    with Session(world.services.engine) as session:
        rows = session.exec(select(Disclosure.item).where(col(Disclosure.project_id) == project)).all()
    events = [line for line in world.ask("project.history", project=project) if line.type == "publicity.disclosed"]
    assert first.items == ("catalogue", "procurement")
    assert (second.items, second.already) == (("budget_and_final_accounts",), ("procurement",))
    assert sorted(rows) == ["budget_and_final_accounts", "catalogue", "procurement"]
    assert len(events) == 3


def test_procurement_on_one_site_only_is_refused(world: World, project: str) -> None:
    world.refused(
        "HS-47",
        "publicity.disclose",
        as_=OFFICE,
        on=CLOSED_ON,
        project=project,
        items=("procurement",),
        sites=SITES[:1],
    )
