"""Rules of funding (S09): balanced postings, channels apart, balance before plan, co-issuers, whose money it is.

Pure; called by the funding commands and the ledger. Never reads the database. What a payment rests on stands in
``rules.payment``, sums of the whole ledger in ``rules.ledger``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from models.core.actors import ROLE_NAMES, Role
from models.core.errors import DataFault, Detail, Refusal
from models.core.identifiers import OrganisationType, parse_credit_code
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding

_OTHER: Final = "OTHER"
_JOINT_ISSUE: Final = ("ZY-77", "SYS-CO-ISSUERS")
_BEFORE_ISSUE: Final = frozenset({"drafted", "signed"})
DONATION: Final = "donation"
DONOR_LAW_USE: Final = "LAW-GYSYJZ-18"  # 公益事业捐赠法: another use needs the donor's consent
_DONOR_LAW_KEEPER: Final = "LAW-GYSYJZ-11"
_CHARITIES: Final = frozenset(
    {OrganisationType.ASSOCIATION, OrganisationType.PRIVATE_NON_PROFIT, OrganisationType.FOUNDATION}
)
PLANLESS: Final = frozenset({"rejected", "withdrawn", "stopped", "converted", "evaluated", "audited", "archived"})
"""States of a project that gets no plan line any more: what it leaves unreserved goes back."""
PAYABLE_CONTRACTS: Final = frozenset({"signed", "running", "ended"})


class Account(StrEnum):
    """The accounts of a channel. ``APPROPRIATION`` is the source and stands negative; all together sum to zero."""

    APPROPRIATION = "appropriation"
    ALLOTTED = "allotted"  # of a fund (allotment or donation), not yet reserved for a project
    REMAINING = "remaining"  # of a project's own budget
    RESERVED = "reserved"
    PLANNED = "planned"
    COMMITTED = "committed"
    PAID = "paid"
    RECOVERED = "recovered"  # paid, then got back from the contractor
    RETURNED = "returned"  # unspent, gone back to where it came from
    CARRIED = "carried"  # between two years: over all years it sums to zero


@dataclass(frozen=True)
class Leg:
    """One leg of an entry: positive into the account, negative out of it, in one channel of one year.

    ``fund`` is the allotment or donation whose money it is, ``None`` for the project's own budget.
    """

    account: Account
    channel: str
    year: int
    amount: Money
    fund: str | None = None


@dataclass(frozen=True)
class BatchLine:
    """One plan line of a batch as the issuing rule sees it: state, the co-issuers that have not signed, and whether the
    approval it rests on stands."""

    project: str
    state: str
    missing: tuple[str, ...]
    approved: bool = True


def check_balanced(*, legs: tuple[Leg, ...]) -> None:
    """Stop an entry that does not sum to zero in every channel, year and fund (``funding.unbalanced``, SYS-LEDGER)."""
    sums: dict[tuple[str, int, str | None], int] = defaultdict(int)
    for leg in legs:
        sums[leg.channel, leg.year, leg.fund] += leg.amount.fen
    if not legs or any(sums.values()):
        raise DataFault("funding.unbalanced", rule="SYS-LEDGER", facts={"legs": len(legs)})


def check_channel(*, channel: str, note: str, policy: Policy) -> None:
    """Refuse a channel outside the list; ``OTHER`` says what it is (decision 15).

    Raises ``Refusal`` ``funding.channel_unknown`` or ``funding.channel_note`` (ZY-46).
    """
    check_source_free(channel=channel, policy=policy)
    rule = binding(policy=policy, rules=("ZY-46", "FZ-44", "SYS-CODE-LIST"))
    sources = policy.funding.sources
    if channel not in sources:
        facts = {"channel": channel, "allowed": "、".join(f"{code}（{name}）" for code, name in sources.items())}
        raise Refusal("funding.channel_unknown", rule=rule, facts=facts)
    if channel == _OTHER and not note.strip():
        raise Refusal("funding.channel_note", rule=rule)


def check_source_free(*, channel: str, policy: Policy) -> None:
    """Refuse money that may not be drawn upon: basic living aid, special aid (``funding.forbidden_source``, FZ-49)."""
    forbidden = policy.funding.forbidden_sources or {}
    if channel in forbidden:
        facts = {"channel": forbidden[channel]}
        raise Refusal(
            "funding.forbidden_source", rule=binding(policy=policy, rules=("FZ-49", "SYS-CODE-LIST")), facts=facts
        )


@dataclass(frozen=True)
class SetAside:
    """What a channel has in a year in all, and what of it is kept for basic living aid and special aid."""

    total: Money
    kept: Money


def check_not_squeezed(*, wanted: Money, used: Money, aside: SetAside | None, policy: Policy) -> None:
    """Refuse to take what a channel keeps for basic and special aid (``funding.squeezed``, FZ-49).

    ``used`` is what services were given of the channel this year; ``aside`` is unset where nothing was registered.
    """
    rule = binding(policy=policy, rules=("FZ-49",))
    if rule is None or aside is None:
        return
    free = aside.total - aside.kept - used
    if wanted > free:
        raise Refusal("funding.squeezed", rule=rule, facts={"wanted": str(wanted), "free": str(free)})


def check_no_donation(*, channel: str) -> None:
    """Refuse donated money without its donor: it stays with a charity (``funding.donation_without_donor``)."""
    if channel == DONATION:
        raise Refusal("funding.donation_without_donor", rule=_DONOR_LAW_KEEPER)


def check_keeper(*, uscc: str) -> None:
    """Refuse a keeper of a donation that is no association, service organisation or foundation.

    A body of the government takes donations itself only in exceptions (公益事业捐赠法 art. 11). Raises ``Refusal``
    ``funding.keeper_not_charity``.
    """
    if parse_credit_code(uscc).organisation_type not in _CHARITIES:
        raise Refusal("funding.keeper_not_charity", rule=_DONOR_LAW_KEEPER)


def check_year_over(*, year: int, as_of: date) -> None:
    """Refuse to close a year that still runs (``funding.year_running``, SYS-YEAR-END)."""
    if as_of.year <= year:
        raise Refusal("funding.year_running", rule="SYS-YEAR-END", facts={"year": year})


def check_covered(*, uncovered: Money) -> None:
    """Refuse to issue a line from under which a donor took money back (``funding.line_uncovered``)."""
    if uncovered:
        raise Refusal("funding.line_uncovered", rule=DONOR_LAW_USE, facts={"amount": str(uncovered)})


def check_uncovered(*, state: str, uncovered: Money, available: Money) -> None:
    """Refuse to cover a line that lacks nothing or is over, or with no money left in its channel.

    Raises ``Refusal`` ``funding.line_whole`` or ``funding.nothing_to_cover`` (SYS-PLAN-LINE).
    """
    if not uncovered or state not in (*_BEFORE_ISSUE, "issued"):
        raise Refusal("funding.line_whole", rule="SYS-PLAN-LINE")
    if not available:
        raise Refusal("funding.nothing_to_cover", rule="SYS-PLAN-LINE", facts={"uncovered": str(uncovered)})


def check_balance(*, wanted: Money, available: Money, channel: str, year: int, policy: Policy) -> None:
    """Refuse a plan line above what is left of its channel (``funding.over_balance``, ZY-78)."""
    if wanted > available:
        raise Refusal(
            "funding.over_balance",
            rule=binding(policy=policy, rules=("ZY-78", "SYS-BALANCE")),
            facts={
                "channel": policy.funding.sources.get(channel, channel),
                "year": year,
                "wanted": str(wanted),
                "available": str(available),
            },
        )


def missing_signatures(*, signed: tuple[str, ...], policy: Policy) -> tuple[str, ...]:
    """Return the roles that issue the batch together and have not signed, in policy order (ZY-77)."""
    return tuple(role for role in policy.funding.plan_co_issuers if role not in signed)


def check_still_owed(*, wanted: Money, owed: Money) -> None:
    """Refuse a plan line of a finished project beyond what its contracts still lack (SYS-PLAN-LINE)."""
    if wanted > owed:
        facts = {"wanted": wanted.plain(), "owed": max(owed, Money.ZERO).plain()}
        raise Refusal("funding.beyond_contracts", rule="SYS-PLAN-LINE", facts=facts)


def check_may_sign(*, role: Role, signed: tuple[str, ...], policy: Policy) -> None:
    """Refuse the signature of a role that does not issue plans here, and a second one of the same role.

    Raises ``Refusal`` ``funding.not_co_issuer`` or ``funding.signed_already`` (ZY-77).
    """
    rule = binding(policy=policy, rules=_JOINT_ISSUE)
    if role not in policy.funding.plan_co_issuers:
        facts = {"role": ROLE_NAMES[role], "allowed": role_names(policy.funding.plan_co_issuers)}
        raise Refusal("funding.not_co_issuer", rule=rule, facts=facts)
    if role in signed:
        raise Refusal("funding.signed_already", rule=rule, facts={"role": ROLE_NAMES[role]})


def check_batch_open(*, states: tuple[str, ...], policy: Policy) -> None:
    """Refuse to touch a batch that was issued: a batch goes out once (``funding.batch_issued``, ZY-77)."""
    if any(state not in _BEFORE_ISSUE for state in states):
        raise Refusal("funding.batch_issued", rule=binding(policy=policy, rules=_JOINT_ISSUE))


def check_batch(*, lines: tuple[BatchLine, ...], policy: Policy) -> None:
    """Refuse to issue a batch that is empty, issued already, or holds a line without its approval or a signature.

    Raises ``Refusal`` ``funding.batch_empty``, ``funding.batch_issued`` or ``funding.batch_unsigned`` (ZY-77),
    ``funding.approval_voided`` (ZY-75).
    """
    rule = binding(policy=policy, rules=_JOINT_ISSUE)
    if not lines:
        raise Refusal("funding.batch_empty", rule=rule)
    check_batch_open(states=tuple(line.state for line in lines), policy=policy)
    check_approved(projects=tuple(line.project for line in lines if not line.approved), policy=policy)
    unsigned = tuple(line for line in lines if line.state != "signed")
    if unsigned:
        missing = tuple(dict.fromkeys(role for line in unsigned for role in line.missing))
        raise Refusal(
            "funding.batch_unsigned",
            rule=rule,
            facts={"count": len(unsigned), "missing": role_names(missing)},
            details=tuple(
                Detail(
                    problem=sentence("funding.line_unsigned", {"missing": role_names(one.missing)}), field=one.project
                )
                for one in unsigned
            ),
        )


def check_approved(*, projects: tuple[str, ...], policy: Policy) -> None:
    """Refuse to go on with plan lines whose approval was voided, naming their ``projects``: what was planned is no
    longer what was approved. Raises ``Refusal`` ``funding.approval_voided`` (ZY-75)."""
    if projects:
        rule = binding(policy=policy, rules=("ZY-75", "SYS-PLAN-APPROVAL"))
        facts = {"count": len(projects), "projects": "、".join(dict.fromkeys(projects))}
        raise Refusal("funding.approval_voided", rule=rule, facts=facts)


def role_names(roles: tuple[str, ...]) -> str:
    """Return the roles as users read them."""
    return "、".join(ROLE_NAMES[Role(role)] for role in roles)
