"""Rules of what a decision rests on and leads to (S07, S08): shares of the payers, the mechanism's meetings and office,
modifications of an approved project, formalities before a start.

Pure; called by ``commands.decision``, ``commands.decision_records``, ``commands.decision_change`` and
``commands.delivery``. Never reads the database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Refusal
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding

GOVERNMENT: Final = "government"
ENTERPRISE: Final = "enterprise"
JOINT: Final = "joint"

_PARTIES: Final[Mapping[str, frozenset[str]]] = {
    GOVERNMENT: frozenset({GOVERNMENT}),
    ENTERPRISE: frozenset({ENTERPRISE}),
    JOINT: frozenset({GOVERNMENT, ENTERPRISE}),
}
_PAYER_RULES: Final = {GOVERNMENT: "ZY-71", ENTERPRISE: "ZY-72", JOINT: "ZY-73"}


@dataclass(frozen=True)
class Share:
    """What one payer bears: ``party`` government or enterprise, in one channel and one sub-ledger."""

    party: str
    name: str
    credit_code: str
    account: str
    channel: str
    sub_ledger: str
    amount: Money


def check_shares(*, shares: Sequence[Share], payer: str, applied: Mapping[str, Money], policy: Policy) -> None:
    """Refuse shares that pool money, that the payer class does not know, or that are not what was applied for.

    ``applied`` is the newest submission's sum by channel; empty when nothing was submitted yet. Raises ``Refusal``
    ``decision.share_parties`` (ZY-71 to ZY-73), ``decision.enterprise_unnamed`` (ZY-72), ``decision.sub_ledger_shared``
    and ``decision.shares_differ`` (ZY-10).
    """
    by_payer = binding(policy=policy, rules=(_PAYER_RULES.get(payer, "ZY-71"), "SYS-DECISION-AUTHORITY"))
    apart = binding(policy=policy, rules=("ZY-10", "SYS-CHANNELS"))
    enterprises = {share.name for share in shares if share.party == ENTERPRISE}
    parties = frozenset(share.party for share in shares)
    if parties != _PARTIES.get(payer) or (payer == ENTERPRISE and len(enterprises) > 1):
        facts = {"payer": policy.decision.payer_classes.get(payer, payer)}
        raise Refusal("decision.share_parties", rule=by_payer, facts=facts)
    if any(share.party == ENTERPRISE and not (share.credit_code and share.account) for share in shares):
        rule = binding(policy=policy, rules=("ZY-72", "SYS-DECISION-AUTHORITY"))
        raise Refusal("decision.enterprise_unnamed", rule=rule)
    ledgers = [share.sub_ledger for share in shares]
    twice = sorted({name for name in ledgers if ledgers.count(name) > 1})
    if twice:
        raise Refusal("decision.sub_ledger_shared", rule=apart, facts={"sub_ledgers": "、".join(twice)})
    for channel in sorted(applied.keys() | {share.channel for share in shares}) if applied else ():
        borne = Money.total(share.amount for share in shares if share.channel == channel)
        wanted = applied.get(channel, Money(0))
        if borne != wanted:
            name = policy.funding.sources.get(channel, channel)
            facts = {"channel": name, "shares": borne.plain(), "applied": wanted.plain()}
            raise Refusal("decision.shares_differ", rule=apart, facts=facts)


def check_shares_recorded(*, shares: Sequence[Share], payer: str, policy: Policy) -> None:
    """Refuse a decision on enterprise money whose enterprise or shares nobody recorded (``decision.shares_missing``,
    ZY-72, ZY-73, where they bind)."""
    rule = binding(policy=policy, rules=(_PAYER_RULES.get(payer, "ZY-71"),))
    if rule and payer in (ENTERPRISE, JOINT) and not shares:
        raise Refusal("decision.shares_missing", rule=rule, facts={"payer": policy.decision.payer_classes[payer]})


def check_enterprise(*, shares: Sequence[Share], payer: str, role: Role, account: str, policy: Policy) -> None:
    """Refuse an enterprise that decides on another one's project (``decision.other_enterprise``, ZY-72)."""
    own = {share.account for share in shares if share.party == ENTERPRISE}
    if payer == ENTERPRISE and role is Role.DONOR and own and account not in own:
        rule = binding(policy=policy, rules=("ZY-72", "SYS-DECISION-AUTHORITY"))
        raise Refusal("decision.other_enterprise", rule=rule)


