"""What is noted of a choice that stands: an equal bidder better known (BJ-42), too small a share, experts not drawn.

Pure; called by ``commands.award``. They warn and block nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding
from models.rules.procurement import NEGOTIATED, TENDERS

JUDGED: Final = TENDERS | NEGOTIATED
"""Methods in which drawn experts judge."""


def tie_warning(
    *, winner: str, scores: Mapping[str, str], excellent: frozenset[str], policy: Policy
) -> tuple[str, ...]:
    """Warn when a bidder with the winner's score did the same kind of service excellently before and the winner not."""
    rule = binding(policy=policy, rules=("BJ-42",))
    if rule is None or winner not in scores or winner in excellent:
        return ()
    equals = [one for one in excellent if scores.get(one) == scores[winner]]
    return (sentence("procurement.warning.tie", {"count": len(equals), "rule": rule}),) if equals else ()


def draw_warning(*, method: str, drawn: bool, policy: Policy) -> tuple[str, ...]:
    """Warn when no draw of the experts is on record for the round that was judged (LAW-ZFCGTL-39)."""
    if drawn or method not in JUDGED:
        return ()
    return (sentence("procurement.warning.not_drawn", {"source": policy.clause("procurement.expert_pool")}),)


def share_warning(*, awarded: Money, social_orgs: Money, policy: Policy) -> tuple[str, ...]:
    """Warn when the year's new purchase spend awarded to social organisations stays below the share of AH-19."""
    least = policy.funding.social_org_ratio_min
    rule = binding(policy=policy, rules=("AH-19",))
    if least is None or rule is None or not awarded.fen or social_orgs.fen >= least * awarded.fen:
        return ()
    share = f"{social_orgs.fen * 100 / awarded.fen:.2f}"
    return (sentence("procurement.warning.share", {"share": share, "least": str(least * 100), "rule": rule}),)
