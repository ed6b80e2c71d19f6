"""The seven steps of a purchase in Beijing follow one another (BJ-24)."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules.steps import check_step, taken

_ON = date(2025, 3, 3)
BEIJING, ZUNYI = (load_policy_book().resolve(region=region, on=_ON) for region in ("110000", "520300"))
STEPS = dict(BEIJING.procurement.steps or {})


def test_the_seven_steps_of_beijing_hold_in_their_order() -> None:
    assert len(STEPS) == 7
    happened: list[str] = []
    for step in STEPS:
        check_step(step=step, happened=happened, policy=BEIJING)
        happened += [step, "project.changed", step]
    assert taken(happened=happened, steps=STEPS) == 7


@pytest.mark.parametrize("missing", tuple(STEPS)[:-1])
def test_each_later_step_is_refused_while_one_is_missing_and_names_it(missing: str) -> None:
    happened = [step for step in STEPS if step != missing]
    order = tuple(STEPS)
    for step in order[order.index(missing) + 1 :]:
        with pytest.raises(Refusal) as caught:
            check_step(step=step, happened=happened, policy=BEIJING)
        assert (caught.value.code, caught.value.rule) == ("procurement.step_missing", "BJ-24")
        assert caught.value.facts["missing"] == STEPS[missing]


def test_supervision_before_the_contract_is_not_yet_the_step_of_supervision() -> None:
    early = ["project.submitted", "project.reviewed", "procurement.planned", "monitoring.supervised"]
    happened = [*early, "procurement.bid_registered", "contract.signed"]
    with pytest.raises(Refusal) as caught:
        check_step(step="project.accepted", happened=happened, policy=BEIJING)
    assert caught.value.facts["missing"] == "项目监管"
    check_step(step="project.accepted", happened=[*happened, "monitoring.supervised"], policy=BEIJING)


def test_other_regions_prescribe_no_such_order() -> None:
    check_step(step="contract.signed", happened=(), policy=ZUNYI)
