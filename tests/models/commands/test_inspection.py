"""Random inspection end to end: rosters frozen, seed first, drawn by risk, recorded, put right, public (ZY-87, 88)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from models.ports import Zone
from models.rules.draw import verify
from models.tables.kernel import Document, Event, Outbox, WorkItem
from models.tables.monitoring import Inspection, InspectionRound
from tests.support.contracting import running
from tests.support.midterms import planned
from tests.support.watching import BEGUN, CONTRACTOR, COUNTY, OFFICE, PURCHASER, SYSTEM, Watched, watched
from tests.support.world import copy_world, rows

OPENED_ON = date(2025, 6, 2)
PEOPLE = [
    {"id": "u-one", "employer": "合成民政局"},
    {"id": "u-two", "employer": "合成财政局"},
    {"id": "u-three", "employer": "合成民政局"},
    {"id": "u-tied", "employer": "合成机构second", "ties": ["合成机构watched", "合成机构third"]},
]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Three projects in progress in Zunyi."""
    made = watched(tmp_path_factory.mktemp("inspected"), region="520300", people=1)
    for name in ("second", "third"):
        planned(made.world, name)
        running(made.world, f"prj-{name}", on=BEGUN, until=date(2026, 4, 1), name=name, price_fen=10_000_000)
    yield made
    made.world.services.engine.dispose()


@pytest.fixture
def held(standing: Watched, tmp_path: Path) -> Iterator[Watched]:
    made = replace(standing, world=copy_world(standing.world, tmp_path))
    yield made
    made.world.services.engine.dispose()


def opened(held: Watched) -> Any:
    return held.world.do(
        "monitoring.open_inspection", as_=OFFICE, on=OPENED_ON, title="合成双随机抽查", inspectors=PEOPLE
    )


def drawn(held: Watched) -> Any:
    return held.world.do("monitoring.draw_inspection", as_=OFFICE, on=OPENED_ON, round=opened(held).id)


def inspect(held: Watched, round_: str, *, problems: int = 0) -> None:
    for one in held.world.ask("monitoring.inspection_round", round=round_).inspections:
        held.world.do(
            "monitoring.record_inspection",
            as_=f"city_bureau:{one.inspectors[0]}",
            on=date(2025, 6, 20),
            inspection=one.id,
            method="on_site",
            findings={"funds": "专款专用(合成)", "progress": "按计划(合成)", "stage_results": "有记录(合成)"},
            problems=problems,
        )


def order(held: Watched, **changes: Any) -> Any:
    given = {"project": held.project, "problem": "服务记录不完整(合成)", "demand": "补齐并核对记录(合成)"}
    return held.world.do("monitoring.order_rectification", as_=COUNTY, on=date(2025, 6, 20), **(given | changes))


def test_the_seed_is_public_before_the_draw_and_opens_it(held: Watched) -> None:
    """ZY-87: target and inspectors are drawn at random; whoever is tied to a contractor does not inspect it."""
    round_ = opened(held)
    result = held.world.do("monitoring.draw_inspection", as_=OFFICE, on=OPENED_ON, round=round_.id)
    shown = held.world.ask("monitoring.inspection_round", round=round_.id)

    assert (round_.population, round_.sizes, shown.population) == (3, {"ordinary": 1}, {"ordinary": 3})
    with Session(held.world.services.engine) as session:
        kept = session.get_one(Document, result.document)
    protocol = json.loads(held.world.services.documents.get(zone=Zone.DOCUMENTS, sha256=kept.sha256))
    assert verify(protocol, published=round_.seed_commitment) == ()
    told = held.world.ask("draw.record", subject=round_.id)
    assert (told.sha256, told.seed_commitment) == (kept.sha256, round_.seed_commitment)
    (one,) = shown.inspections
    assert len(one.inspectors) == 2
    assert "u-tied" not in one.inspectors
    types = [event.type for event in rows(held.world, Event) if event.stream_kind == "inspection"]
    assert types == ["draw.seed_committed", "monitoring.inspection_opened", "monitoring.inspection_drawn"]


def test_a_round_is_drawn_once_by_the_committed_seed(held: Watched) -> None:
    result = drawn(held)

    held.world.refused(
        "monitoring.drawn_already", "monitoring.draw_inspection", as_=OFFICE, on=OPENED_ON, round=result.id
    )
    strict = replace(held.world, services=replace(held.world.services, rehearsal=False))
    strict.refused(
        "draw.seed_typed",
        "monitoring.draw_inspection",
        as_=OFFICE,
        on=OPENED_ON,
        round=opened(held).id,
        seed="合成",
    )


