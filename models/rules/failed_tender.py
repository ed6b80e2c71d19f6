"""What follows when too few suppliers answer a tender: the decision table of LAW-ZFCG-36 and 37 as one pure function.

Called by the commands that close a bidding, approve another method and record a negotiation. A failed tender is a
lawful branch: it is evaluated, negotiated with the two who came, bought by another approved method, or tendered anew.
One bidder seen is never taken for a single source.
"""

from __future__ import annotations

from enum import StrEnum

from models.policy.schema import Policy


class Way(StrEnum):
    """How a purchase goes on after its bidding closed."""

    EVALUATE = "evaluate"
    NEGOTIATE_WITH_THOSE = "negotiate_with_those"  # approved, documents lawful, just enough for a converted negotiation
    OTHER_METHOD_OR_RETENDER = "other_method_or_retender"  # approved, documents lawful, but nobody or one came
    RETENDER = "retender"


def way_on(*, counted: int, needed: int, documents_lawful: bool, approved: bool, policy: Policy) -> Way:
    """Return how a purchase goes on: ``counted`` suppliers answer the documents, ``needed`` must.

    ``approved`` is the approval of another method by the supervision of purchasing; where policy asks for none it is
    taken as given. Unlawful documents leave the new tender only, whatever was approved.
    """
    if counted >= needed:
        return Way.EVALUATE
    allowed = approved or not policy.procurement.method_change_needs_approval
    if not documents_lawful or not allowed:
        return Way.RETENDER
    enough = policy.procurement.negotiation_suppliers_after_failure
    return Way.NEGOTIATE_WITH_THOSE if enough is not None and counted >= enough else Way.OTHER_METHOD_OR_RETENDER


def suppliers_needed(*, failed_with: int | None, policy: Policy) -> int:
    """Return how many must take part in a negotiation: fewer only where that many answered the tender that failed.

    ``failed_with`` is how many answered it (``None``: no tender failed).
    """
    leaves = policy.procurement
    enough = leaves.negotiation_suppliers_after_failure
    if failed_with is None or enough is None or failed_with < enough:
        return leaves.negotiation_suppliers_min
    return enough
