"""Rules of feasibility (S04): benchmark notes, requirement items, costing, appraisal.

Pure; called by ``commands.feasibility``. Never reads the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding

SPECIFIED: Final = ("expected_effect", "steps")
"""What HS-09 asks beside the five items of HS-08."""

FISCAL: Final = "fiscal_capacity"
_PAID_BY_GOVERNMENT: Final = ("government", "joint")


@dataclass(frozen=True)
class Prepared:
    """What the project has on file when it is appraised."""

    benchmark: bool
    requirement: bool
    content_review: bool
    cost_estimate: bool


@dataclass(frozen=True)
class Finding:
    """A conclusion and why."""

    positive: bool
    reason: str


@dataclass(frozen=True)
class Appraisal:
    """What an appraisal came to: ``grounds`` are the codes of negative conclusions, none when positive."""

    outcome: str
    grounds: tuple[str, ...]
    major: bool


def check_benchmark(*, places: tuple[str, ...], notes: str, policy: Policy) -> None:
    """Refuse benchmark notes that name no place or say nothing (HS-02). Raises ``feasibility.benchmark_empty``."""
    if not any(place.strip() for place in places) or not notes.strip():
        rule = binding(policy=policy, rules=("HS-02", "SYS-BENCHMARK"))
        raise Refusal("feasibility.benchmark_empty", rule=rule)


def check_requirement(*, items: Mapping[str, str], policy: Policy) -> None:
    """Refuse a requirement specification with a blank item, all at once.

    Raises ``Refusal`` ``feasibility.requirement_incomplete`` (HS-08 the five items, HS-09 effect and steps).
    """
    asked = {code: (label, "HS-08") for code, label in (policy.application.requirement_items or {}).items()}
    asked |= {code: (sentence(f"feasibility.item.{code}"), "HS-09") for code in SPECIFIED}
    gaps = tuple(
        Detail(problem=sentence("feasibility.blank"), field=label, rule=rule)
        for code, (label, rule) in asked.items()
        if binding(policy=policy, rules=(rule,)) and not items.get(code, "").strip()
    )
    _refuse("feasibility.requirement_incomplete", gaps)


def check_guidance(*, guided_by: tuple[str, ...], guidance: str, policy: Policy) -> None:
    """Refuse expert guidance that names nobody's unit or says nothing, when there was any (HS-11).

    Raises ``Refusal`` ``feasibility.guidance_incomplete``.
    """
    if any(unit.strip() for unit in guided_by) != bool(guidance.strip()):
        rule = binding(policy=policy, rules=("HS-11", "SYS-GUIDANCE"))
        raise Refusal("feasibility.guidance_incomplete", rule=rule)


def check_costing(
    *, inputs: Mapping[str, Money], comparators: int, consulted: tuple[str, ...], total: Money, policy: Policy
) -> None:
    """Refuse a costing that does not add up, or lacks what the region asks for, all at once.

    Raises ``Refusal`` ``feasibility.cost_total_differs``, ``feasibility.cost_input_invalid`` (HS-25),
    ``feasibility.costing_incomplete`` (HS-23 comparators, HS-24 consulted departments, HS-25 inputs).
    """
    rule = binding(policy=policy, rules=("HS-25", "SYS-TOTAL"))
    if total <= Money.ZERO or any(amount < Money.ZERO for amount in inputs.values()):
        raise Refusal("feasibility.cost_input_invalid", rule=rule)
    summed = Money.total(inputs.values())
    if summed != total:
        facts = {"stated": total.plain(), "sum": summed.plain()}
        raise Refusal("feasibility.cost_total_differs", rule=rule, facts=facts)
    wanted = policy.feasibility
    least = wanted.costing_comparators_min or 0
    gaps = [
        *_absent("HS-25", "feasibility.input_missing", wanted.costing_inputs or {}, inputs, policy),
        *_absent("HS-24", "feasibility.not_consulted", wanted.costing_consultees or {}, consulted, policy),
    ]
    if comparators < least and binding(policy=policy, rules=("HS-23",)):
        problem = sentence("feasibility.too_few_comparators", {"found": comparators})
        label = sentence("feasibility.comparators")
        gaps.insert(0, Detail(problem=problem, field=label, expected=str(least), rule="HS-23"))
    _refuse("feasibility.costing_incomplete", tuple(gaps))


def appraise(
    *,
    findings: Mapping[str, Finding],
    fiscal_capacity: Finding | None,
    assessments: Mapping[str, str],
    major: bool,
    stability: str,
    payer: str,
    amount: Money,
    policy: Policy,
) -> Appraisal:
    """Conclude an appraisal: positive when every finding is, and the public purse can bear what it is to pay.

    ``assessments`` is code → wording. A negative conclusion is a result, not a refusal: the project goes back with its
    grounds. Raises ``Refusal`` ``feasibility.finding_unknown``, ``feasibility.findings_missing`` (ZY-63),
    ``feasibility.fiscal_capacity_missing`` (ZY-05, FZ-27), ``feasibility.assessments_missing`` (ZY-64),
    ``feasibility.stability_missing`` (ZY-65).
    """
    _check_findings(findings, policy)
    public = payer in _PAID_BY_GOVERNMENT
    capacity_rule = binding(policy=policy, rules=("ZY-05", "FZ-27"))
    if public and fiscal_capacity is None and capacity_rule:
        raise Refusal("feasibility.fiscal_capacity_missing", rule=capacity_rule)
    _refuse(
        "feasibility.assessments_missing",
        tuple(
            Detail(problem=sentence("feasibility.blank"), field=label, rule="ZY-64")
            for code, label in policy.feasibility.assessments.items()
            if binding(policy=policy, rules=("ZY-64",)) and not assessments.get(code, "").strip()
        ),
    )
    threshold = policy.feasibility.major_project_amount
    is_major = major or (threshold is not None and amount >= threshold)
    rule = binding(policy=policy, rules=("ZY-65",))
    if is_major and policy.feasibility.stability_for_major and rule and not stability.strip():
        raise Refusal("feasibility.stability_missing", rule=rule)
    grounds = [code for code, finding in findings.items() if not finding.positive]
    if public and fiscal_capacity is not None and not fiscal_capacity.positive:
        grounds.append(FISCAL)
    return Appraisal(outcome="negative" if grounds else "positive", grounds=tuple(grounds), major=is_major)


def check_prepared(*, prepared: Prepared, policy: Policy) -> None:
    """Refuse to make a project a candidate before the preparation its region asks for is on file.

    Raises ``Refusal`` ``feasibility.not_prepared`` (HS-02, HS-08, HS-12, HS-23; FZ-45: the money is worked out before
    any budget), all missing at once.
    """
    steps = (
        (("HS-02",), "benchmark", prepared.benchmark),
        (("HS-08",), "requirement", prepared.requirement),
        (("HS-12",), "content_review", prepared.content_review),
        (("HS-23", "FZ-45"), "cost_estimate", prepared.cost_estimate),
    )
    _refuse(
        "feasibility.not_prepared",
        tuple(
            Detail(problem=sentence("feasibility.not_on_file"), field=sentence(f"feasibility.step.{step}"), rule=rule)
            for rules, step, done in steps
            if not done and (rule := binding(policy=policy, rules=rules))
        ),
    )


def _check_findings(findings: Mapping[str, Finding], policy: Policy) -> None:
    asked = policy.feasibility.appraisal_findings
    unknown = [code for code in findings if code not in asked]
    if unknown:
        facts = {"codes": "、".join(unknown), "known": "、".join(asked)}
        raise Refusal("feasibility.finding_unknown", rule="SYS-CODE-LIST", facts=facts)
    rule = binding(policy=policy, rules=("ZY-63", "SYS-APPRAISAL"))
    _refuse(
        "feasibility.findings_missing",
        tuple(
            Detail(problem=sentence("feasibility.blank"), field=label, rule=rule)
            for code, label in asked.items()
            if code not in findings or not findings[code].reason.strip()
        ),
    )


def _absent(
    rule: str, problem: str, asked: Mapping[str, str], given: Iterable[str], policy: Policy
) -> tuple[Detail, ...]:
    present = frozenset(given)
    if not binding(policy=policy, rules=(rule,)):
        return ()
    return tuple(
        Detail(problem=sentence(problem), field=label, rule=rule)
        for code, label in asked.items()
        if code not in present
    )


def _refuse(code: str, gaps: tuple[Detail, ...]) -> None:
    """Raise one refusal for all gaps; it rests on the rule of the first."""
    if gaps:
        facts = {"gaps": "、".join(f"{gap.field}({gap.problem})" for gap in gaps)}
        raise Refusal(code, rule=gaps[0].rule, facts=facts, details=gaps)
