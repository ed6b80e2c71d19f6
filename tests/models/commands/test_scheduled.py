"""Scheduled supervision of every region: what is owed is opened once, what is on file closes it, nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from sqlmodel import Session

from models.tables.contract import Contract
from models.tables.kernel import WorkItem
from models.tables.monitoring import KeyPostAttendance, Supervision
from models.tables.ticket import Ticket
from tests.support.watching import BEGUN, CONTRACTOR, COUNTY, PURCHASER, SYSTEM, Watched, follow_up, put_on_file
from tests.support.world import rows

ON = date(2025, 6, 1)
ALL = {"funds": "专款专用(合成)", "progress": "按计划(合成)", "stage_results": "有记录(合成)"}
SPEAKERS = {
    "purchaser": PURCHASER,
    "finance": "finance_bureau:u-f",
    "recipient": "recipient:u-r",
    "community": "township:u-t",
    "expert": "expert:u-e",
}

Place = Callable[[str], Watched]


def sweep(held: Watched, on: date = ON) -> int:
    opened: int = held.world.do("monitoring.open_due", as_=SYSTEM, on=on).opened
    return opened


def supervise(held: Watched, line: str, findings: dict[str, str] | None = None, **more: Any) -> None:
    policy = held.world.services.policies.resolve(region=held.world.services.region, on=ON)
    held.world.do(
        "monitoring.record_supervision",
        as_=SPEAKERS[line],
        on=date(2025, 6, 10),
        project=held.project,
        line=line,
        method=next(iter(policy.monitoring.methods)),
        findings=findings or ALL,
        **more,
    )


def owed(held: Watched) -> dict[str, list[str]]:
    """Return rule → the status of what is owed by it, in order of role and period."""
    found: dict[str, list[str]] = {}
    for one in sorted(rows(held.world, WorkItem), key=lambda item: item.subject_id):
        if one.kind == "monitoring.scheduled":
            found.setdefault(one.clause, []).append(one.status)
    return found


def test_what_zunyi_owes_is_opened_once_and_a_full_record_closes_it(place: Place) -> None:
    """ZY-26: a record covers funds, progress and stage results; one that leaves a part out does not do."""
    held = place("520300")
    first, again = sweep(held), sweep(held)
    assert (first, again) == (6, 0)
    assert {rule: len(items) for rule, items in owed(held).items()} == {"ZY-26": 1, "ZY-87": 1, "ZY-88": 2, "ZY-107": 2}

    supervise(held, "purchaser", {"funds": "专款专用(合成)"})
    assert owed(held)["ZY-26"] == ["open"]
    supervise(held, "purchaser")
    assert owed(held)["ZY-26"] == ["done"]
    assert owed(held)["ZY-107"] == ["done", "open"], "the record counts for implementation, initiation is still missing"


def test_an_outage_loses_no_period(place: Place) -> None:
    held = place("520300")
    sweep(held)
    supervise(held, "purchaser")
    late = sweep(held, date(2026, 4, 2))

    assert late == 4
    assert owed(held)["ZY-26"] == ["done", "open"]


def test_a_published_round_is_what_the_levels_owe(place: Place) -> None:
    """ZY-87, ZY-88: the round that was drawn, recorded and published closes the due rows of city and counties."""
    held = place("520300")
    sweep(held)
    inspected(held)

    assert (owed(held)["ZY-87"], owed(held)["ZY-88"]) == (["done"], ["done", "done"])


def inspected(held: Watched) -> None:
    people = [{"id": "u-one"}, {"id": "u-two"}]
    round_ = held.world.do("monitoring.open_inspection", as_=COUNTY, on=ON, title="合成抽查", inspectors=people).id
    (task,) = held.world.do("monitoring.draw_inspection", as_=COUNTY, on=ON, round=round_).inspections.values()
    policy = held.world.services.policies.resolve(region=held.world.services.region, on=ON)
    held.world.do(
        "monitoring.record_inspection",
        as_="county_bureau:u-one",
        on=date(2025, 6, 5),
        inspection=task,
        method=list(policy.monitoring.methods)[-1],
        findings={"funds": "专款专用(合成)"},
        problems=0,
    )
    held.world.do("monitoring.publish_inspection", as_=COUNTY, on=date(2025, 6, 6), round=round_)


def test_key_posts_are_watched_and_a_substitute_is_flagged(place: Place) -> None:
    """ZY-86: attendance and performance of the named key posts; a substitute is flagged, nobody is left out."""
    held = place("520300")
    with Session(held.world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        row = session.get_one(Contract, held.contract)
        row.key_posts = {"督导": "SW-01", "个案": "SW-02"}
        session.add(row)
        session.commit()
    sweep(held)
    assert owed(held)["ZY-86"] == ["open"]
    post = {"days_due": 20, "days_present": 20, "performance": "按约履职(合成)"}
    given: dict[str, Any] = {"contract": held.contract, "month": "2025-05-01"}

    held.world.refused(
        "ZY-86",
        "monitoring.record_attendance",
        as_=PURCHASER,
        on=ON,
        posts=[{"post": "督导", "ref": "SW-01", **post}],
        **given,
    )
    held.world.refused(
        "monitoring.post_unknown",
        "monitoring.record_attendance",
        as_=PURCHASER,
        on=ON,
        posts=[{"post": "会计", "ref": "SW-01", **post}],
        **given,
    )
    both = [{"post": "督导", "ref": "SW-09", **post}, {"post": "个案", "ref": "SW-02", **post, "days_present": 12}]
    kept = held.world.do("monitoring.record_attendance", as_=PURCHASER, on=ON, posts=both, **given)

    assert (kept.substituted, kept.short, owed(held)["ZY-86"]) == (("督导",), ("个案",), ["done"])
    assert [one.substituted for one in rows(held.world, KeyPostAttendance)].count(True) == 1
    held.world.refused(
        "monitoring.attendance_recorded", "monitoring.record_attendance", as_=PURCHASER, on=ON, posts=both, **given
    )


def test_beijing_wants_many_parties_joint_records_street_finance_and_reports(place: Place) -> None:
    """BJ-04, BJ-43, BJ-44, BJ-45, BJ-64, BJ-77: each due row closes by what its own rule asks for."""
    held = place("110000")
    assert sweep(held) == 6
    assert set(owed(held)) == {"BJ-04", "BJ-43", "BJ-44", "BJ-45", "BJ-64", "BJ-77"}

    supervise(held, "purchaser")
    assert closed(held) == set()
    supervise(held, "finance")
    assert closed(held) == {"BJ-04", "BJ-77"}
    supervise(held, "community", joint=["合成区财政局", "合成市民政局"])
    assert closed(held) == {"BJ-04", "BJ-43", "BJ-64", "BJ-77"}
    supervise(held, "recipient")
    assert closed(held) == {"BJ-04", "BJ-43", "BJ-44", "BJ-64", "BJ-77"}
    upload = held.world.upload("合成财务报告".encode(), name="合成.txt", media_type="text/plain").model_dump()
    held.world.do(
        "monitoring.file_report", as_=CONTRACTOR, on=ON, contract=held.contract, period="2025年第二季度", report=upload
    )
    assert closed(held) == {"BJ-04", "BJ-43", "BJ-44", "BJ-45", "BJ-64", "BJ-77"}
    (joint,) = [one.joint for one in rows(held.world, Supervision) if one.joint]
    assert len(joint) == 2


def closed(held: Watched) -> set[str]:
    return {rule for rule, items in owed(held).items() if set(items) == {"done"}}


def test_what_a_contract_owes_is_due_by_its_last_day(place: Place) -> None:
    held = place("520300")
    sweep(held)
    with Session(held.world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.add(session.get_one(Contract, held.contract).sqlmodel_update({"ends_on": date(2025, 9, 1)}))
        session.commit()
    sweep(held, date(2025, 6, 2))

    due = {one.clause: one.due_on for one in rows(held.world, WorkItem) if one.subject_id.startswith(held.project)}
    assert due["ZY-26"] == date(2025, 8, 31)
    assert date(2025, 8, 31) in {
        one.due_on for one in rows(held.world, WorkItem) if one.subject_id.endswith("implementation")
    }


def test_fengze_follows_up_supervises_three_phases_funds_and_the_pilot(place: Place) -> None:
    """FZ-50, FZ-51, FZ-72, FZ-76: follow-up with satisfaction, three phases, funds, inspections tracked to the end."""
    held = place("350503")
    assert sweep(held) == 6
    supervise(held, "purchaser", {"funds": "专款专用(合成)"})
    assert (owed(held)["FZ-72"], owed(held)["FZ-51"]) == (["done", "done"], ["done", "open"])
    inspected(held)
    assert owed(held)["FZ-76"] == ["done"]
    put_on_file(held)
    follow_up(held, "satisfied", "satisfied", "unsatisfied")
    assert owed(held)["FZ-50"] == ["done"]
    (person,) = [one for one in held.people if one.startswith("sel-")][:1]
    file = held.world.ask("delivery.service_file", project=held.project, person=person)
    assert (len(file.records), len(file.answers)) == (1, 1)


def test_fengze_knows_three_methods_of_supervision(place: Place) -> None:
    """FZ-52: regular meeting, site visit, random check, or another that is said."""
    held = place("350503")
    given: dict[str, Any] = {"project": held.project, "line": "purchaser", "findings": ALL}

    held.world.refused("FZ-52", "monitoring.record_supervision", as_=COUNTY, on=ON, method="online", **given)
    for method in ("meeting", "on_site", "random"):
        held.world.do("monitoring.record_supervision", as_=COUNTY, on=ON, method=method, **given)


def test_party_and_villages_may_record_supervision_in_anhui(place: Place) -> None:
    """AH-07: grass-roots government and self-governing bodies record what they see of the service."""
    held = place("340000")
    for speaker in ("township:u-t", "village_committee:u-v"):
        held.world.do(
            "monitoring.record_supervision",
            as_=speaker,
            on=ON,
            project=held.project,
            line="community",
            method="on_site",
            findings={"progress": "按时上门(合成)"},
        )

    assert [one.recorded_by for one in rows(held.world, Supervision)] == ["township", "village_committee"]
    assert sweep(held) == 0


def test_a_ticket_may_be_about_a_project(place: Place) -> None:
    held = place("520300")
    policy = held.world.services.policies.resolve(region="520300", on=ON)
    kind = next(iter(policy.tickets.kinds or {}))
    given: dict[str, Any] = {"kind": kind, "matter": "合成事项", "contact": "合成联系方式", "backup": "u-backup"}
    held.world.do("ticket.open", as_="city_bureau:u-bureau", on=ON, project=held.project, **given)
    held.world.do("ticket.open", as_="city_bureau:u-bureau", on=ON, **given)

    listed = held.world.ask("ticket.list", as_="city_bureau:u-bureau", project=held.project)
    assert [one.project for one in listed] == [held.project]
    assert len(rows(held.world, Ticket)) == 2
    held.world.refused("kernel.not_found", "ticket.open", as_="city_bureau:u-bureau", on=ON, project="prj-x", **given)


def test_supervision_waits_for_a_running_contract(place: Place) -> None:
    held = place("110000")
    with Session(held.world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        row = session.get_one(Contract, held.contract)
        row.state = "signed"
        session.add(row)
        session.commit()

    assert sweep(held) == 0
    assert BEGUN < ON
