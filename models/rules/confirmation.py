"""Rules of confirmation (S12): who may answer for an offer, and what must stand before somebody is served.

Pure; called by ``commands.confirmation``. Never reads the database, never keeps a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.core.actors import Role
from models.core.errors import Refusal
from models.policy.schema import Policy
from models.rules.force import binding
from models.rules.matching import SERVED

CONFIRMED: Final = "confirmed"
REFUSED: Final = "refused"
OFFERED_AGAIN: Final = "offered_again"


@dataclass(frozen=True)
class Answer:
    """What the recipient or the agent said to an offer, and how it was taken down.

    ``by_self`` is true when the recipient answered from the account bound to the person (``check_own``); then no
    signed paper is asked for.
    """

    given_by: str
    agent_name: str
    agent_relation: str
    signed: bool
    by_self: bool


GIVERS: Final = ("recipient", "agent")


def check_answer(*, answer: Answer, policy: Policy) -> None:
    """Refuse a confirmation nobody can stand for, or without the signature that is demanded.

    Raises as ``check_giver``; ``matching.unsigned`` (FZ-32).
    """
    check_giver(answer=answer, policy=policy)
    rule = binding(policy=policy, rules=("FZ-32",))
    if rule and not (answer.signed or answer.by_self):
        raise Refusal("matching.unsigned", rule=rule)


def check_giver(*, answer: Answer, policy: Policy) -> None:
    """Refuse an answer by nobody known: neither recipient nor agent, or an agent without name or relation.

    Raises ``Refusal`` ``matching.giver_unknown`` (SYS-CODE-LIST), ``matching.agent_unnamed`` (FZ-32).
    """
    if answer.given_by not in GIVERS:
        raise Refusal("matching.giver_unknown", rule="SYS-CODE-LIST", facts={"given": answer.given_by})
    if answer.given_by == "agent" and not (answer.agent_name.strip() and answer.agent_relation.strip()):
        raise Refusal("matching.agent_unnamed", rule=binding(policy=policy, rules=("FZ-32", "SYS-CONFIRMATION")))


def check_own(*, role: Role, account: str, person: str) -> None:
    """Refuse an answer from an account that is not the person's own: a role alone speaks for nobody.

    An account is the person's own when its id is the person's. No account is bound to an agent: what agents say is
    taken down by the offices with the signed paper. Raises ``Refusal`` ``matching.not_own`` (SYS-ROLE).
    """
    if role is not Role.RECIPIENT or account != person:
        raise Refusal("matching.not_own", rule="SYS-ROLE")


def check_entitled(*, entitled: bool | None, policy: Policy) -> None:
    """Refuse a service before the basic and special aid the person is entitled to is in place (FZ-02, ZY-124)."""
    rule = binding(policy=policy, rules=("FZ-02", "ZY-124"))
    if rule and entitled is not True:
        raise Refusal("matching.entitlements_open", rule=rule)


def check_confirmed(*, unconfirmed: int, policy: Policy) -> None:
    """Refuse to record services to people who confirmed none of them, where the region demands it first (FZ-32)."""
    rule = binding(policy=policy, rules=("FZ-32",))
    if rule and policy.delivery.confirmation_first and unconfirmed:
        raise Refusal("matching.not_confirmed", rule=rule, facts={"count": unconfirmed})


def check_offered(*, reason: str, newest: bool) -> None:
    """Refuse an answer to what was not offered, or to a matching that a later one replaced (SYS-MATCH-OFFER)."""
    if reason not in SERVED:
        raise Refusal("matching.not_offered", rule="SYS-MATCH-OFFER")
    if not newest:
        raise Refusal("matching.outcome_stale", rule="SYS-MATCH-OFFER")
