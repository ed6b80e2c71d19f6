"""A conclusion that is overturned counts no more: each effect ends, the project is concluded anew, nothing is paid."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from models.queries.purchasing import TERMINATED, barred_until, past_results
from models.tables.contract import Contract
from models.tables.kernel import WorkItem
from tests.support.delivering import CONCLUDED_ON, conclude
from tests.support.planning import BUREAU
from tests.support.purchases import PURCHASER
from tests.support.world import World

ON = date(2017, 9, 4)
ANEW = date(2017, 9, 11)


def overturn(world: World, project: str, **changes: Any) -> Any:
    decision = world.upload("撤销决定(合成)".encode(), name="决定.txt", media_type="text/plain").model_dump()
    given: dict[str, Any] = {
        "project": project,
        "authority": "合成市民政局",
        "number": "合成撤〔2017〕1号",
        "reason": "评分依据的服务记录不实(合成)",
        "decision": decision,
    }
    return world.do("acceptance.overturn", as_=BUREAU, on=ON, **(given | changes))


def standing(world: World, kind: str) -> tuple[str, date]:
    with Session(world.services.engine) as session:
        item = session.exec(select(WorkItem).where(col(WorkItem.kind) == kind)).one()
        return item.status, item.due_on


def terms(world: World, project: str) -> list[tuple[str, str, str, date, date | None]]:
    found = world.ask("evaluation.effects", project=project, on=ANEW)
    return sorted((one.kind, one.before, one.after, one.starts_on, one.ends_on) for one in found)


def test_an_accepted_project_waits_for_its_evaluation(checked: Any) -> None:
    """ZY-29, ZY-31: twenty working days after the conclusion, else nothing would ever be filed or archived."""
    conclude(checked.world, checked.bought.project)

    assert standing(checked.world, "evaluation.conclude") == ("open", date(2017, 8, 7))
    assert standing(checked.world, "acceptance.comprehensive")[0] == "done"


def test_every_effect_of_an_overturned_conclusion_ends_and_begins_again_with_the_next(checked: Any) -> None:
    """HS-44, ZY-98: the share and the weight fall to those of the grade that does not pass, then rise again."""
    world, project = checked.world, checked.bought.project
    first = conclude(world, project)

    done = overturn(world, project)

    assert (done.overturned, done.state) == (first.id, "project.self_checked")
    assert standing(world, "evaluation.conclude")[0] == "done"
    assert standing(world, "acceptance.comprehensive") == ("open", date(2017, 12, 4))
    world.refused("SYS-STATE", "evaluation.conclude", as_=BUREAU, on=ON, project=project, effects={"social": "好"})
    conclude(world, project, on=ANEW)
    assert terms(world, project) == [
        ("next_batch", "0.50", "1.00", ANEW, None),
        ("next_batch", "1.00", "0.50", ON, ANEW),
        ("next_batch", "1.00", "1.00", CONCLUDED_ON, ON),
        ("payment", "0", "1", ANEW, None),
        ("payment", "1", "0", ON, ANEW),
        ("payment", "1", "1", CONCLUDED_ON, ON),
    ]
    assert standing(world, "evaluation.conclude") == ("open", date(2017, 10, 13))


def test_the_last_instalment_rests_on_no_overturned_conclusion(checked: Any) -> None:
    """HS-37: the acceptance of before is no acceptance."""
    world, project = checked.world, checked.bought.project
    conclude(world, project)
    line = world.ask("funding.plan", quarter="2016Q2", batch=1).lines[0].id
    world.do(
        "funding.verify_progress", as_=BUREAU, on=ON, contract=checked.bought.contract, percent="100", basis="合成"
    )
    overturn(world, project)
    last = {"plan_line": line, "contract": checked.bought.contract, "amount": "588000.00", "final": True}

    fault = world.refused("HS-37", "funding.pay", as_=PURCHASER, on=ON, **last)

    assert fault.code == "funding.payment_not_due"


def test_what_was_paid_on_it_is_claimed_back_as_the_decision_says_and_no_fen_more(checked: Any) -> None:
    """HS-44: the claim is due at once and ends when the money is back, through the ledger."""
    world, project, contract = checked.world, checked.bought.project, checked.bought.contract
    conclude(world, project)
    line = world.ask("funding.plan", quarter="2016Q2", batch=1).lines[0].id
    world.do("funding.verify_progress", as_=BUREAU, on=ON, contract=contract, percent="100", basis="合成")
    under = {"plan_line": line, "contract": contract}
    world.do("funding.pay", as_=PURCHASER, on=ON, amount="588000.00", final=True, basis="合成", **under)
    claim = under | {"amount": "88000.00"}
    decision = world.upload("合成".encode(), name="决定.txt", media_type="text/plain").model_dump()
    told = {"authority": "合成市民政局", "number": "合成撤1号", "reason": "服务记录不实(合成)", "decision": decision}
    call: dict[str, Any] = {"as_": BUREAU, "on": ON, "project": project} | told
    world.refused("midterm.over_demand", "acceptance.overturn", **call, recover=[under | {"amount": "588000.01"}])

    world.do("acceptance.overturn", **call, recover=[claim])

    assert standing(world, "funding.recovery")[0] == "open"
    world.do("funding.recover", as_="finance_bureau:u-finance", on=ANEW, basis="撤销验收结论(合成)", **claim)
    assert standing(world, "funding.recovery")[0] == "done"


def test_a_traced_bar_holds_from_its_first_day_until_its_last_or_until_it_is_lifted(checked: Any) -> None:
    """BJ-52: three years to the day; both ends cite the conclusion, and the day it ends is free again."""
    world, project = checked.world, checked.bought.project
    end = conclude(world, project)
    with Session(world.services.engine) as session:
        firm = session.get_one(Contract, checked.bought.contract).organisation_id
    call = {
        "as_": "finance_bureau:u-finance",
        "organisation": firm,
        "authority": "合成财政局",
        "reason": "服务不实(合成)",
    }
    until = date(2020, 9, 4)
    bar = world.do("procurement.bar", on=ON, until_on=until, number="合成罚1号", **call).id
    world.do("evaluation.trace_effect", as_=BUREAU, on=ON, conclusion=end.id, record_id=bar)

    assert _bans(world, firm) == [("—", "2020-09-04", ON, until, end.id)]
    assert [_barred(world, firm, on=on) for on in (date(2020, 9, 3), until)] == [until, None]
    world.do("procurement.lift_bar", as_="finance_bureau:u-finance", on=ANEW, bar=bar, reason="复核后撤销(合成)")
    assert _bans(world, firm) == [
        ("—", "2020-09-04", ON, ANEW, end.id),
        ("2020-09-04", "2017-09-11", ANEW, ANEW, end.id),
    ]
    assert _barred(world, firm, on=ANEW) is None


def _bans(world: World, firm: str) -> list[tuple[str, str, date, date | None, str]]:
    found = world.ask("evaluation.effects", target=firm, on=ANEW)
    return [(one.before, one.after, one.starts_on, one.ends_on, one.conclusion) for one in found if one.kind == "ban"]


def _barred(world: World, firm: str, *, on: date) -> date | None:
    with Session(world.services.engine) as session:
        return barred_until(session, organisation=firm, on=on)


def test_a_bar_cites_only_the_conclusion_that_counts_and_tells_when_it_counts_no_more(checked: Any) -> None:
    """BJ-52: what was overturned is no ground for a new effect; an older one is marked for its authority to look at."""
    world, project = checked.world, checked.bought.project
    end = conclude(world, project)
    with Session(world.services.engine) as session:
        firm = session.get_one(Contract, checked.bought.contract).organisation_id
    call = {"organisation": firm, "authority": "合成财政局", "reason": "服务不实(合成)", "until_on": date(2020, 9, 4)}
    bars = [
        world.do("procurement.bar", as_="finance_bureau:u-finance", on=ON, number=f"合成罚{number}号", **call).id
        for number in (1, 2)
    ]
    world.do("evaluation.trace_effect", as_=BUREAU, on=ON, conclusion=end.id, record_id=bars[0])
    new = overturn(world, project)

    fault = world.refused(
        "SYS-EFFECT", "evaluation.trace_effect", as_=BUREAU, on=ON, conclusion=end.id, record_id=bars[1]
    )
    world.do("evaluation.trace_effect", as_=BUREAU, on=ON, conclusion=new.id, record_id=bars[1])

    assert fault.code == "evaluation.conclusion_replaced"
    found = world.ask("evaluation.effects", target=firm, on=ON)
    assert {one.source: one.stands for one in found} == {bars[0]: False, bars[1]: True}


def test_what_is_shown_at_a_later_choice_is_the_conclusion_that_stands_of_a_contract_that_held(checked: Any) -> None:
    """BJ-41, BJ-42: an overturned result is no merit, and who was put out of a project has none of what came of it."""
    world, project = checked.world, checked.bought.project
    conclude(world, project)
    with Session(world.services.engine) as session:
        contract = session.get_one(Contract, checked.bought.contract)
        firm = contract.organisation_id
        assert [(one.grade, one.accepted) for one in past_results(session, firm)] == [("good", True)]
    overturn(world, project)
    with Session(world.services.engine) as session:
        assert [(one.grade, one.accepted) for one in past_results(session, firm)] == [("unqualified", False)]
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.get_one(Contract, checked.bought.contract).state = TERMINATED
        session.flush()
        assert past_results(session, firm) == ()
        session.rollback()


def test_an_overturning_is_read_and_published_like_the_conclusion_before_it(checked: Any) -> None:
    """LAW-ZFCGTL-45: who read the result reads that it stands no longer; it rests on no survey of its own."""
    world, project = checked.world, checked.bought.project
    conclude(world, project)
    world.do("acceptance.publish_result", as_=BUREAU, on=CONCLUDED_ON, project=project, sites=["city_portal"])
    made = overturn(world, project)

    now = world.ask("acceptance.conclusion", project=project, on=ON)
    assert (now.id, now.outcome, now.satisfaction_percent) == (made.id, "not_accepted", None)
    done = world.do("acceptance.publish_result", as_=BUREAU, on=ON, project=project, sites=["city_portal"])
    assert done.id == made.id


def test_after_the_evaluation_the_state_stays_and_the_effects_end_all_the_same(checked: Any) -> None:
    """ZY-98: what an auditor overturns later moves no stage back, and the next batch is told."""
    world, project = checked.world, checked.bought.project
    conclude(world, project)
    told = dict.fromkeys(("personal_development", "economic", "social", "cultural"), "成效(合成)")
    world.do("evaluation.conclude", as_=BUREAU, on=CONCLUDED_ON, project=project, effects=told, recommendations=("x",))

    assert overturn(world, project).state == "project.evaluated"
    assert ("next_batch", "1.00", "0.50", ON, None) in terms(world, project)


def test_what_was_not_accepted_cannot_be_overturned(checked: Any) -> None:
    world, project = checked.world, checked.bought.project
    fault = world.refused(
        "SYS-OVERTURN",
        "acceptance.overturn",
        as_=BUREAU,
        on=ON,
        project=project,
        authority="合成市民政局",
        number="合成撤〔2017〕1号",
        reason="评分依据不实(合成)",
        decision=world.upload("合成".encode(), name="决定.txt", media_type="text/plain").model_dump(),
    )
    assert fault.code == "acceptance.nothing_accepted"