def test_key_and_risky_projects_are_drawn_at_their_higher_rate(held: Watched) -> None:
    """Who is on the key-supervision list is always inspected; an open order makes a project one of higher risk."""
    entry = held.world.do(
        "monitoring.list_key",
        as_=COUNTY,
        on=date(2025, 5, 1),
        project="prj-second",
        reason="上一批次验收不合格(合成)",
    )
    order(held)
    shown = held.world.ask("monitoring.key_projects")

    assert opened(held).sizes == {"key": 1, "high": 1, "ordinary": 1}
    assert [(one.project, one.until_on, one.inspection_rate) for one in shown] == [
        ("prj-second", date(2026, 5, 1), "1.00")
    ]
    held.world.refused(
        "monitoring.on_key_list",
        "monitoring.list_key",
        as_=COUNTY,
        on=OPENED_ON,
        project="prj-second",
        reason="再次列入(合成)",
    )
    held.world.do("monitoring.unlist_key", as_=COUNTY, on=OPENED_ON, entry=entry.id, reason="整改到位(合成)")
    assert held.world.ask("monitoring.key_projects") == ()
    held.world.refused(
        "monitoring.off_key_list",
        "monitoring.unlist_key",
        as_=COUNTY,
        on=OPENED_ON,
        entry=entry.id,
        reason="再次(合成)",
    )


def test_only_who_was_drawn_records_and_only_a_whole_round_is_published(held: Watched) -> None:
    result = drawn(held)
    (inspection,) = result.inspections.values()
    findings = {"funds": "专款专用(合成)"}
    given: dict[str, Any] = {"inspection": inspection, "method": "on_site", "findings": findings, "problems": 0}

    held.world.refused("ZY-87", "monitoring.record_inspection", as_="city_bureau:u-else", on=date(2025, 6, 20), **given)
    held.world.refused("ZY-87", "monitoring.publish_inspection", as_=OFFICE, on=date(2025, 6, 20), round=result.id)
    inspect(held, result.id, problems=1)
    page = held.world.do("monitoring.publish_inspection", as_=OFFICE, on=date(2025, 6, 23), round=result.id)

    html = held.world.services.documents.get(zone=Zone.PUBLIC, sha256=page.sha256).decode()
    assert "合成双随机抽查结果公告" in html
    assert "专款专用" not in html
    assert not page.late
    assert_index_leads_to(held, page)
    assert {one.status for one in rows(held.world, WorkItem) if one.kind.startswith("monitoring.inspection")} == {
        "done"
    }
    held.world.refused(
        "monitoring.published_already",
        "monitoring.publish_inspection",
        as_=OFFICE,
        on=date(2025, 6, 24),
        round=result.id,
    )
    held.world.refused(
        "monitoring.inspected_already",
        "monitoring.record_inspection",
        as_="city_bureau:u-one",
        on=date(2025, 6, 24),
        **given,
    )


def assert_index_leads_to(held: Watched, page: Any) -> None:
    """The site is built anew after the publication, and its index links the page where it lies."""
    (message,) = rows(held.world, Outbox)
    held.world.do("publicity.build_site", as_=SYSTEM, on=date(2025, 6, 23))
    (published,) = [one for one in rows(held.world, Document) if one.kind == "inspection_result_html"]
    data, _ = held.world.services.documents.pages["site/index.html"]  # type: ignore[attr-defined]
    index = data.decode()

    assert message.route == "publicity-build-site"
    assert f'<a href="../{published.key}">{published.title}</a>' in index
    assert page.sha256 in index


def test_the_next_one_drawn_steps_in_for_who_cannot_come(held: Watched) -> None:
    """ZY-87: nobody chooses the substitute; the order of the draw does, and the protocol shows it."""
    result = drawn(held)
    (one, *_) = held.world.ask("monitoring.inspection_round", round=result.id).inspections
    (row,) = [row for row in rows(held.world, Inspection) if row.id == one.id]
    given: dict[str, Any] = {"as_": OFFICE, "on": date(2025, 6, 10), "inspection": one.id, "reason": "因病(合成)"}
    replacing = "monitoring.replace_inspector"

    held.world.refused("monitoring.inspector_unknown", replacing, inspector="u-else", **given)
    out, stays = one.inspectors
    held.world.refused("SYS-PERSONAL-DATA", replacing, inspector=out, **(given | {"reason": "电话13800138000"}))
    now = held.world.do(replacing, inspector=out, **given)

    assert now.inspectors == (row.alternates[0], stays)
    for stand_in in row.alternates[1:]:
        assert held.world.do(replacing, inspector=stays, **given).inspectors[1] == stand_in
        stays = stand_in
    held.world.refused("ZY-87", replacing, inspector=stays, **given)
    with Session(held.world.services.engine) as session:
        kept = session.get_one(Inspection, one.id).replaced
    assert (kept[0]["out"], kept[0]["in"], kept[0]["reason"]) == (out, row.alternates[0], "因病(合成)")


