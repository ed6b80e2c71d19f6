"""Abnormally low prices (S10): which bids must explain themselves, and what an explanation is worth.

Pure; called by ``commands.bidding`` and the gates before an award. The ratios are policy from a day on; where none is
stated nothing is suspicious.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.schema import Policy


def suspicious(*, prices: Mapping[str, Money], ceiling: Money, policy: Policy) -> frozenset[str]:
    """Return whose price is strictly below a ratio of the average, of the second lowest, or of the ceiling.

    ``prices`` are those of the bids that count, by organisation.
    """
    leaves = policy.procurement
    if not prices:
        return frozenset()
    fens = sorted(price.fen for price in prices.values())
    bounds = [Fraction(sum(fens), len(fens)) * Fraction(leaves.low_price_average_ratio or 0)]
    bounds.append(Fraction(leaves.low_price_ceiling_ratio or 0) * ceiling.fen)
    second = Fraction(fens[1]) * Fraction(leaves.low_price_second_ratio or 0) if len(fens) > 1 else Fraction()
    below = {name for name, price in prices.items() if any(price.fen < bound for bound in bounds)}
    if len(fens) > 1 and fens[0] < second:
        below |= {name for name, price in prices.items() if price.fen == fens[0]}
    return frozenset(below)


def check_low_price(*, low: bool, explained: bool | None, policy: Policy) -> None:
    """Refuse an award at an abnormally low price that was not explained, or not believably (``LAW-CK2026-2``).

    Raises ``Refusal`` ``procurement.price_unexplained``.
    """
    if low and not explained:
        source = policy.clause("procurement.low_price_average_ratio")
        raise Refusal("procurement.price_unexplained", rule="LAW-CK2026-2", facts={"source": source})


def check_reply_time(*, minutes: int, policy: Policy) -> None:
    """Refuse an explanation for which a supplier was given too little time (``procurement.reply_short``)."""
    least = policy.procurement.low_price_reply_minutes
    if least is not None and minutes < least:
        raise Refusal("procurement.reply_short", rule="LAW-CK2026-2", facts={"minutes": minutes, "least": least})
