"""``project.why``: every step that led to a project's state, with what hangs on its events, and no person."""

from __future__ import annotations

from datetime import date

import pytest
from sqlmodel import Session

from models.core.actors import Role
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.queries.attempts import project_named
from models.rules.funding import Account
from models.tables.funding import PlanLine
from tests.models.commands.conftest import Standing
from tests.support.world import rows

AUDITOR = "audit_body:u-audit"


def test_the_whole_chain_is_told_once_in_order(checked: Standing) -> None:
    world, project = checked.world, checked.bought.project
    asked = {"as_": AUDITOR, "on": date(2017, 6, 20), "project": project}

    told = world.ask("project.why", **asked)
    chain = world.ask("project.history", **asked)

    covered = [seq for step in told.steps for seq in range(step.first, step.last + 1)]
    assert covered == [line.seq for line in chain]
    assert told.states["project"] == ["self_checked"]
    assert told.steps[0].moves[0].before == ""
    moves = [move for step in told.steps for move in step.moves]
    assert [move.after for move in moves] == [line.payload["to"] for line in chain if "to" in line.payload]
    assert "acceptance.conclude" in {move.command for move in told.next}


def test_papers_amounts_and_gates_stand_at_their_step(checked: Standing) -> None:
    told = checked.world.ask("project.why", as_=AUDITOR, on=date(2017, 6, 20), project=checked.bought.project)
    steps = {step.command: step for step in told.steps}

    issued = steps["funding.issue_plan"]
    assert {move.thing for move in issued.moves} == {"plan_line", "project"}
    assert sum((leg.amount.fen for leg in issued.amounts), 0) == 0
    assert {leg.account for leg in issued.amounts} == {Account.RESERVED, Account.PLANNED}
    assert max(leg.amount for leg in issued.amounts) > Money.ZERO
    assert {leg.channel for leg in issued.amounts} == {"各级财政资金"}
    assert "HS-21" in {gate.rule for gate in steps["procurement.plan"].gates}
    papers = [paper for step in told.steps for paper in step.papers]
    assert len({paper.id for paper in papers}) == len(papers) > 5
    assert all(len(paper.sha256) == 64 for paper in papers)


def test_whoever_acted_stands_there_as_a_role(checked: Standing) -> None:
    told = checked.world.ask("project.why", as_=AUDITOR, on=date(2017, 6, 20), project=checked.bought.project)

    assert "u-" not in told.model_dump_json()


def test_who_is_judged_may_not_ask(checked: Standing) -> None:
    for role in ("contractor:u-c", "expert:u-e", "public:u-p"):
        with pytest.raises(Refusal) as caught:
            checked.world.ask("project.why", as_=role, on=date(2017, 6, 20), project=checked.bought.project)
        assert caught.value.rule == "SYS-ROLE"


def test_every_account_has_a_name() -> None:
    assert all(sentence(f"account.{account.value}") for account in Account)


def test_what_a_gate_refused_stands_beside_the_steps_with_what_was_missing(checked: Standing) -> None:
    """A refusal changes nothing, but explains: which rule said no, to which role, and why."""
    world, bought = checked.world, checked.bought
    day = date(2017, 6, 20)
    line = next(row.id for row in rows(world, PlanLine) if row.project_id == bought.project)
    over = {"plan_line": line, "contract": bought.contract, "amount": "99999999.00"}
    world.refused("SYS-STATE", "delivery.start", as_="purchaser:u-p", on=day, contract=bought.contract)
    fault = world.refused("funding.payment_not_due", "funding.pay", as_="finance_bureau:u-f", on=day, **over)
    world.refused("SYS-ROLE", "funding.pay", as_="public:u-x", on=day, **over)

    told = world.ask("project.why", as_=AUDITOR, on=day, project=bought.project).refused

    assert {(one.command, one.rule, one.role) for one in told if one.on == day} == {
        ("delivery.start", "SYS-STATE", "购买主体"),
        ("funding.pay", fault.rule, "财政局"),
    }
    missing = {one.command: one.missing for one in told}
    assert missing["funding.pay"] == tuple(detail.problem for detail in fault.details) != ()


def test_alerts_and_figures_are_told(checked: Standing) -> None:
    world, bought = checked.world, checked.bought
    world.do("work.sweep_deadlines", as_="system:scheduler", on=date(2017, 9, 1))

    told = world.ask("project.why", as_=AUDITOR, on=date(2017, 9, 1), project=bought.project)

    assert (date(2017, 9, 1), True) in {(one.on, one.late) for one in told.alerts}
    assert {one.command for one in told.alerts} <= {item.resolves_with for item in told.waiting}
    figures = {step.command: {one.name: one.value for one in step.figures} for step in told.steps}
    assert figures["procurement.award"]["价款"] == figures["contract.sign"]["价款"]
    assert figures["contract.sign"]["价款"].endswith("元")


def test_each_thing_to_do_stands_once_and_under_one_role(checked: Standing) -> None:
    every = checked.world.ask("work.list", as_=AUDITOR)

    by_role = [item.id for role in Role for item in checked.world.ask("work.list", as_=AUDITOR, role=role)]

    assert sorted(by_role) == sorted(item.id for item in every)
    assert len(set(by_role)) == len(by_role) > 0
    assert all(item.given for item in every if item.project)


def test_a_call_belongs_to_the_project_that_it_or_a_thing_of_it_names(checked: Standing) -> None:
    """As the arguments came: what is no id, or names nothing, belongs to no project and breaks nothing."""
    bought = checked.bought
    with Session(checked.world.services.engine) as session:
        named = [
            project_named(session, arguments)
            for arguments in (
                {"project": bought.project},
                {"contract": bought.contract},
                {"objection": "obj-unknown"},
                {"project": "\x00", "contract": ["con"], "round": 7},
                {},
            )
        ]

    assert named == [bought.project, bought.project, None, None, None]
