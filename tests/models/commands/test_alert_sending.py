"""What leaves and what does not: looked through before sending, told to somebody else, never held up, never lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from infra.mailer import deliver
from models.commands import work
from models.context import Context
from models.core.actors import Actor, Role
from models.queries.hearers import subjects_of
from models.queries.units import root_unit
from models.tables.contract import Contract
from models.tables.kernel import WorkItem
from models.tables.procurement import Organisation
from tests.support.alerting import (
    DUE,
    OFFICE,
    SYSTEM,
    Postman,
    check,
    close_item,
    fate,
    fresh,
    items,
    open_item,
    postman,
    prepare,
    receipts,
    register,
    run_day,
    world,
)
from tests.support.delivering import STARTED_ON
from tests.support.purchases import PURCHASER
from tests.support.world import World

__all__ = ["fresh", "postman", "world"]

_LATER = DUE + timedelta(days=1)


def _back(world: World, postman: Postman) -> dict[str, int]:
    """Let the channel answer again, the day after."""
    postman.away = False
    world.clock.day = _LATER
    return deliver(world.services, as_of=_LATER)


def test_what_was_done_after_its_message_was_made_is_not_sent(world: World, postman: Postman) -> None:
    register(world, "u-a")
    open_item(world, "prj-1")
    postman.away = True
    run_day(world, DUE)
    close_item(world, "prj-1", on=DUE)

    assert _back(world, postman)["sent"] == len(postman.sent) == 0
    assert receipts(world) == [("0", "u-a", "suppressed", "done", True)]
    assert check(world, _LATER).unsent == 0


def test_a_list_leaves_without_what_was_done_meanwhile(world: World, postman: Postman) -> None:
    register(world, "u-a")
    for subject in ("prj-1", "prj-2"):
        open_item(world, subject, due_on=DUE - timedelta(days=1))
    postman.away = True
    run_day(world, DUE)
    close_item(world, "prj-1", on=DUE)

    assert _back(world, postman)["sent"] == 1
    ((_, title, body),) = postman.sent
    assert ("共 1 项" in title, "prj-2" in body, "prj-1" in body) == (True, True, False)
    assert "本提醒晚于应发之日发出" in body
    assert sorted(line[2:4] for line in receipts(world)) == [("sent", None), ("suppressed", "done")]


def test_after_an_outage_of_the_server_only_the_newest_list_goes_out(world: World, postman: Postman) -> None:
    register(world, "u-a")
    open_item(world, "prj-1", due_on=DUE - timedelta(days=3))
    postman.away = True
    for days in (-2, -1, 0):
        run_day(world, DUE + timedelta(days=days))

    assert _back(world, postman)["sent"] == 1
    assert DUE.isoformat() not in postman.sent[0][1]  # its title is of the day it leaves
    assert [line[2:4] for line in receipts(world)] == [("suppressed", "superseded")]


def test_addresses_that_never_answer_hold_up_nobody_else(world: World, postman: Postman) -> None:
    for number in range(3):
        register(world, f"u-{number}")
    open_item(world, "prj-1")
    postman.silent = tuple(f"u-{number}@example.org" for number in range(3))
    run_day(world, DUE - timedelta(days=30))
    register(world, "u-z", on=DUE - timedelta(days=20))

    found = run_day(world, DUE - timedelta(days=15))

    assert (found["sent"], found["away"]) == (1, 3)
    assert fate(world, "u-0") == ("rendered", "notify.away")  # not known to be wrong, not known to be an outage


def test_a_message_whose_answer_was_never_noted_may_have_gone_out_and_says_so(world: World, postman: Postman) -> None:
    register(world, "u-a")
    open_item(world, "prj-1")
    prepare(world, DUE)
    first = world.do("work.claim_message", as_=SYSTEM, on=DUE)  # and its sender dies

    assert fate(world, "u-a") == ("possibly_sent", None)
    world.clock.day = _LATER
    assert deliver(world.services, as_of=_LATER)["sent"] == 1
    assert postman.numbers == [first.id]
    (line,) = [one for one in world.ask("work.receipts", as_=OFFICE) if one.account == "u-a"]
    assert (line.status, line.unconfirmed) == ("sent", True)


def test_who_supervises_hears_what_nobody_else_can_be_told_and_the_office_has_to_register_somebody(
    world: World, postman: Postman
) -> None:
    register(world, "u-chief", supervises=True)
    open_item(world, "prj-1")

    run_day(world, DUE - timedelta(days=15))
    run_day(world, DUE - timedelta(days=15))

    ((address, _, body),) = postman.sent
    assert address == "u-chief@example.org"
    assert "“市民政局”未登记联系人" in body
    assert [line[1:4] for line in receipts(world)] == [
        ("-", "suppressed", "no_contact"),
        ("u-chief", "sent", None),
    ]
    assert check(world, DUE - timedelta(days=15)).unreached == 1
    assert items(world, "alerts.unreached") == [("open", "work.register_contact")]


def test_what_a_contractor_leaves_overdue_reaches_the_supervisor_in_the_bureau(world: World, postman: Postman) -> None:
    """Through the rows themselves: the contractor's own unit is its credit code, its supervisor's the region."""
    register(world, "u-chief", supervises=True)
    open_item(world, "prj-1", role=Role.CONTRACTOR)

    run_day(world, DUE)

    ((address, _, body),) = postman.sent
    assert address == "u-chief@example.org"
    assert "“承接主体”未登记联系人" in body


def test_who_is_registered_later_hears_of_what_nobody_heard_before(world: World, postman: Postman) -> None:
    open_item(world, "prj-1")
    run_day(world, DUE - timedelta(days=15))
    register(world, "u-a", on=DUE - timedelta(days=14))

    run_day(world, DUE - timedelta(days=14))
    run_day(world, DUE - timedelta(days=14))

    assert [address for address, _, _ in postman.sent] == ["u-a@example.org"]
    assert "本提醒晚于应发之日发出" in postman.sent[0][2]


def test_what_waited_for_a_contact_that_was_retired_goes_to_who_supervises(world: World, postman: Postman) -> None:
    name = register(world, "u-a")
    register(world, "u-chief", supervises=True)
    open_item(world, "prj-1")
    postman.away = True
    run_day(world, DUE)
    world.do("work.retire_contact", as_=OFFICE, on=DUE, contact=name)
    postman.away = False

    run_day(world, DUE)

    assert [address for address, _, _ in postman.sent] == ["u-chief@example.org"]
    assert [line[1:3] for line in receipts(world)] == [("u-a", "withdrawn"), ("u-chief", "sent")]
    assert check(world, DUE).unreached == 1


def test_what_came_back_goes_to_who_supervises_once(world: World, postman: Postman) -> None:
    register(world, "u-a", address="gone@example.org")
    register(world, "u-chief", supervises=True)
    open_item(world, "prj-1")
    postman.unknown = ("gone@example.org",)

    for _ in range(3):
        run_day(world, DUE)

    assert [address for address, _, _ in postman.sent] == ["u-chief@example.org"]
    assert [line[1:3] for line in receipts(world)] == [("u-a", "bounced"), ("u-chief", "sent")]


def test_a_due_date_moved_while_the_ladder_runs_begins_a_new_ladder_and_nothing_counts_as_late(
    world: World, postman: Postman
) -> None:
    register(world, "u-a")
    open_item(world, "prj-1")
    run_day(world, DUE - timedelta(days=15))
    moved_on, later = DUE - timedelta(days=10), DUE + timedelta(days=9)
    context = Context(world.services, Actor(Role.SYSTEM, "u-t"), moved_on, "test.work", "cmd-move")
    with context.writing() as session:
        work.move_item(session, context, kind="acceptance.comprehensive", subject_id="prj-1", due_on=later)

    assert check(world, moved_on).unraised == 0  # of what was moved today nobody had to tell yet
    run_day(world, moved_on + timedelta(days=1))
    run_day(world, later - timedelta(days=15))

    assert [(line[0], line[4]) for line in receipts(world)] == [("15", False), ("30", False), ("15", False)]
    assert not any("晚于应发之日" in body for _, _, body in postman.sent)


def test_the_check_finds_one_of_two_people_without_receipt(world: World) -> None:
    register(world, "u-a")
    register(world, "u-b")
    open_item(world, "prj-1")
    prepare(world, DUE)
    with closing(sqlite3.connect(str(world.services.engine.url.database))) as database:
        for (name,) in database.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            database.execute(f"drop trigger {name}")
        database.execute("delete from alert_receipt where account = 'u-b'")
        database.commit()

    assert check(world, DUE).unreceipted == 1


def test_on_every_day_that_was_run_what_was_due_has_its_receipt(world: World) -> None:
    register(world, "u-a")
    open_item(world, "prj-1")

    for days in (31, 30, 15, 1, 0, -1):
        run_day(world, DUE - timedelta(days=days))
        found = check(world, DUE - timedelta(days=days))
        assert (found.unraised, found.unreceipted, found.undigested, found.unsent, found.unreached) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(("kind", "hears"), [("project", False), ("contract", True), ("rectification_order", True)])
def test_who_lost_the_contract_hears_of_what_is_its_own_and_not_of_the_project(
    running: Any, kind: str, hears: bool
) -> None:
    """A project has several contracts; one that was terminated is not told what the others' holder must do."""
    world, bought = running.world, running.bought
    item = WorkItem(
        id="work-1",
        kind="test",
        role="contractor",
        subject_kind=kind,
        subject_id=bought.contract if kind == "contract" else bought.project,
        project_id=bought.project,
        opened_on=STARTED_ON,
        due_on=STARTED_ON,
        clause="ZY-95",
        resolves_with="acceptance.submit_self_check",
        status="open",
    )
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        holder = session.get_one(Contract, bought.contract).organisation_id
        session.get_one(Organisation, holder).uscc = "52420200MJH000000Y"
        session.commit()

    assert _units(world, item)
    world.do("contract.terminate", as_=PURCHASER, on=date(2016, 9, 1), contract=bought.contract, reason="服务不到位")
    assert bool(_units(world, item)) is hears


def _units(world: World, item: WorkItem) -> frozenset[str]:
    """Return the bodies that hear of an item."""
    root = root_unit(policies=world.services.policies, region=world.services.region)
    with Session(world.services.engine) as session:
        return subjects_of(session, [item], root=root, on=item.due_on)[item.id].units
