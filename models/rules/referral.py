"""Rules of referrals to another department (FZ-37, BJ-58): a full packet, a named receiver, one step after the other.

Pure; called by ``commands.referral``. Never reads the database, never keeps a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from models.core.errors import Refusal
from models.core.identifiers import find_leaks
from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.force import binding

SENT: Final = "sent"
ACCEPTED: Final = "accepted"
RETURNED: Final = "returned"
CLOSED: Final = "closed"
OUTCOMES: Final = ("solved", "partly", "declined")
_STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    ACCEPTED: (SENT,),
    RETURNED: (SENT, ACCEPTED),
    CLOSED: (RETURNED,),
}


def check_packet(*, parts: Mapping[str, str], receiver: str, policy: Policy) -> None:
    """Refuse a packet that leaves out what must be handed over, names no receiver, or shows a personal number.

    Raises ``Refusal`` ``referral.parts_missing`` (FZ-37), ``referral.receiver_missing`` (BJ-58),
    ``referral.part_unknown`` (SYS-CODE-LIST), ``referral.leak`` (SYS-LEAK).
    """
    known = policy.lists.referral_parts
    unknown = [code for code in parts if code not in known]
    if unknown:
        facts = {"given": "、".join(unknown), "known": "、".join(known)}
        raise Refusal("referral.part_unknown", rule="SYS-CODE-LIST", facts=facts)
    rule = binding(policy=policy, rules=("FZ-37", "SYS-REFERRAL-PACKET"))
    missing = [label for code, label in known.items() if not parts.get(code, "").strip()]
    if missing:
        raise Refusal("referral.parts_missing", rule=rule, facts={"parts": "、".join(missing)})
    rule = binding(policy=policy, rules=("BJ-58",))
    if rule and not receiver.strip():
        raise Refusal("referral.receiver_missing", rule=rule)
    leaking = [known[code] for code, text in parts.items() if find_leaks(text)]
    if leaking:
        raise Refusal("referral.leak", rule="SYS-LEAK", facts={"parts": "、".join(leaking)})


def check_unnamed(*, parts: Mapping[str, str], personal: Mapping[str, str], policy: Policy) -> None:
    """Refuse a packet whose parts name the person, however it is spaced (``referral.leak``, SYS-LEAK)."""
    told = [_closed_up(text) for text in personal.values() if text.strip()]
    naming = [code for code, text in parts.items() if any(one in _closed_up(text) for one in told)]
    if naming:
        facts = {"parts": "、".join(policy.lists.referral_parts[code] for code in naming)}
        raise Refusal("referral.leak", rule="SYS-LEAK", facts=facts)


def _closed_up(text: str) -> str:
    return "".join(text.split()).casefold()


def check_step(*, status: str, to: str, policy: Policy) -> None:
    """Refuse a step out of turn, and a return nobody signed for where acceptance comes first.

    Raises ``Refusal`` ``referral.not_in_status`` (SYS-STATE), ``referral.not_accepted`` (BJ-58).
    """
    rule = binding(policy=policy, rules=("BJ-58",))
    if rule and to == RETURNED and status == SENT:
        raise Refusal("referral.not_accepted", rule=rule)
    if status not in _STEPS[to]:
        facts = {"status": sentence(f"referral.status.{status}"), "step": sentence(f"referral.status.{to}")}
        raise Refusal("referral.not_in_status", rule="SYS-STATE", facts=facts)


def check_accepted_by(*, receiver: str, policy: Policy) -> None:
    """Refuse an acceptance nobody signs for where a named receiver accepts (``referral.receiver_missing``, BJ-58)."""
    rule = binding(policy=policy, rules=("BJ-58",))
    if rule and not receiver.strip():
        raise Refusal("referral.receiver_missing", rule=rule)


def check_outcome(*, outcome: str) -> None:
    """Refuse an outcome that is none (``referral.outcome_unknown``, SYS-CODE-LIST)."""
    if outcome not in OUTCOMES:
        known = "、".join(sentence(f"referral.outcome.{code}") for code in OUTCOMES)
        raise Refusal("referral.outcome_unknown", rule="SYS-CODE-LIST", facts={"given": outcome, "known": known})
