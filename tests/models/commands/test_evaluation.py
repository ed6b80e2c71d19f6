"""Evaluation through the door: third parties, outcomes (A7, A8), price standard, result evaluation."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session

from models.core.errors import Conflict
from models.tables.contract import Contract
from models.tables.evaluation import Outcome, ThirdPartyEvaluation
from models.tables.kernel import Document, Event
from models.tables.procurement import Organisation
from tests.support.delivering import DIMENSIONS, EVALUATOR, conclude, self_checked_from, third_party, verdict
from tests.support.planning import BUREAU
from tests.support.purchases import PURCHASER
from tests.support.world import rows

MID = date(2016, 12, 15)
AFTER = date(2017, 8, 1)
OMITTED_ON = date(2017, 7, 5)
EFFECTS = {
    "personal_development": "服务对象能力有所提升",
    "economic": "减少了信访处置支出",
    "social": "社区关系改善",
    "cultural": "邻里互助风气形成",
}


def refuse_third_party(standing: Any, expected: str, phase: str = "mid", **changes: Any) -> Any:
    given: dict[str, Any] = {"evaluator": {"name": "合成评估机构"}, "scores": dict.fromkeys(DIMENSIONS, 86)}
    return standing.world.refused(
        expected,
        "evaluation.record_third_party",
        as_=EVALUATOR,
        on=MID,
        project=standing.bought.project,
        phase=phase,
        **(given | changes),
    )


def test_an_evaluation_leaves_row_paper_report_and_event(running: Any) -> None:
    report = running.world.upload(b"%PDF (synthetic)", name="事中评估报告.pdf", media_type="application/pdf")

    found = third_party(running.world, running.bought.project, "mid", on=MID, report=report.model_dump())

    (row,) = rows(running.world, ThirdPartyEvaluation)
    kinds = {one.id: one.kind for one in rows(running.world, Document)}
    assert (found.total, found.missing) == (Decimal("86.00"), ("end",))
    assert kinds[row.document_id] == "evaluation_report"
    assert kinds[row.report_document_id or ""] == "third_party_report"
    events = [one for one in rows(running.world, Event) if one.type == "evaluation.third_party_recorded"]
    assert events[0].payload["scores"] == dict.fromkeys(DIMENSIONS, "86")
    assert "合成评估机构" not in str(events[0].payload)


def test_mid_is_while_running_and_end_is_after(running: Any, checked: Any) -> None:
    refuse_third_party(running, "SYS-STATE", "end")
    refuse_third_party(checked, "SYS-STATE", "mid")


def test_a_phase_is_evaluated_once(running: Any) -> None:
    third_party(running.world, running.bought.project, "mid", on=MID)

    fault = refuse_third_party(running, "evaluation.phase_done")

    assert isinstance(fault, Conflict)


def test_the_contractor_does_not_evaluate_itself(running: Any) -> None:
    """Known by name with other spacing, too."""
    with Session(running.world.services.engine) as session:
        contract = session.get_one(Contract, running.bought.contract)
        name = session.get_one(Organisation, contract.organisation_id).name

    refuse_third_party(running, "SYS-INDEPENDENT", evaluator={"name": f" {name[:2]} {name[2:]} "})


@pytest.mark.parametrize(
    "scores",
    [
        {},
        dict.fromkeys(DIMENSIONS[:3], 80),
        dict.fromkeys((*DIMENSIONS, "looks"), 80),
        dict.fromkeys(DIMENSIONS, 101),
    ],
)
def test_the_sheet_holds_the_four_dimensions_on_the_scale(running: Any, scores: dict[str, Any]) -> None:
    refuse_third_party(running, "HS-36", scores=scores)


OUTCOMES: list[dict[str, Any]] = [
    {"name": "信访件数", "unit": "件", "before": 120, "after": 50},
    {"name": "信访人次", "unit": "人次", "before": 200, "after": 87, "approximate_before": True},
    {"name": "就业", "unit": "人", "counts": {"残疾人福利企业就业": 36, "自谋职业": 32}},
]


def outcomes(standing: Any, given: list[dict[str, Any]]) -> Any:
    return standing.world.do(
        "evaluation.record_outcomes", as_=PURCHASER, on=AFTER, project=standing.bought.project, outcomes=given
    )


def test_outcomes_are_computed_not_typed_in(running: Any) -> None:
    """A7 exact and approximate changes; A8: 36 + 32 = 68, not capped by the hundred disabled people selected."""
    found = outcomes(running, OUTCOMES)

    assert found.changes == {"信访件数": "−58.3%", "信访人次": "约−56%"}
    assert found.totals == {"就业": 68}
    lines = running.world.ask("evaluation.summary", project=running.bought.project).outcomes
    assert [line.approximate for line in lines] == [False, True, False]


def test_a_sum_above_the_stratum_is_not_capped(running: Any) -> None:
    found = outcomes(running, [{"name": "就业", "counts": {"安置": 90, "自谋职业": 80}}])

    assert found.totals == {"就业": 170}


def test_a_corrected_outcome_is_the_next_revision(running: Any) -> None:
    outcomes(running, OUTCOMES)
    outcomes(running, [OUTCOMES[0] | {"after": 60}])

    lines = running.world.ask("evaluation.summary", project=running.bought.project).outcomes
    assert [line.change for line in lines] == ["−50.0%", "约−56%", None]
    assert sorted(row.revision for row in rows(running.world, Outcome)) == [1, 1, 1, 2]


def test_an_outcome_without_figures_is_refused(running: Any) -> None:
    running.world.refused(
        "evaluation.outcome_empty",
        "evaluation.record_outcomes",
        as_=PURCHASER,
        on=AFTER,
        project=running.bought.project,
        outcomes=[{"name": "满意度", "before": 3}],
    )


def price(standing: Any, amount: str = "120.00") -> dict[str, Any]:
    items = [{"name": "心理疏导", "unit": "次", "price": amount}]
    return {"as_": BUREAU, "on": AFTER, "project": standing.bought.project, "items": items}


def test_the_price_standard_follows_acceptance_and_has_versions(checked: Any) -> None:
    """HS-52."""
    checked.world.refused("SYS-STATE", "evaluation.set_price_standard", **price(checked))
    conclude(checked.world, checked.bought.project)

    given = [price(checked, amount) for amount in ("120.00", "130.00")]
    versions = [checked.world.do("evaluation.set_price_standard", **one).version for one in given]

    lines = checked.world.ask("evaluation.summary", project=checked.bought.project).price_standards
    assert versions == [line.version for line in lines] == [1, 2]
    assert lines[0].items[0]["price_fen"] == 12_000


@pytest.mark.parametrize("price_given", ["0", "-1", "1000000000000.01"])
def test_a_price_is_more_than_nothing_and_less_than_a_slip_of_the_pen(checked: Any, price_given: str) -> None:
    items = [{"name": "心理疏导", "unit": "次", "price": price_given}]

    checked.world.refused(
        "door.arguments_invalid", "evaluation.set_price_standard", **(price(checked) | {"items": items})
    )


@pytest.mark.parametrize("figure", ["1e30", "0.00001", "NaN", "123456789012"])
def test_a_figure_that_no_percentage_can_be_made_of_is_refused(running: Any, figure: str) -> None:
    running.world.refused(
        "door.arguments_invalid",
        "evaluation.record_outcomes",
        as_=PURCHASER,
        on=AFTER,
        project=running.bought.project,
        outcomes=[{"name": "满意度", "before": 3, "after": figure}],
    )


def evaluate(standing: Any, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"effects": EFFECTS, "recommendations": ["延长服务期限"]}
    return {"as_": BUREAU, "on": AFTER, "project": standing.bought.project, **(given | changes)}


def test_an_accepted_project_is_evaluated(checked: Any) -> None:
    checked.world.refused("SYS-STATE", "evaluation.conclude", **evaluate(checked))
    conclude(checked.world, checked.bought.project)
    outcomes(checked, OUTCOMES)
    checked.world.refused("SYS-EFFECTS", "evaluation.conclude", **evaluate(checked, effects={"social": "好"}))

    found = checked.world.do("evaluation.conclude", **evaluate(checked))

    summary = checked.world.ask("evaluation.summary", project=checked.bought.project)
    assert found.state == "project.evaluated"
    assert summary.effects == EFFECTS
    assert (summary.recommendations, summary.third_party_missing) == (("延长服务期限",), ())


def test_a_missed_evaluation_has_a_way_out_that_the_conclusion_names(running: Any) -> None:
    """HS-35: only what can no longer be held may be left out, and the papers say who approved that."""
    world, project = running.world, running.bought.project
    omission = {
        "as_": BUREAU,
        "project": project,
        "reason": "评估机构中途退出（合成）",
        "approval_no": "合成〔2017〕1号",
    }
    world.refused("HS-35", "evaluation.omit_third_party", on=MID, phase="mid", **omission)
    self_checked_from(world, running.bought, phases=("end",))
    world.refused("HS-35", "acceptance.conclude", as_=BUREAU, on=OMITTED_ON, project=project, **verdict())
    world.refused("evaluation.phase_done", "evaluation.omit_third_party", on=OMITTED_ON, phase="end", **omission)

    world.do("evaluation.omit_third_party", on=OMITTED_ON, phase="mid", **omission)
    world.refused("evaluation.omitted_already", "evaluation.omit_third_party", on=OMITTED_ON, phase="mid", **omission)
    summary = world.ask("evaluation.summary", project=project)
    found = conclude(world, project)

    assert (summary.third_party_missing, summary.third_party_omitted[0].reason) == ((), omission["reason"])
    assert found.state == "project.accepted"
    assert "事中" in found.warnings[0]
    assert "合成〔2017〕1号" in found.warnings[0]
    told = {one.type: one.payload for one in rows(world, Event)}
    assert told["project.accepted"]["third_party_omitted"] == ["mid"]
    assert "退出" not in str(told["evaluation.third_party_omitted"])


def test_a_missed_evaluation_does_not_bar_a_conclusion_of_not_accepted(running: Any) -> None:
    world, project = running.world, running.bought.project
    self_checked_from(world, running.bought, served=399, phases=("end",))
    world.do(
        "evaluation.omit_third_party",
        as_=BUREAU,
        on=OMITTED_ON,
        project=project,
        phase="mid",
        reason="未按时委托（合成）",
    )

    assert conclude(world, project, outcome="not_accepted").state == "project.not_accepted"
