"""``project.why``: every step that led to a project's state, with what hangs on its events, and no person."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.rules.funding import Account
from tests.models.commands.conftest import Standing

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
