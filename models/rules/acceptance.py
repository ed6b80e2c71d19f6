"""Rules of acceptance (S15): self-check before conclusion, what a conclusion may say, when it is due.

Pure; called by ``commands.acceptance``. Scores, weights and grades are ``rules.evaluation``; never reads the database.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES, Role
from models.core.calendar import Due, WorkCalendar
from models.core.errors import Refusal
from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.delivery import Reach
from models.rules.evaluation import Verdict, lowest_grade
from models.rules.force import binding, is_binding

SELF_CHECK: Final = "acceptance.self_check"
COMPREHENSIVE: Final = "acceptance.comprehensive"
PROBLEM: Final = "acceptance.problem"
ANNOUNCE: Final = "acceptance.announce"
EVALUATE: Final = "evaluation.conclude"
MENDERS: Final = (Role.CONTRACTOR, Role.PURCHASER, *CIVIL_AFFAIRS)
"""Who may report a problem of a conclusion mended, and so may own one."""

BEFORE_SELF_CHECK: Final = frozenset({"in_progress", "completed"})
_TENTH: Final = Decimal("0.1")
_HUNDRED: Final = Decimal(100)
_DIGITS, _PLACES = 15, 4  # of a figure; what is longer no sheet can print and no ratio can be cut to a tenth


class Outcome(StrEnum):
    """What a comprehensive acceptance may conclude; also the outcome of its transition."""

    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"


def due_of(*, kind: str, completed_on: date, calendar: WorkCalendar, policy: Policy) -> Due:
    """Return when a clock ends: calendar months from completion, however paid for, rolled as policy says (ZY-95).

    ``kind`` is ``SELF_CHECK`` or ``COMPREHENSIVE``.
    """
    own = policy.acceptance
    months = own.self_check_months if kind == SELF_CHECK else own.comprehensive_months
    return calendar.months_after(completed_on, months=months, roll=own.months_roll)


def check_same_indicators(*, baseline: Collection[str], after: str | None, compared: int, policy: Policy) -> None:
    """Refuse, where ZY-27 binds, to conclude without needs assessed again by the indicators of the beginning.

    ``baseline`` are the indicator versions of the project's own surveys, ``after`` that of the survey after the service
    (``None``: none is named), ``compared`` the persons assessed in both. Raises ``Refusal``
    ``acceptance.not_reassessed`` or ``acceptance.indicators_changed``.
    """
    rule = binding(policy=policy, rules=("ZY-27",))
    if rule is None:
        return
    if after is None or not compared:
        raise Refusal("acceptance.not_reassessed", rule=rule)
    if after not in baseline:
        facts = {"baseline": "、".join(sorted(baseline)), "after": after}
        raise Refusal("acceptance.indicators_changed", rule=rule, facts=facts)


def check_self_checked(*, state: str, policy: Policy) -> None:
    """Refuse to conclude before the contractor's self-check (``acceptance.self_check_missing``, ZY-97)."""
    if state in BEFORE_SELF_CHECK:
        raise Refusal(
            "acceptance.self_check_missing", rule=binding(policy=policy, rules=("ZY-97", "SYS-SELF-CHECK-FIRST"))
        )


def check_instruments(*, named: Collection[str], attached: Collection[str], policy: Policy) -> None:
    """Refuse an unknown instrument and, where ZY-96 binds, a self-check to which one is not attached as a file.

    Raises ``Refusal`` ``acceptance.instruments_wrong`` (ZY-96).
    """
    known = policy.acceptance.self_check_instruments
    unknown = sorted({*named, *attached} - set(known))
    required = binding(policy=policy, rules=("ZY-96",))
    missing = [name for code, name in known.items() if required and code not in attached]
    if unknown or missing:
        names = "、".join(missing) or sentence("acceptance.none")
        facts = {"missing": names, "unknown": "、".join(unknown) or sentence("acceptance.none")}
        raise Refusal("acceptance.instruments_wrong", rule=required or "SYS-CODE-LIST", facts=facts)


