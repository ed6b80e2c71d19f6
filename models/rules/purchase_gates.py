"""What must stand before a notice and before an award: checks, publications, agency record, competition, no open order.

Pure; called by ``commands.procurement``, ``commands.award`` and ``commands.purchase_checks``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal

from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.periods import add_months
from models.policy.schema import Policy
from models.rules.force import binding
from models.rules.procurement import SINGLE_SOURCE

METHOD = "method"
"""The aspect of a precheck that is about the method chosen."""
AGENCY = "agency"
"""The party of a checkpoint that is there only where one was engaged."""
_PRECHECK = ("ZY-80", "FZ-36")


@dataclass(frozen=True)
class NoticeCase:
    """What stands before a notice. ``intent_on`` and ``requirements_on`` are days of publication."""

    prechecked: bool
    has_documents: bool
    requirements_on: date | None
    intent_on: date | None
    by_agency: bool
    engaged: bool
    consulted: bool


@dataclass(frozen=True)
class Contest:
    """What an award rests on besides the bids: the competition on record, open orders, a standing suspension.

    ``evaluated``: the bids were evaluated or negotiated with; ``quality_met``: what the evaluation found of the winner
    (``None``: not stated); ``goals_set``: the project has performance goals, one of them about helping precisely.
    """

    method: str
    evaluated: bool
    quality_met: bool | None
    open_orders: int
    suspended_until: date | None
    single_source_until: date | None
    above_threshold: bool
    goals_set: bool


def check_before_notice(*, case: NoticeCase, on: date, policy: Policy) -> tuple[str, ...]:
    """Return the warnings of a notice that may go out.

    Raises ``Refusal`` ``procurement.precheck_missing`` (ZY-80, FZ-36), ``procurement.documents_missing`` (ZY-81),
    ``procurement.requirements_hidden`` (BJ-30), ``procurement.agency_unrecorded`` (ZY-82).
    """
    aspects = policy.procurement.precheck_aspects
    rule = binding(policy=policy, rules=_PRECHECK)
    if aspects is not None and rule is not None and not case.prechecked:
        raise Refusal("procurement.precheck_missing", rule=rule, facts={"aspects": "、".join(aspects.values())})
    rule = binding(policy=policy, rules=("ZY-81",))
    if rule is not None and policy.procurement.template_required and not case.has_documents:
        raise Refusal("procurement.documents_missing", rule=rule)
    rule = binding(policy=policy, rules=("BJ-30",))
    if rule is not None and case.requirements_on is None:
        items = policy.publicity.pre_award_items or {}
        raise Refusal("procurement.requirements_hidden", rule=rule, facts={"items": "、".join(items.values())})
    rule = binding(policy=policy, rules=("ZY-82",))
    if rule is not None and policy.procurement.agency_record and case.by_agency and not case.engaged:
        raise Refusal("procurement.agency_unrecorded", rule=rule)
    return (*_consultation_warning(case, policy), *_intent_warning(case.intent_on, on, policy))


def _consultation_warning(case: NoticeCase, policy: Policy) -> tuple[str, ...]:
    """The law wants the public heard on what a public service must be; no record of it is noted, not refused."""
    if case.consulted or not policy.procurement.public_consultation:
        return ()
    source = policy.clause("procurement.public_consultation")
    return (sentence("procurement.warning.consultation", {"source": source}),)


def _intent_warning(intent_on: date | None, on: date, policy: Policy) -> tuple[str, ...]:
    days = policy.procurement.intent_days
    if days is None or (intent_on is not None and (on - intent_on).days >= days):
        return ()
    source = policy.clause("procurement.intent_days")
    return (sentence("procurement.warning.intent", {"days": days, "source": source}),)


def check_contest(*, contest: Contest, on: date, policy: Policy) -> None:
    """Refuse an award without a competition on record, or while something stands against it.

    Raises ``Refusal`` ``procurement.suspended`` (LAW-ZFCG-57), ``procurement.order_open`` (ZY-84),
    ``procurement.goals_missing`` (BJ-38), ``procurement.no_contest`` (BJ-03), ``procurement.quality_first`` (BJ-32),
    ``procurement.single_source_hidden`` (LAW-ZFCGTL-38).
    """
    check_not_suspended(until=contest.suspended_until, on=on)
    rule = binding(policy=policy, rules=("ZY-84",))
    if rule is not None and contest.open_orders:
        raise Refusal("procurement.order_open", rule=rule, facts={"count": contest.open_orders})
    rule = binding(policy=policy, rules=("BJ-38",))
    if rule is not None and not contest.goals_set:
        raise Refusal("procurement.goals_missing", rule=rule)
    if contest.method == SINGLE_SOURCE:
        _check_single_source(contest, on)
    elif (rule := binding(policy=policy, rules=("BJ-03",))) and not contest.evaluated:
        raise Refusal("procurement.no_contest", rule=rule)
    rule = binding(policy=policy, rules=("BJ-32", "SYS-PRICE-ONLY"))
    if policy.procurement.price_only_ban and contest.quality_met is False:
        raise Refusal("procurement.quality_first", rule=rule)


def check_not_suspended(*, until: date | None, on: date) -> None:
    """Refuse to go on with a purchase while a complaint holds it up (``procurement.suspended``, LAW-ZFCG-57)."""
    if until is not None and on < until:
        raise Refusal("procurement.suspended", rule="LAW-ZFCG-57", facts={"until": until.isoformat()})


def check_undisputed(*, grave: int, open_: int) -> tuple[str, ...]:
    """Return the warning of a signing while disputes are unanswered; refuse it while one may change the result.

    Raises ``Refusal`` ``procurement.result_disputed`` (LAW-ZFCGTL-54).
    """
    if grave:
        raise Refusal("procurement.result_disputed", rule="LAW-ZFCGTL-54", facts={"count": grave})
    return (sentence("procurement.warning.disputed", {"count": open_}),) if open_ else ()


def sample_period(*, on: date, months: int) -> tuple[date, date]:
    """Return the first and last day of the sampling period a day lies in; periods are counted from January."""
    first = date(on.year, (on.month - 1) // months * months + 1, 1)
    return first, add_months(first, months=months) - timedelta(days=1)


def _check_single_source(contest: Contest, on: date) -> None:
    until = contest.single_source_until
    if contest.above_threshold and (until is None or on <= until):
        facts = {"until": until.isoformat() if until else sentence("procurement.not_given")}
        raise Refusal("procurement.single_source_hidden", rule="LAW-ZFCGTL-38", facts=facts)


def check_precheck(*, findings: Mapping[str, bool], policy: Policy) -> str:
    """Return the rule a precheck rests on; refuse one that leaves an aspect out or names an unknown one.

    Raises ``Refusal`` ``procurement.aspects_wrong`` (ZY-80, FZ-36).
    """
    aspects = policy.procurement.precheck_aspects or {}
    rule = binding(policy=policy, rules=(*_PRECHECK, "SYS-CODE-LIST")) or "SYS-CODE-LIST"
    if set(findings) != set(aspects):
        facts = {"aspects": "、".join(f"{code}（{name}）" for code, name in aspects.items())}
        raise Refusal("procurement.aspects_wrong", rule=rule, facts=facts)
    return rule


def check_checkpoint(*, checkpoint: str, party: str, policy: Policy) -> str:
    """Return the rule a supervision record rests on (ZY-85, HS-20); refuse an unknown checkpoint or party."""
    leaves = policy.procurement
    if checkpoint not in leaves.checkpoints or party not in leaves.checkpoint_parties:
        facts = {"checkpoints": "、".join(leaves.checkpoints), "parties": "、".join(leaves.checkpoint_parties)}
        raise Refusal("procurement.checkpoint_unknown", rule="SYS-CODE-LIST", facts=facts)
    return binding(policy=policy, rules=("ZY-85", "HS-20", "SYS-SUPERVISION")) or "SYS-SUPERVISION"


def unwatched(*, seen: frozenset[tuple[str, str]], by_agency: bool, policy: Policy) -> tuple[tuple[str, str], ...]:
    """Return the (checkpoint, party) pairs that no record covers yet, in the order of policy; no agency, no record."""
    leaves = policy.procurement
    pairs = ((point, party) for point in leaves.checkpoints for party in leaves.checkpoint_parties)
    return tuple(pair for pair in pairs if pair not in seen and (by_agency or pair[1] != AGENCY))


def sample_size(*, population: int, rate: Decimal) -> int:
    """Return how many documents of a month are drawn: the share rounded up, one at least."""
    return max(1, int((population * rate).to_integral_value(ROUND_CEILING))) if population else 0
