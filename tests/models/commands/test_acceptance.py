"""Acceptance through the door: clocks, self-check, evidence, grade, conclusion, problems (A3, A5)."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, col, delete, select

from models.core.errors import Refusal
from models.ports import Zone
from models.tables.acceptance import AcceptanceConclusion, SelfCheck
from models.tables.evaluation import ThirdPartyEvaluation
from models.tables.kernel import Document, Event, WorkItem
from models.tables.monitoring import Supervision
from tests.support.delivering import (
    COMPLETED_ON,
    CONCLUDED_ON,
    CONTRACTOR,
    completed_from,
    conclude,
    selected,
    self_check,
    self_checked_from,
    verdict,
)
from tests.support.planning import BUREAU
from tests.support.purchases import PURCHASER
from tests.support.world import rows

SYSTEM = "system:scheduler"


def items(world: Any, kind: str) -> list[Any]:
    with Session(world.services.engine) as session:
        return list(session.exec(select(WorkItem).where(col(WorkItem.kind) == kind)).all())


def forget(world: Any, model: Any, **where: Any) -> None:
    """Delete rows behind the commands' back, as A3 asks."""
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        query = delete(model)
        for name, value in where.items():
            query = query.where(col(getattr(model, name)) == value)
        session.exec(query)
        session.commit()


def refuse(standing: Any, expected: str, *, on: date = CONCLUDED_ON, **changes: Any) -> Any:
    return standing.world.refused(
        expected, "acceptance.conclude", as_=BUREAU, on=on, project=standing.bought.project, **verdict(**changes)
    )


def test_two_clocks_open_once(running: Any) -> None:
    """ZY-95, decision 17: the contractor's self-check and the bureau's acceptance, three months after completion."""
    world, project = running.world, running.bought.project
    world.refused("SYS-STATE", "acceptance.open_clocks", as_=SYSTEM, on=COMPLETED_ON, project=project)
    completed_from(world, running.bought, served=1)
    assert world.ask("acceptance.projects_without_clocks", as_=SYSTEM) == (project,)

    opened = [world.do("acceptance.open_clocks", as_=SYSTEM, on=COMPLETED_ON, project=project) for _ in range(2)]

    assert [one.opened for one in opened] == [2, 0]
    assert world.ask("acceptance.projects_without_clocks", as_=SYSTEM) == ()
    (mine,), (theirs,) = items(world, "acceptance.self_check"), items(world, "acceptance.comprehensive")
    assert (mine.role, theirs.role) == ("contractor", "city_bureau")
    assert mine.due_on == theirs.due_on == date(2017, 8, 31)
    assert "五(十二)" in mine.clause


def test_the_clocks_wait_for_the_last_of_all_contracts(running: Any) -> None:
    """A contract that ends while the project goes on completes nothing; where no other comes, it does in the end."""
    world, project = running.world, running.bought.project
    call: dict[str, Any] = {"as_": PURCHASER, "contract": running.bought.contract}
    assert world.do("delivery.complete", on=COMPLETED_ON, continues=True, **call).project == "project.in_progress"
    assert world.ask("acceptance.projects_without_clocks", as_=SYSTEM) == ()
    world.refused("SYS-STATE", "acceptance.open_clocks", as_=SYSTEM, on=COMPLETED_ON, project=project)

    ended: dict[str, Any] = {"persons": selected(world, project), "cause": "no_need"}
    world.do("delivery.end_service", as_=PURCHASER, on=date(2017, 6, 30), project=project, **ended)
    done = world.do("delivery.complete", on=date(2017, 6, 30), **call)

    assert (done.contract, done.project) == ("contract.ended", "project.completed")
    opened = world.do("acceptance.open_clocks", as_=SYSTEM, on=date(2017, 6, 30), project=project)
    assert opened.self_check_due == date(2017, 9, 30)  # a Saturday, worked
    world.refused("SYS-STATE", "delivery.complete", on=date(2017, 7, 1), **call)


def test_a_lost_message_opens_only_the_clock_that_still_runs(running: Any) -> None:
    completed_from(running.world, running.bought, served=1)
    self_check(running.world, running.bought.project)

    found = running.world.do("acceptance.open_clocks", as_=SYSTEM, on=date(2017, 6, 21), project=running.bought.project)

    assert found.opened == 1
    assert items(running.world, "acceptance.self_check") == []


def test_a_self_check_closes_its_clock(checked: Any) -> None:
    (clock,) = items(checked.world, "acceptance.self_check")
    (row,) = rows(checked.world, SelfCheck)

    assert (clock.status, row.days_late, row.spent_fen) == ("done", 0, 58_800_000)
    assert [indicator["ratio"] for indicator in row.indicators] == ["100.0", None]


