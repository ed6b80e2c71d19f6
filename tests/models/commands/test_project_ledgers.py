"""The ledgers of a project: every row from what was recorded, people masked, the same bytes twice."""

from __future__ import annotations

from typing import Any

from models.commands import project_ledgers
from models.context import Context
from models.core.actors import Actor, Role
from models.core.ids import derive_id
from models.queries.project_ledgers import Printable
from models.queries.reader import project_of
from models.tables.kernel import Project
from reports.needs import MOST_DIGITS_SHOWN
from tests.support.delivering import COMPLETED_ON
from tests.support.world import World


def _context(world: World) -> Context:
    world.clock.day = COMPLETED_ON
    actor = Actor(Role.EVALUATION_OFFICE, "u-office")
    return Context(world.services, actor, COMPLETED_ON, "audit.prepare_filing", derive_id("cmd", "ledgers"))


def _drafts(checked: Any) -> dict[str, Printable]:
    ctx = _context(checked.world)
    with ctx.reading() as session:
        row: Project = project_of(session, checked.bought.project)
        policy = ctx.policy(region=row.region)
        return {one.kind: one for one in project_ledgers.drafted(session, ctx, row, policy=policy)}


def test_case_plans_count_what_the_service_ledger_lists(checked: Any) -> None:
    drafts = _drafts(checked)

    plans = drafts["case_plan_ledger_xlsx"].view["rows"]
    services = drafts["service_ledger_xlsx"].view["rows"]
    progress = checked.world.ask("delivery.progress", project=checked.bought.project)
    assert (len(plans), len(services)) == (progress.case_plans, progress.records)
    assert sum(int(row["times"]["text"]) for row in plans) == len(services)
    assert [row["seq"] for row in services[:3]] == ["1", "2", "3"]


def test_no_ledger_prints_a_whole_id_number(checked: Any) -> None:
    for draft in _drafts(checked).values():
        for row in draft.view["rows"]:
            shown = row.get("id_number", "")
            assert sum(char.isdigit() for char in shown) <= MOST_DIGITS_SHOWN


def test_every_inspection_stands_in_the_supervision_ledger(checked: Any) -> None:
    rows = _drafts(checked)["supervision_ledger_xlsx"].view["rows"]

    assert len({row["line"] for row in rows}) == 6
    assert all(row["findings"]["text"] for row in rows)


def test_ledgers_print_and_give_the_same_bytes_twice(checked: Any) -> None:
    ctx = _context(checked.world)
    drafts = tuple(_drafts(checked).values())

    first, second = (project_ledgers.printed(ctx, drafts) for _ in range(2))

    assert {"case_plan_ledger_xlsx", "service_ledger_xlsx", "supervision_ledger_xlsx"} <= {one.kind for one in drafts}
    assert [one.paper.stored.sha256 for one in first] == [one.paper.stored.sha256 for one in second]