def check_meeting(
    *, chaired_by: Role, attending: Collection[Role], matters: Collection[str], held_on: date, on: date, policy: Policy
) -> None:
    """Refuse the record of a meeting the city bureau did not lead or attend (``decision.meeting_chair``, ZY-11), of an
    unknown matter (``decision.unknown_matter``), or of a day to come (``decision.meeting_in_future``)."""
    rule = binding(policy=policy, rules=("ZY-11", "SYS-MEETING"))
    chair = Role(policy.decision.meeting_chair)
    if chaired_by is not chair or chair not in attending:
        raise Refusal("decision.meeting_chair", rule=rule, facts={"chair": ROLE_NAMES[chair]})
    known = policy.decision.meeting_matters
    unknown = [matter for matter in matters if matter not in known]
    if unknown or not matters:
        facts = {"given": "、".join(unknown), "known": "、".join(known)}
        raise Refusal("decision.unknown_matter", rule="SYS-CODE-LIST", facts=facts)
    if held_on > on:
        raise Refusal("decision.meeting_in_future", rule="SYS-DATE", facts={"on": held_on.isoformat()})


def check_office(*, members: Sequence[tuple[str, bool]], policy: Policy) -> None:
    """Refuse an office the service centre does not lead, or without a charity or a caring enterprise
    (``decision.office_composition``, ZY-12). ``members`` are (kind, leads)."""
    wanted = policy.decision.office_members
    unknown = sorted({kind for kind, _ in members} - wanted.keys())
    if unknown:
        facts = {"given": "、".join(unknown), "known": "、".join(wanted)}
        raise Refusal("decision.unknown_member", rule="SYS-CODE-LIST", facts=facts)
    leads = [kind for kind, lead in members if lead]
    required = policy.decision.office_required
    missing = [wanted[kind] for kind in required if kind not in {kind for kind, _ in members}]
    if leads != [policy.decision.office_lead] or missing:
        facts = {"lead": wanted[policy.decision.office_lead], "missing": "、".join(missing) or "—"}
        rule = binding(policy=policy, rules=("ZY-12", "SYS-OFFICE"))
        raise Refusal("decision.office_composition", rule=rule, facts=facts)


def voided_parts(*, kinds: Collection[str], earned: Sequence[str], policy: Policy) -> tuple[str, ...]:
    """Return exactly what policy voids for these kinds of change of what the project has ``earned``, in that order.

    Nothing to void is no fault: what was changed before it was earned is earned for the changed project.

    Raises ``Refusal`` ``decision.nothing_changed`` when nothing changes.
    """
    if not kinds:
        raise Refusal("decision.nothing_changed", rule="SYS-MODIFICATION")
    voids = policy.decision.modification_voids
    return tuple(part for part in earned if any(part in voids[kind] for kind in kinds))


def check_no_notice(*, running: bool) -> None:
    """Refuse to change or withdraw a project while the public is asked about it (``decision.notice_running``)."""
    if running:
        raise Refusal("decision.notice_running", rule="SYS-PUBLICITY")


def check_term(*, starts_on: date, ends_on: date, as_of: date) -> None:
    """Refuse a term that ends before it starts (``decision.period_reversed``) or is over (``decision.period_over``)."""
    if ends_on < starts_on:
        raise Refusal("decision.period_reversed", rule="SYS-PERIOD")
    if ends_on < as_of:
        raise Refusal("decision.period_over", rule="SYS-PERIOD", facts={"ends_on": ends_on.isoformat()})


def check_number_stands(*, doc_no: str, voided_on: date | None) -> None:
    """Refuse to void a number twice (``decision.number_voided``)."""
    if voided_on is not None:
        facts = {"doc_no": doc_no, "on": voided_on.isoformat()}
        raise Refusal("decision.number_voided", rule="SYS-NUMBER", facts=facts)


def check_formality(*, code: str, policy: Policy) -> str:
    """Return the name of a formality before the start; another code is refused (``decision.unknown_formality``)."""
    known = policy.decision.start_formalities or {}
    if code not in known:
        facts = {"given": code, "known": "、".join(known)}
        raise Refusal("decision.unknown_formality", rule="SYS-CODE-LIST", facts=facts)
    return known[code]


def check_replaced(*, recorded: bool, reason: str) -> None:
    """Refuse to replace a formality on file without saying why (``decision.formality_recorded``)."""
    if recorded and not reason.strip():
        raise Refusal("decision.formality_recorded", rule="SYS-UNIQUE")


def check_start_formalities(*, completed: Collection[str], policy: Policy) -> None:
    """Refuse a start while a formality is open (``decision.formalities_open``, ZY-76 where it binds)."""
    rule = binding(policy=policy, rules=("ZY-76",))
    missing = [name for code, name in (policy.decision.start_formalities or {}).items() if code not in completed]
    if rule and missing:
        raise Refusal("decision.formalities_open", rule=rule, facts={"missing": "、".join(missing)})
