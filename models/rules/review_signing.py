"""Rules of signing the final opinion (S05): how many signatures end the stage, who may sign, when it cannot stand.

Pure; called by ``commands.review_signing``, ``commands.review_close`` and the read of a round. Where ZY-23 does not
bind, an opinion stands with the close of its round and nobody is asked to sign it.
"""

from __future__ import annotations

from models.core.errors import Refusal
from models.policy.schema import Policy
from models.rules.force import binding

_CLAUSE = "ZY-23"


def signatures_needed(*, policy: Policy) -> int:
    """Return how many members must sign before the stage is left: the quorum, 0 where no rule asks for signatures."""
    return policy.review.quorum if binding(policy=policy, rules=(_CLAUSE,)) else 0


def cannot_stand(*, sitting: int, refused: int, needed: int) -> bool:
    """Say whether so many members refused that the signatures needed can no longer come together."""
    return refused > 0 and sitting - refused < needed


def check_opinion_there(*, filed: bool, needed: int) -> None:
    """Refuse to sign before the round is closed (``review.opinion_not_filed``), or where nobody is asked to
    (``review.signature_not_asked``)."""
    if not filed:
        raise Refusal("review.opinion_not_filed", rule=_CLAUSE)
    if needed == 0:
        raise Refusal("review.signature_not_asked", rule="SYS-REVIEW-OPINION")


def check_newest(*, newest: bool) -> None:
    """Refuse an act on the opinion of a round that a later one took the place of (``review.opinion_overtaken``)."""
    if not newest:
        raise Refusal("review.opinion_overtaken", rule="SYS-REVIEW-OPINION")


def check_same_opinion(*, given: str, filed: str) -> None:
    """Refuse a signature over another text than the filed opinion (``review.other_opinion``)."""
    if given.strip().lower() != filed:
        raise Refusal("review.other_opinion", rule=_CLAUSE, facts={"sha256": filed})


def check_act(*, by_office: bool, refusal: str, dissent: str, overdue: bool) -> None:
    """Refuse a signature nobody but the expert may give, and a refusal with a dissent: dissent is signed.

    The office may record, once the last day is over, that a member did not sign. Raises ``Refusal``
    ``review.signed_by_another``, ``review.not_overdue``, ``review.dissent_is_signed``.
    """
    if refusal.strip() and dissent.strip():
        raise Refusal("review.dissent_is_signed", rule=_CLAUSE)
    if by_office and not refusal.strip():
        raise Refusal("review.signed_by_another", rule=_CLAUSE)
    if by_office and not overdue:
        raise Refusal("review.not_overdue", rule=_CLAUSE)


def check_not_yet(*, signed: bool, refused: bool, refusing: bool) -> None:
    """Refuse a second signature or refusal, and a refusal after the signature (``review.opinion_signed``)."""
    if signed or (refused and refusing):
        raise Refusal("review.opinion_signed", rule="SYS-ONE-SHEET")
