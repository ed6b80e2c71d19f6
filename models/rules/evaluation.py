"""Rules of evaluation (S16): score sheets, weights and grades, change in percent, result evaluation.

Pure; called by the commands and queries of evaluation and acceptance. Figures are ``Decimal`` or whole numbers, never
floats; every rounding is named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.force import binding

PHASE_STATES: Final[Mapping[str, frozenset[str]]] = {
    "mid": frozenset({"in_progress"}),
    "end": frozenset({"completed", "self_checked", "not_accepted"}),
}
"""When a third party evaluates: once while the project runs, once after it (HS-35)."""

PRICED_STATES: Final = frozenset({"accepted", "evaluated", "audited"})
_HUNDRED: Final = Decimal(100)
_TENTH: Final = Decimal("0.1")
_HUNDREDTH: Final = Decimal("0.01")
_ONE: Final = Decimal(1)


@dataclass(frozen=True)
class Change:
    """A change in percent: one decimal, half up; where a figure is approximate, whole and never overstated (A7)."""

    percent: Decimal
    approximate: bool

    @property
    def text(self) -> str:
        """As papers print it: ``−58.3%``, ``约−56%``."""
        sign = "−" if self.percent < 0 else "+" if self.percent > 0 else ""
        return f"{sentence('evaluation.about') if self.approximate else ''}{sign}{abs(self.percent)}%"


@dataclass(frozen=True)
class Verdict:
    """The weighted total of a comprehensive evaluation, its grade, and the share of the last instalment it earns."""

    total: Decimal
    grade: str
    capped: bool
    pay_ratio: Decimal


def check_phase_known(*, phase: str, policy: Policy) -> None:
    """Refuse a phase the region does not evaluate in (``evaluation.phase_unknown``, HS-35)."""
    phases: Mapping[str, str] = policy.need("evaluation.third_party_phases")
    if phase not in phases:
        facts = {"phase": phase, "allowed": "、".join(phases)}
        raise Refusal(
            "evaluation.phase_unknown", rule=binding(policy=policy, rules=("HS-35", "SYS-CODE-LIST")), facts=facts
        )


def check_evaluator(*, evaluator: str, contractors: Sequence[str]) -> None:
    """Refuse an evaluator who is the contractor (``evaluation.not_independent``, SYS-INDEPENDENT). Ids compare."""
    if evaluator in contractors:
        raise Refusal("evaluation.not_independent", rule="SYS-INDEPENDENT")


def check_sheet(
    *,
    scores: Mapping[str, Decimal],
    items: Mapping[str, str] | None,
    sheet: str,
    rules: tuple[str, ...],
    policy: Policy,
) -> None:
    """Refuse a score sheet that lacks an item, holds an unknown one, or a score off the scale.

    ``items`` is code → name, ``None`` where the region prescribes no items; ``sheet`` is a message code naming the
    sheet. Raises ``Refusal`` ``evaluation.sheet_wrong`` with one detail a fault.
    """
    most = policy.evaluation.score_max
    known = items if items is not None else dict.fromkeys(scores, "")
    faults = [_sheet_fault("missing", code, name) for code, name in known.items() if code not in scores]
    faults += [_sheet_fault("unknown", code, code) for code in scores if code not in known]
    faults += [
        _sheet_fault("range", code, known.get(code) or code, most=most)
        for code, score in scores.items()
        if not (score.is_finite() and 0 <= score <= most)
    ]
    if faults or not scores:
        facts = {"sheet": sentence(sheet), "faults": "；".join(fault.problem for fault in faults)}
        rule = binding(policy=policy, rules=(*rules, "SYS-SHEET"))
        raise Refusal("evaluation.sheet_wrong", rule=rule, facts=facts, details=tuple(faults))


def _sheet_fault(problem: str, code: str, name: str, *, most: Decimal | None = None) -> Detail:
    return Detail(problem=sentence(f"evaluation.problem.{problem}", {"name": name, "most": most}), field=code)


@dataclass(frozen=True)
class SheetItem:
    """One item of the performance sheet: its name and its weight."""

    name: str
    weight: Decimal


def is_performance_sheet(*, scores: Collection[str], sheet: Mapping[str, SheetItem], policy: Policy) -> bool:
    """Say whether the purchaser scored on the performance sheet (绩效评价表), whole or not.

    That is where a region prescribes no items of its own, and an item of the sheet is scored.
    """
    return policy.evaluation.purchaser_items is None and not sheet.keys().isdisjoint(scores)


def weighted(*, scores: Mapping[str, Decimal], sheet: Mapping[str, SheetItem]) -> Decimal:
    """Return the weighted mean of a whole performance sheet, rounded half up to two decimals."""
    whole = sum((sheet[code].weight for code in scores), Decimal(0))
    total = sum((sheet[code].weight * score for code, score in scores.items()), Decimal(0))
    return (total / whole).quantize(_HUNDREDTH, ROUND_HALF_UP)


def mean(*, scores: Sequence[Decimal]) -> Decimal:
    """Return the mean of at least one score, rounded half up to two decimals."""
    return (sum(scores, Decimal(0)) / len(scores)).quantize(_HUNDREDTH, ROUND_HALF_UP)


def check_third_party(*, phases: Sequence[str], policy: Policy) -> None:
    """Refuse to conclude without every third-party evaluation the region asks for (``evaluation.missing``, HS-35).

    ``phases`` are those held and those whose omission was approved.
    """
    rule = binding(policy=policy, rules=("HS-35",))
    wanted = policy.evaluation.third_party_phases or {}
    missing = [name for code, name in wanted.items() if code not in phases]
    if rule and missing:
        raise Refusal("evaluation.missing", rule=rule, facts={"phases": "、".join(missing)})


def check_omittable(*, phase: str, state: str, policy: Policy) -> None:
    """Refuse to go without an evaluation that can still be held (``evaluation.phase_still_open``, HS-35).

    The one during the run is lost once the project is complete; the one after it never is.
    """
    if state in PHASE_STATES[phase]:
        phases: Mapping[str, str] = policy.need("evaluation.third_party_phases")
        rule = binding(policy=policy, rules=("HS-35", "SYS-STATE"))
        raise Refusal("evaluation.phase_still_open", rule=rule, facts={"phase": phases[phase]})


def check_parties(*, parties: Sequence[str], policy: Policy) -> None:
    """Refuse a comprehensive evaluation that lacks one of its parties (``evaluation.party_missing``, HS-41, BJ-37).

    Where no rule asks for all of them, one is enough.
    """
    rule = binding(policy=policy, rules=("HS-41", "BJ-37") if parties else ("HS-41", "BJ-37", "SYS-PARTIES"))
    missing = [name for code, name in policy.evaluation.parties.items() if code not in parties]
    if rule and missing:
        raise Refusal("evaluation.party_missing", rule=rule, facts={"parties": "、".join(missing)})


def judge(*, party_scores: Mapping[str, Decimal], asked: int, satisfied: int, policy: Policy) -> Verdict:
    """Weigh the parties' scores into a total and a grade.

    Weights are relative to the parties that scored. The total is rounded half up to two decimals and graded as printed,
    so that the paper explains itself; grades begin at their lowest score. When fewer than the pass ratio are satisfied,
    the grade is at most ``evaluation.grade_cap_unsatisfied`` (HS-43). ``asked`` is at least 1.
    """
    weights = policy.evaluation.party_weights
    whole = sum((weights[party] for party in party_scores), Decimal(0))
    weighted = sum((weights[party] * score for party, score in party_scores.items()), Decimal(0))
    total = (weighted / whole).quantize(_HUNDREDTH, ROUND_HALF_UP)
    grade = grade_of(total=total, policy=policy)
    cap = policy.evaluation.grade_cap_unsatisfied
    lowest = policy.evaluation.grades
    capped = satisfied < policy.acceptance.satisfaction_pass_ratio * asked and lowest[grade] > lowest[cap]
    grade = cap if capped else grade
    return Verdict(total, grade, capped, policy.evaluation.pay_ratio_by_grade[grade])


def grade_of(*, total: Decimal, policy: Policy) -> str:
    """Return the best grade whose lowest score the total reaches."""
    reached = {grade: lowest for grade, lowest in policy.evaluation.grades.items() if total >= lowest}
    return max(reached, key=lambda grade: reached[grade])


def lowest_grade(*, policy: Policy) -> str:
    """Return the grade that does not pass."""
    grades = policy.evaluation.grades
    return min(grades, key=lambda grade: grades[grade])


def best_grade(*, policy: Policy) -> str:
    """Return the grade above all others."""
    grades = policy.evaluation.grades
    return max(grades, key=lambda grade: grades[grade])


def change(*, before: Decimal, after: Decimal, approximate: bool) -> Change | None:
    """Return the change from ``before`` to ``after`` in percent, ``None`` from zero.

    Exact figures: one decimal, half up. Approximate ones: whole percent, cut towards zero, because "nearly 200" bears
    no decimals and must not overstate what was reached.
    """
    if not before:
        return None
    percent = (after - before) / abs(before) * _HUNDRED
    rounded = percent.quantize(_ONE, ROUND_DOWN) if approximate else percent.quantize(_TENTH, ROUND_HALF_UP)
    return Change(rounded, approximate)


def check_outcomes(*, names: Sequence[str], empty: Sequence[str]) -> None:
    """Refuse outcomes without figures, or one named twice in a list.

    Raises ``Refusal`` ``evaluation.outcome_empty`` or ``evaluation.outcome_twice`` (SYS-OUTCOMES).
    """
    if empty:
        raise Refusal("evaluation.outcome_empty", rule="SYS-OUTCOMES", facts={"names": "、".join(empty)})
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise Refusal("evaluation.outcome_twice", rule="SYS-OUTCOMES", facts={"names": "、".join(twice)})


def check_effects(*, effects: Mapping[str, str], recommendations: Sequence[str], policy: Policy) -> None:
    """Refuse a result evaluation that leaves an effect out (ZY-29) or, where that binds, recommends nothing (ZY-30).

    Raises ``Refusal`` ``evaluation.effects_wrong``, ``evaluation.no_recommendation``.
    """
    wanted = policy.evaluation.dimensions
    missing = [name for code, name in wanted.items() if not effects.get(code, "").strip()]
    unknown = [code for code in effects if code not in wanted]
    if missing or unknown:
        none = sentence("evaluation.none")
        facts = {"missing": "、".join(missing) or none, "unknown": "、".join(unknown) or none}
        rule = binding(policy=policy, rules=("ZY-29", "SYS-EFFECTS"))
        raise Refusal("evaluation.effects_wrong", rule=rule, facts=facts)
    rule = binding(policy=policy, rules=("ZY-30",))
    if rule and not any(text.strip() for text in recommendations):
        raise Refusal("evaluation.no_recommendation", rule=rule)
