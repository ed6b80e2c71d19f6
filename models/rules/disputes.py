"""Queries, challenges and complaints of suppliers (S10): who may still raise one, and by when it is answered.

Pure; called by ``commands.disputes``. The days are those of the law, in policy.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from models.core.calendar import Due, WorkCalendar
from models.core.errors import Refusal
from models.policy.schema import Policy

QUERY: Final = "query"
CHALLENGE: Final = "challenge"
COMPLAINT: Final = "complaint"
_RULES: Final = {QUERY: "LAW-ZFCGTL-52", CHALLENGE: "LAW-ZFCG-53", COMPLAINT: "LAW-ZFCG-56"}


def check_kind(*, kind: str) -> str:
    """Return the rule a kind of dispute is answered under; refuse another kind (``procurement.dispute_kind``)."""
    if kind not in _RULES:
        raise Refusal("procurement.dispute_kind", rule="SYS-CODE-LIST", facts={"allowed": "、".join(_RULES)})
    return _RULES[kind]


def check_in_time(*, kind: str, on: date, since: date | None, policy: Policy, calendar: WorkCalendar) -> None:
    """Refuse a challenge or complaint that came too late. ``since`` is when its time began to run.

    For a challenge that is the day the supplier knew (LAW-ZFCG-52), for a complaint the day the challenge was answered,
    or should have been (LAW-ZFCG-55). Raises ``Refusal`` ``procurement.dispute_unfounded`` (a complaint without a
    challenge), ``procurement.dispute_late``.
    """
    if kind == QUERY:
        return
    rule = "LAW-ZFCG-52" if kind == CHALLENGE else "LAW-ZFCG-55"
    if since is None or since > on:
        raise Refusal("procurement.dispute_unfounded", rule=rule)
    leaves = policy.procurement
    days = leaves.challenge_working_days if kind == CHALLENGE else leaves.complaint_working_days
    last = calendar.add_working_days(since, days=days).date
    if on > last:
        raise Refusal("procurement.dispute_late", rule=rule, facts={"last": last.isoformat()})


def answer_by(*, kind: str, on: date, policy: Policy, calendar: WorkCalendar) -> tuple[Due, str]:
    """Return the last day of the answer and the leaf it comes from."""
    leaves = policy.procurement
    days, leaf = {
        QUERY: (leaves.query_working_days, "procurement.query_working_days"),
        CHALLENGE: (leaves.challenge_answer_working_days, "procurement.challenge_answer_working_days"),
        COMPLAINT: (leaves.complaint_decision_working_days, "procurement.complaint_decision_working_days"),
    }[kind]
    return calendar.add_working_days(on, days=days), leaf


def suspended_until(*, on: date, days: int, policy: Policy) -> date:
    """Return the day from which a suspended purchase may go on; refuse more days than the law allows.

    Raises ``Refusal`` ``procurement.suspension_long`` (LAW-ZFCG-57).
    """
    most = policy.procurement.suspension_days
    if days > most:
        raise Refusal("procurement.suspension_long", rule="LAW-ZFCG-57", facts={"days": days, "most": most})
    return on + timedelta(days=days)