def test_a_late_self_check_is_recorded_not_refused(running: Any) -> None:
    completed_from(running.world, running.bought, served=1)

    found = self_check(running.world, running.bought.project, on=date(2017, 9, 5))

    assert (found.days_late, found.state) == (5, "project.self_checked")


@pytest.mark.parametrize(
    "changes",
    [
        {"spent": "-0.01"},
        {"spent": "1000000000000.01"},
        {"indicators": [{"name": "人数", "target": 1, "actual": "1e30"}]},
        {"indicators": [{"name": "人数", "target": "1e-30", "actual": 1}]},
    ],
)
def test_a_self_check_with_figures_nobody_could_mean_is_refused(running: Any, changes: dict[str, Any]) -> None:
    completed_from(running.world, running.bought, served=1)

    with pytest.raises(Refusal) as caught:
        self_check(running.world, running.bought.project, **changes)

    assert caught.value.code == "door.arguments_invalid"


def test_a_self_check_may_have_spent_nothing_and_tell_in_words(running: Any) -> None:
    completed_from(running.world, running.bought, served=1)
    told = [{"name": "满意度", "target": "较高", "actual": "约 1e30 人次"}]

    found = self_check(running.world, running.bought.project, spent="0", indicators=told)

    assert found.state == "project.self_checked"


def test_a_score_of_thirty_digits_is_refused(checked: Any) -> None:
    refuse(checked, "door.arguments_invalid", purchaser_scores={"effect": "1e30"})


def test_no_conclusion_before_the_self_check(running: Any) -> None:
    """ZY-97, which outside Zunyi is ours."""
    completed_from(running.world, running.bought)

    refuse(running, "SYS-SELF-CHECK-FIRST")


def test_a_conclusion_weighs_grades_and_closes(checked: Any) -> None:
    found = conclude(checked.world, checked.bought.project)

    third, purchaser, recipient = Decimal(86), Decimal("87.67"), Decimal(90)
    total = (3 * third + 3 * purchaser + 4 * recipient) / 10
    assert (found.total, found.grade, found.pay_ratio) == (total.quantize(Decimal("0.01")), "good", Decimal(1))
    assert found.state == "project.accepted"
    assert items(checked.world, "acceptance.comprehensive")[0].status == "done"
    with Session(checked.world.services.engine) as session:
        event = session.exec(select(Event).where(col(Event.type) == "project.accepted")).one()
        paper = session.get_one(Document, found.document)
    assert (event.payload["grade"], event.payload["pay_ratio"], event.payload["served"]) == ("good", "1", 400)
    assert (paper.kind, paper.media_type) == ("acceptance_conclusion", "application/pdf")
    read = checked.world.ask("acceptance.conclusion", project=checked.bought.project)
    assert (read.grade_name, read.satisfaction_percent, read.target) == ("良好", Decimal("93.0"), 400)


@pytest.mark.parametrize("phase", ["mid", "end"])
def test_closing_needs_both_third_party_evaluations(checked: Any, phase: str) -> None:
    """A3: deleting either evaluation refuses the conclusion, whatever it would say."""
    forget(checked.world, ThirdPartyEvaluation, phase=phase)

    refuse(checked, "HS-35")
    refuse(checked, "HS-35", outcome="not_accepted")


@pytest.mark.parametrize("line", ["purchaser", "finance", "expert", "recipient", "community"])
def test_closing_needs_every_line_of_supervision(checked: Any, line: str) -> None:
    forget(checked.world, Supervision, line=line)

    refuse(checked, "HS-29")


def test_closing_needs_every_party(checked: Any) -> None:
    refuse(checked, "HS-42", purchaser_scores={})
    refuse(checked, "HS-39", recipient_scores={"hours": 90})


def test_the_target_of_persons_blocks_acceptance(running: Any) -> None:
    """A5: 399 served cannot be accepted; it can be concluded as not accepted."""
    self_checked_from(running.world, running.bought, served=399)

    fault = refuse(running, "HS-06")
    found = conclude(running.world, running.bought.project, outcome="not_accepted")

    assert "399" in fault.message
    assert found.state == "project.not_accepted"
    assert items(running.world, "acceptance.comprehensive")[0].status == "open"


FAILING: dict[str, Any] = {
    "purchaser_scores": {"effect": 40, "management": 40, "social_impact": 40},
    "recipient_scores": {"staff_professionalism": 30, "hours": 30, "effect": 30},
}


def test_a_failing_grade_is_not_accepted(checked: Any) -> None:
    refuse(checked, "acceptance.grade_fails", **FAILING)


def test_unsatisfied_recipients_cap_the_grade(checked: Any) -> None:
    found = conclude(checked.world, checked.bought.project, satisfaction={"asked": 100, "satisfied": 79})

    assert (found.grade, found.pay_ratio) == ("qualified", Decimal("0.90"))