def test_a_round_needs_enough_inspectors(held: Watched) -> None:
    held.world.refused(
        "ZY-87",
        "monitoring.open_inspection",
        as_=OFFICE,
        on=OPENED_ON,
        title="合成抽查",
        inspectors=PEOPLE[:1],
    )
    assert rows(held.world, InspectionRound) == []


def test_an_order_runs_to_its_closing(held: Watched) -> None:
    """ZY-88: order, reply, a re-check that fails, reply again, closed; each step has an owner and a due day."""
    first = order(held)
    items = {one.kind: one for one in rows(held.world, WorkItem) if one.subject_id == first.id}
    assert (items["monitoring.rectification"].role, first.due_on) == ("contractor", date(2025, 7, 20))
    check: dict[str, Any] = {"order": first.id, "finding": "记录已经补齐(合成)"}

    held.world.refused(
        "ZY-88", "monitoring.recheck_rectification", as_=COUNTY, on=date(2025, 6, 25), put_right=True, **check
    )
    reply(held, first.id, on=date(2025, 6, 30))
    back = held.world.do("monitoring.recheck_rectification", as_=COUNTY, on=date(2025, 7, 2), put_right=False, **check)
    reply(held, first.id, on=date(2025, 7, 25))
    done = held.world.do("monitoring.recheck_rectification", as_=COUNTY, on=date(2025, 7, 28), put_right=True, **check)

    assert (back.closed, back.rounds, done.closed, done.late) == (False, 1, True, True)
    items = {one.kind: one.status for one in rows(held.world, WorkItem) if one.subject_id == first.id}
    assert items == {"monitoring.rectification": "done", "monitoring.rectification_recheck": "done"}
    (shown,) = held.world.ask("monitoring.orders", project=held.project)
    assert (shown.closed_on, shown.rounds, shown.overdue) == (date(2025, 7, 28), 1, False)
    (kept,) = shown.sent_back
    assert (kept["replied_on"], kept["rechecked_on"], kept["recheck"]) == ("2025-06-30", "2025-07-02", check["finding"])
    held.world.refused(
        "monitoring.order_closed",
        "monitoring.recheck_rectification",
        as_=COUNTY,
        on=date(2025, 8, 1),
        put_right=True,
        **check,
    )


def test_an_order_names_nobody_and_rests_on_something_of_its_project(held: Watched) -> None:
    given: dict[str, Any] = {"as_": COUNTY, "on": date(2025, 6, 20), "project": held.project, "demand": "补齐(合成)"}
    ordering = "monitoring.order_rectification"

    held.world.refused("SYS-PERSONAL-DATA", ordering, problem="对象电话13800138000未接(合成)", **given)
    held.world.refused("monitoring.source_unknown", ordering, problem="记录不完整", source="chk-nothing", **given)
    made = order(held)
    for command, words in (
        ("monitoring.reply_rectification", {"reply": "已联系13800138000(合成)"}),
        ("monitoring.recheck_rectification", {"put_right": True, "finding": "已回访13800138000(合成)"}),
    ):
        as_ = CONTRACTOR if "reply" in words else COUNTY
        held.world.refused("SYS-PERSONAL-DATA", command, as_=as_, on=date(2025, 6, 25), order=made.id, **words)


def test_nobody_checks_his_own_answer_again(held: Watched) -> None:
    made = order(held)
    held.world.do(
        "monitoring.reply_rectification", as_=PURCHASER, on=date(2025, 6, 25), order=made.id, reply="已补齐(合成)"
    )

    held.world.refused(
        "ZY-88",
        "monitoring.recheck_rectification",
        as_=PURCHASER,
        on=date(2025, 6, 26),
        order=made.id,
        put_right=True,
        finding="已经补齐(合成)",
    )


def test_an_overdue_order_is_alerted_and_an_order_is_not_due_before_it_is_given(held: Watched) -> None:
    made = order(held)
    raised = held.world.do("work.sweep_deadlines", as_=OFFICE, on=date(2025, 7, 21), kinds=["monitoring.rectification"])

    assert raised.alerts == 1
    assert held.world.ask("monitoring.orders", on=date(2025, 7, 21))[0].overdue
    held.world.refused(
        "monitoring.due_passed",
        "monitoring.order_rectification",
        as_=COUNTY,
        on=date(2025, 6, 20),
        project=held.project,
        problem="合成问题一",
        demand="合成要求一",
        due_on="2025-06-20",
    )
    assert made.closed is False


def reply(held: Watched, order_: str, *, on: date) -> None:
    upload = held.world.upload("合成佐证".encode(), name="合成佐证.txt", media_type="text/plain").model_dump()
    held.world.do(
        "monitoring.reply_rectification", as_=CONTRACTOR, on=on, order=order_, reply="已补齐记录(合成)", evidence=upload
    )
