"""Around the conclusion: needs compared by the same indicators, audit of the final accounts, publication, clocks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.ports import Zone
from models.tables.acceptance import AcceptanceConclusion
from models.tables.contract import Contract
from models.tables.kernel import Document, Event, WorkItem
from models.tables.needs import Survey
from models.tables.procurement import Organisation
from tests.support import needy
from tests.support.completing import completed, running
from tests.support.delivering import CONCLUDED_ON, conclude, verdict
from tests.support.papers import words_of
from tests.support.planning import BUREAU
from tests.support.world import World, copy_world, open_world

_BEGUN, _DONE, _AGAIN, _CHECKED, _ON = (
    date(2025, 3, 3),
    date(2025, 7, 1),
    date(2025, 7, 10),
    date(2025, 8, 1),
    date(2025, 8, 20),
)
_BEFORE = ("SEVERE", "MODERATE", "MILD")
_AUDITOR: dict[str, Any] = {
    "auditor": {"name": "合成造价咨询公司"},
    "qualification": "社会服务项目决算审计(合成)",
    "reason": "金额较大",
}


_VERDICT = {**verdict(), "purchaser_scores": {}, "recipients_opinion": "服务对象认可(合成)"}


@dataclass(frozen=True)
class Zunyi:
    """A world of Zunyi with a self-checked, privately funded project and the needs surveyed before it."""

    world: World
    project: str


@pytest.fixture(scope="module")
def _under_way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zunyi]:
    world = open_world(tmp_path_factory.mktemp("zunyi"), region="520300")
    before = needy.survey(world, on=_BEGUN)
    for number, level in enumerate(_BEFORE):
        needy.person(world, before, number, level=level, on=_BEGUN)
    project = running(world, on=_BEGUN, payer="enterprise", fund_sources=("enterprise_self",), needs=(before,))
    yield Zunyi(world, project)
    world.services.engine.dispose()


@pytest.fixture
def under_way(_under_way: Zunyi, tmp_path: Path) -> Iterator[Zunyi]:
    """The project in progress."""
    world = copy_world(_under_way.world, tmp_path)
    yield Zunyi(world, _under_way.project)
    world.services.engine.dispose()


@pytest.fixture
def zunyi(under_way: Zunyi) -> Zunyi:
    """The project completed."""
    completed(under_way.world, under_way.project, on=_DONE)
    return under_way


def _reassessed(world: World, *levels: str) -> str:
    """Assess the first people again in a survey after the service and return it."""
    survey = needy.survey(world, on=_AGAIN)
    for number, level in enumerate(levels):
        needy.person(world, survey, number, level=level, on=_AGAIN)
    return survey


def _self_checked(zunyi: Zunyi) -> Any:
    sheets = ("needs_indicators", "performance_sheet")
    files = {
        code: zunyi.world.upload(f"{code}(合成)".encode(), name=f"{code}.txt", media_type="text/plain").model_dump()
        for code in sheets
    }
    return zunyi.world.do(
        "acceptance.submit_self_check",
        as_="contractor:u-contractor",
        on=_CHECKED,
        project=zunyi.project,
        indicators=[{"name": "累计服务对象(人)", "target": 3, "actual": 3}],
        files=files,
        spent="1000.00",
    )


def _items(world: World, kind: str) -> list[tuple[str, str, date]]:
    with Session(world.services.engine) as session:
        found = session.exec(select(WorkItem).where(col(WorkItem.kind) == kind)).all()
        return [(row.status, row.role, row.due_on) for row in found]


def test_a_privately_funded_project_has_both_clocks(zunyi: Zunyi) -> None:
    """ZY-95: whoever pays. Three months after 1 July 2025 is National Day, which rolls to the 9th of October."""
    world = zunyi.world

    opened = world.do("acceptance.open_clocks", as_="system:scheduler", on=_DONE, project=zunyi.project)

    assert opened.opened == 2
    assert _items(world, "acceptance.self_check") == [("open", "contractor", date(2025, 10, 9))]
    assert _items(world, "acceptance.comprehensive") == [("open", "city_bureau", date(2025, 10, 9))]


@pytest.mark.parametrize(
    ("done", "due"),
    [
        (date(2025, 11, 30), date(2026, 2, 28)),  # a Saturday, worked
        (date(2025, 10, 31), date(2026, 2, 2)),
        (date(2025, 11, 15), date(2026, 2, 24)),
        (date(2026, 7, 2), date(2026, 10, 8)),
    ],
)
def test_the_clocks_end_on_the_vectors_of_the_calendar(under_way: Zunyi, done: date, due: date) -> None:
    """ZY-95 on domain.md 4-Q, through the door; the ladder reaches its last level on that day and the first overdue one
    on the next."""
    world, kinds = under_way.world, ("acceptance.self_check", "acceptance.comprehensive")
    completed(world, under_way.project, on=done)

    world.do("acceptance.open_clocks", as_="system:scheduler", on=done, project=under_way.project)
    swept = [
        world.do("work.sweep_deadlines", as_="system:scheduler", on=due - timedelta(days=days), kinds=kinds).alerts
        for days in (31, 30, 29, 15, 7, 1, 0, -1, -2)
    ]

    assert {_items(world, kind)[0][2] for kind in kinds} == {due}
    assert swept == [0, 2, 0, 2, 2, 0, 2, 2, 0]


@pytest.mark.parametrize(("on", "late"), [(date(2025, 9, 9), 0), (date(2025, 9, 10), 2), (date(2025, 10, 20), 2)])
def test_what_a_clock_that_was_opened_late_did_not_tell_is_told_late(zunyi: Zunyi, on: date, late: int) -> None:
    """The scheduler was away for months: completed on 1 July, due on 9 October, thirty days before is 9 September."""
    world = zunyi.world

    world.do("acceptance.open_clocks", as_="system:scheduler", on=on, project=zunyi.project)
    kinds = ("acceptance.self_check", "acceptance.comprehensive")
    swept = world.do("work.sweep_deadlines", as_="system:scheduler", on=on, kinds=kinds)

    assert (swept.alerts, swept.late) == (2, late)


def test_a_provisional_due_date_is_counted_anew_once_the_year_is_published(under_way: Zunyi) -> None:
    """2027 is not known yet; here 5 January becomes a day off."""
    world, project, kinds = under_way.world, under_way.project, ("acceptance.self_check", "acceptance.comprehensive")
    done, later = date(2026, 10, 5), date(2026, 11, 20)
    completed(world, project, on=done)
    call: dict[str, Any] = {"as_": "system:scheduler", "project": project}
    opened = world.do("acceptance.open_clocks", on=done, **call)
    assert world.ask("acceptance.projects_without_clocks", as_="system:scheduler") == (project,)
    known = world.services.calendar
    published = replace(known, years=known.years | {2027}, holidays={**known.holidays, date(2027, 1, 5): "合成"})

    same = world.do("acceptance.open_clocks", on=later, **call)
    world.services = replace(world.services, calendar=published)
    moved = world.do("acceptance.open_clocks", on=later, **call)

    assert [(one.opened, one.self_check_due) for one in (opened, same, moved)] == [
        (2, date(2027, 1, 5)),
        (0, date(2027, 1, 5)),
        (2, date(2027, 1, 6)),
    ]
    assert [_items(world, kind)[0][2] for kind in kinds] == [date(2027, 1, 6)] * 2
    assert world.ask("acceptance.projects_without_clocks", as_="system:scheduler") == ()


def test_a_self_check_is_a_report_with_both_sheets_attached(zunyi: Zunyi) -> None:
    """ZY-96, D21: naming a sheet is not attaching it."""
    world, project = zunyi.world, zunyi.project
    named = {"needs_indicators": "1.0", "performance_sheet": "1.0"}
    call: dict[str, Any] = {"as_": "contractor:u-contractor", "on": _CHECKED, "project": project, "spent": "1000.00"}
    rows = [{"name": "累计服务对象(人)", "target": 3, "actual": 2, "evidence": "服务台账", "deviation": "一人迁出"}]
    world.refused("ZY-96", "acceptance.submit_self_check", **call, indicators=rows, instruments=named)

    found = _self_checked(zunyi)

    with Session(world.services.engine) as session:
        kinds = session.exec(select(Document.kind).where(col(Document.stage) == "acceptance")).all()
        report = session.get_one(Document, found.document)
    assert sorted(kinds) == ["self_check_instrument", "self_check_instrument", "self_check_report"]
    assert (report.kind, report.media_type) == ("self_check_report", "application/pdf")
    assert "支出占合同金额" in words_of(world, report.sha256)


def test_zunyi_concludes_only_on_needs_assessed_again_by_the_same_indicators(zunyi: Zunyi) -> None:
    """ZY-27: before and after are compared by one version of the indicators."""
    world, project = zunyi.world, zunyi.project
    _self_checked(zunyi)
    call: dict[str, Any] = {"as_": BUREAU, "on": _ON, "project": project} | _VERDICT
    assert world.refused("acceptance.not_reassessed", "acceptance.conclude", **call).rule == "ZY-27"
    nobody = needy.survey(world, on=_DONE)
    world.refused("acceptance.not_reassessed", "acceptance.conclude", **call, reassessed_in=nobody)
    after = _reassessed(world, "MILD", "MODERATE", "SEVERE")

    found = world.do("acceptance.conclude", **call, reassessed_in=after)

    assert found.state == "project.accepted"
    change = world.ask("acceptance.conclusion", project=project, on=_ON).needs_change
    assert (change.compared, change.improved, change.worsened) == (3, 1, 1)


def test_other_indicators_than_at_the_beginning_are_refused(zunyi: Zunyi) -> None:
    world = zunyi.world
    _self_checked(zunyi)
    after = _reassessed(world, "MILD")
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.get_one(Survey, after).indicator_version = "other"  # as a change of the indicators would leave it
        session.commit()

    fault = world.refused(
        "acceptance.indicators_changed",
        "acceptance.conclude",
        as_=BUREAU,
        on=_ON,
        project=zunyi.project,
        reassessed_in=after,
        **_VERDICT,
    )

    assert fault.rule == "ZY-27"


def test_an_audit_of_the_final_accounts_may_be_ordered_before_the_conclusion_and_is_warned_of(zunyi: Zunyi) -> None:
    """ZY-100: nobody has to order one; one that was ordered and has not reported is named, not a bar."""
    world, project = zunyi.world, zunyi.project
    _self_checked(zunyi)
    after = _reassessed(world, "MILD")
    world.do("acceptance.order_audit", as_=BUREAU, on=_CHECKED, project=project, **_AUDITOR)
    again: dict[str, Any] = {"as_": BUREAU, "on": _CHECKED, "project": project} | _AUDITOR
    world.refused("acceptance.audit_ordered", "acceptance.order_audit", **again)
    call: dict[str, Any] = {"as_": BUREAU, "on": _ON, "project": project, "reassessed_in": after} | _VERDICT

    before = world.do("acceptance.conclude", dry_run=True, **call)
    report = world.upload("合成审计报告".encode(), name="决算审计报告.pdf", media_type="application/pdf").model_dump()
    kept = world.do("acceptance.record_audit", as_=BUREAU, on=_ON, project=project, report=report, verified="900.00")
    concluded = world.do("acceptance.conclude", **call)

    assert [("ZY-100" in one) for one in before.warnings] == [True]
    assert concluded.warnings == ()
    with Session(world.services.engine) as session:
        assert session.get_one(Document, kept.document).kind == "final_account_audit"
    world.refused("SYS-STATE", "acceptance.order_audit", **again)


def test_the_contractor_does_not_audit_itself(checked: Any) -> None:
    with Session(checked.world.services.engine) as session:
        name = session.exec(
            select(Organisation.name).join(Contract, col(Contract.organisation_id) == col(Organisation.id))
        ).one()

    given = _AUDITOR | {"auditor": {"name": name}}
    call: dict[str, Any] = {"as_": BUREAU, "on": CONCLUDED_ON, "project": checked.bought.project} | given
    world = checked.world
    world.refused("acceptance.auditor_not_independent", "acceptance.order_audit", **call)
    world.refused(
        "acceptance.audit_missing",
        "acceptance.record_audit",
        as_=BUREAU,
        on=CONCLUDED_ON,
        project=checked.bought.project,
        report=world.upload("无".encode(), name="无.pdf", media_type="application/pdf").model_dump(),
        verified="1.00",
    )


def test_the_result_is_due_to_be_published_and_once_it_is_the_item_closes(checked: Any) -> None:
    """LAW-ZFCGTL-45, with satisfaction in number and per cent, and no person."""
    world, project = checked.world, checked.bought.project
    call: dict[str, Any] = {"as_": BUREAU, "on": date(2017, 7, 12), "project": project, "sites": ["city_portal"]}
    world.refused("acceptance.not_concluded", "acceptance.publish_result", **call)
    concluded = conclude(world, project)
    assert any("LAW-ZFCGTL-45" in one for one in concluded.warnings)
    assert [item[0] for item in _items(world, "acceptance.announce")] == ["open"]

    found = world.do("acceptance.publish_result", **call)

    with Session(world.services.engine) as session:
        document = session.get_one(Document, found.document)
        assert session.get_one(AcceptanceConclusion, found.id).announced_on == date(2017, 7, 12)
    told = json.loads(world.services.documents.get(zone=Zone.PUBLIC, sha256=document.sha256))
    assert (told["asked"], told["satisfied"], told["satisfaction_percent"]) == (400, 372, "93.0")
    assert (told["outcome"], told["grade"], told["problems"]) == ("accepted", "良好", 0)
    assert [item[0] for item in _items(world, "acceptance.announce")] == ["done"]
    world.refused("acceptance.result_published", "acceptance.publish_result", **call)


def test_a_conclusion_that_does_not_pass_is_felt_and_each_effect_cites_it(zunyi: Zunyi) -> None:
    """ZY-98, ZY-106: the weight in the next batch falls, and the project is under key supervision."""
    world, project = zunyi.world, zunyi.project
    _self_checked(zunyi)
    poor = _VERDICT | {
        "recipient_scores": {"staff_professionalism": 40, "hours": 35, "effect": 45},
        "satisfaction": {"asked": 40, "satisfied": 12},
        "outcome": "not_accepted",
    }
    after = _reassessed(world, "MILD")

    end = world.do("acceptance.conclude", as_=BUREAU, on=_ON, project=project, reassessed_in=after, **poor)

    (effect,) = world.ask("evaluation.effects", project=project, on=_ON)
    assert (effect.kind, effect.before, effect.after, effect.rule) == ("next_batch", "1.00", "0.50", "ZY-98")
    assert (effect.conclusion, effect.grade) == (end.id, "unqualified")
    (listed,) = world.ask("monitoring.key_projects", on=_ON)
    assert (listed.project, listed.source) == (project, end.id)
    with Session(world.services.engine) as session:
        event = session.exec(select(Event).where(col(Event.type) == "monitoring.key_listed")).one()
    assert event.payload["rule"] == "ZY-106"


def test_the_purchaser_scores_the_whole_performance_sheet_and_it_is_weighted(zunyi: Zunyi) -> None:
    """ZY-96, ``evaluation.sheet_weights``: 90×30%+80×25%+70×15%+60×15%+100×10%+50×5% = 79, not the mean of 75."""
    world, project = zunyi.world, zunyi.project
    _self_checked(zunyi)
    whole = {"satisfaction": 90, "output": 80, "compliance": 70, "effects": 60, "funds": 100, "files": 50}
    call: dict[str, Any] = {"as_": BUREAU, "on": _ON, "project": project} | _VERDICT
    call["reassessed_in"] = _reassessed(world, "MILD")

    part = world.refused("SYS-SHEET", "acceptance.conclude", **call | {"purchaser_scores": {"satisfaction": 100}})
    end = world.do("acceptance.conclude", **call | {"purchaser_scores": whole})

    assert "管理档案" in part.message
    with Session(world.services.engine) as session:
        assert session.get_one(AcceptanceConclusion, end.id).party_scores["purchaser"] == "79.00"