def ratio(*, target: str | None, actual: str | None) -> Decimal | None:
    """Return ``actual`` of ``target`` in percent, one decimal half up; ``None`` where either is not a plain number."""
    wanted, reached = _number(target), _number(actual)
    if wanted is None or reached is None or wanted <= 0:
        return None
    return (reached / wanted * _HUNDRED).quantize(_TENTH, ROUND_HALF_UP)


def _number(text: str | None) -> Decimal | None:
    try:
        figure = Decimal(text or "")
    except InvalidOperation:
        return None
    return figure if figure.is_finite() else None


def is_too_long(text: str) -> bool:
    """Say whether a text is a number of more than 15 digits or more than 4 decimals; words are never too long."""
    figure = _number(text)
    if figure is None:
        return False
    return abs(figure) >= 10 ** (_DIGITS - _PLACES) or figure != round(figure, _PLACES)


def check_problems(*, problems: Collection[tuple[Role, date]], on: date, policy: Policy) -> None:
    """Refuse a problem (owner, due date) nobody could mend in time: its day has gone by, or its owner may not report it
    mended. Raises ``Refusal`` ``acceptance.problem_wrong`` (ZY-99).
    """
    for owner, due_on in problems:
        if due_on < on or owner not in MENDERS:
            facts = {"owner": ROLE_NAMES[owner], "due_on": due_on.isoformat(), "on": on.isoformat()}
            rule = binding(policy=policy, rules=("ZY-99", "SYS-PROBLEM"))
            raise Refusal("acceptance.problem_wrong", rule=rule, facts=facts)


def check_satisfaction(*, asked: int, satisfied: int) -> None:
    """Refuse more satisfied recipients than were asked (``acceptance.satisfaction_wrong``, SYS-SATISFACTION)."""
    if satisfied > asked:
        facts = {"asked": asked, "satisfied": satisfied}
        raise Refusal("acceptance.satisfaction_wrong", rule="SYS-SATISFACTION", facts=facts)


def satisfaction_percent(*, asked: int, satisfied: int) -> Decimal:
    """Return the satisfaction rate in percent, one decimal half up; 0 where nobody was asked (an overturned one)."""
    if not asked:
        return Decimal("0.0")
    return (Decimal(satisfied) / asked * _HUNDRED).quantize(_TENTH, ROUND_HALF_UP)


def has_fallen(*, before: tuple[int, int], asked: int, satisfied: int, policy: Policy) -> bool:
    """Say whether a smaller share is satisfied than the year before, where that is to be shown (BJ-05).

    ``before`` is (asked, satisfied), compared without rounding.
    """
    return is_binding(policy=policy, rule="BJ-05") and satisfied * before[0] < before[1] * asked


def check_outcome(*, outcome: Outcome, verdict: Verdict, reach: Reach, policy: Policy) -> None:
    """Refuse to accept a project below its target of persons (HS-06) or of the grade that does not pass.

    Raises ``Refusal`` ``acceptance.target_missed`` or ``acceptance.grade_fails``. A refusal to accept is never blocked.
    """
    if outcome is Outcome.NOT_ACCEPTED:
        return
    rule = binding(policy=policy, rules=("HS-06",))
    if rule and reach.met is False:
        facts: dict[str, object] = {"served": reach.served, "target": reach.target}
        raise Refusal("acceptance.target_missed", rule=rule, facts=facts)
    if verdict.grade == lowest_grade(policy=policy):
        name = policy.evaluation.grade_names[verdict.grade]
        facts = {"total": str(verdict.total), "grade": name}
        raise Refusal("acceptance.grade_fails", rule="SYS-GRADE", facts=facts)


def party_means(
    *, third_party: Sequence[Decimal], purchaser: Decimal | None, recipient: Decimal | None
) -> dict[str, Decimal]:
    """Return the score of each party that has one; the third party's is the mean of its evaluations, unrounded."""
    scores = {"purchaser": purchaser, "recipient": recipient}
    if third_party:
        scores["third_party"] = sum(third_party, Decimal(0)) / len(third_party)
    return {party: score for party, score in scores.items() if score is not None}