def test_made_up_scores_are_named_on_the_paper(checked: Any) -> None:
    """Decision 24: what the source does not state is marked field by field, on the paper and in the chain."""
    found = checked.world.do(
        "acceptance.conclude",
        as_=BUREAU,
        on=CONCLUDED_ON,
        synthetic=("purchaser_scores", "satisfaction.satisfied"),
        project=checked.bought.project,
        **verdict(),
    )

    with Session(checked.world.services.engine) as session:
        paper = session.get_one(Document, found.document)
    assert paper.synthetic_fields == ["综合评估验收·满意度", "综合评估验收·购买主体考核评分"]


def test_more_satisfied_than_asked_is_a_mistake(checked: Any) -> None:
    refuse(checked, "SYS-SATISFACTION", satisfaction={"asked": 10, "satisfied": 11})


def test_problems_get_owners_dates_and_an_end(checked: Any) -> None:
    """ZY-99."""
    problem = {"text": "部分服务记录过简", "owner": "contractor", "due_on": "2017-08-10"}
    world = checked.world
    (name,) = conclude(world, checked.bought.project, problems=[problem]).problems
    (item,) = items(world, "acceptance.problem")
    assert (item.role, item.due_on, item.status) == ("contractor", date(2017, 8, 10), "open")

    call = {"as_": CONTRACTOR, "on": date(2017, 8, 1), "problem": name, "result": "已补充记录要点"}
    world.do("acceptance.resolve_problem", **call)

    world.refused("acceptance.problem_resolved", "acceptance.resolve_problem", **call)
    assert items(world, "acceptance.problem")[0].status == "done"
    (line,) = world.ask("acceptance.conclusion", project=checked.bought.project).problems
    assert line.resolved_on == date(2017, 8, 1)


@pytest.mark.parametrize(
    "changes",
    [{"due_on": "2017-07-09"}, {"owner": "recipient"}, {"owner": "system"}],
    ids=["past", "recipient", "system"],
)
def test_a_problem_nobody_could_mend_in_time_is_refused(checked: Any, changes: dict[str, str]) -> None:
    problem = {"text": "部分服务记录过简", "owner": "contractor", "due_on": CONCLUDED_ON.isoformat()}
    refuse(checked, "acceptance.problem_wrong", problems=[problem | changes])

    assert conclude(checked.world, checked.bought.project, problems=[problem]).problems


@pytest.mark.parametrize(("on", "late"), [(date(2017, 10, 10), 0), (date(2017, 10, 12), 2)])
def test_a_refused_acceptance_winds_both_clocks_up_anew(checked: Any, on: date, late: int) -> None:
    """It is the contractor's turn again, then the bureau's: three months from the refusal, after National Day."""
    world, project = checked.world, checked.bought.project
    conclude(world, project, outcome="not_accepted", **FAILING)
    (mine,), (theirs,) = items(world, "acceptance.self_check"), items(world, "acceptance.comprehensive")
    assert [(one.status, one.due_on) for one in (mine, theirs)] == [("open", date(2017, 10, 10))] * 2

    again = self_check(world, project, on=on)

    assert again.days_late == late
    assert items(world, "acceptance.self_check")[0].status == "done"
    assert world.do("acceptance.open_clocks", as_=SYSTEM, on=on, project=project).opened == 0


def test_both_results_stand_in_public_once_the_second_is_published(checked: Any) -> None:
    world, project = checked.world, checked.bought.project
    conclude(world, project, outcome="not_accepted", **FAILING)
    self_check(world, project, on=date(2017, 9, 20))
    conclude(world, project, on=date(2017, 9, 25))

    found = world.do(
        "acceptance.publish_result", as_=BUREAU, on=date(2017, 9, 26), project=project, sites=["city_portal"]
    )

    assert [one.status for one in items(world, "acceptance.announce")] == ["done", "done"]
    with Session(world.services.engine) as session:
        document = session.get_one(Document, found.document)
    told = json.loads(world.services.documents.get(zone=Zone.PUBLIC, sha256=document.sha256))
    assert (told["outcome"], told["earlier"]) == (
        "accepted",
        [{"outcome": "not_accepted", "concluded_on": CONCLUDED_ON.isoformat()}],
    )


def test_what_was_not_accepted_is_checked_and_concluded_again(checked: Any) -> None:
    world, project = checked.world, checked.bought.project
    conclude(world, project, outcome="not_accepted", **FAILING)
    refuse(checked, "SYS-STATE")
    again = self_check(world, project, on=date(2017, 9, 20))

    found = conclude(world, project, on=date(2017, 9, 25))

    rounds = [(row.round, row.outcome) for row in rows(world, AcceptanceConclusion)]
    assert (again.days_late, found.state) == (0, "project.accepted")
    assert sorted(rounds) == [(1, "not_accepted"), (2, "accepted")]


def test_there_is_no_conclusion_before_one_was_made(checked: Any) -> None:
    assert checked.world.ask("acceptance.conclusion", project=checked.bought.project) is None
