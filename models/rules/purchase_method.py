"""Which method a purchase may take: thresholds by region, level, object and date, and splitting below them.

Pure; called by ``commands.procurement``. The amounts are policy of the region on the day; where none is stated nothing
is forced, and the choice carries a warning. Splitting one budget item is refused (LAW-ZFCGTL-28); the same kind of
purchase spread over several budget items is no evasion by law, it is warned of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding

OPEN_TENDER: Final = "open_tender"
SERVICE: Final = "service"


@dataclass(frozen=True)
class MethodCase:
    """What a choice of method rests on.

    ``earlier`` is what the same budget item spent this year on the same category without tender, ``elsewhere`` what the
    purchaser spent so under other budget items. ``exempted``: another method than open tender was approved beforehand
    (LAW-ZFCG-27). ``in_catalogue``: the item is centrally purchased.
    """

    method: str
    reason: str
    amount: Money
    earlier: Money = Money.ZERO
    elsewhere: Money = Money.ZERO
    object: str = SERVICE
    level: str = ""
    exempted: bool = False
    in_catalogue: bool = False


def tender_threshold(*, policy: Policy, level: str, object: str) -> Money | None:
    """Return the amount from which a tender is open: by level and object, else the one amount of the region's services.

    ``None`` where the region states none: the amount of another level or of the centre is never borrowed.
    """
    leaves = policy.procurement
    amount = (leaves.open_tender_table or {}).get(f"{level}.{object}")
    return amount if amount is not None or object != SERVICE else leaves.open_tender_threshold


def purchase_floor(*, policy: Policy, level: str, object: str) -> Money | None:
    """Return the amount from which a statutory method is a must, ``None`` where the region states none."""
    return (policy.procurement.purchase_floor_table or {}).get(f"{level}.{object}")


def choose_method(*, case: MethodCase, policy: Policy) -> tuple[str, ...]:
    """Return the warnings of a choice that may stand.

    Raises ``Refusal`` ``procurement.method_unknown``, ``procurement.reason_missing``, ``procurement.method_informal``
    (BJ-31), ``procurement.tender_forced`` (HS-14, LAW-ZFCG-27), ``procurement.split`` (LAW-ZFCGTL-28).
    """
    methods = policy.procurement.methods
    if case.method not in methods:
        facts = {"method": case.method, "allowed": "、".join(f"{code}（{name}）" for code, name in methods.items())}
        raise Refusal("procurement.method_unknown", rule="LAW-ZFCG-26", facts=facts)
    if not case.reason.strip():
        raise Refusal("procurement.reason_missing", rule="LAW-ZFCG-42", facts={"method": methods[case.method]})
    _check_statutory(case, policy)
    threshold = tender_threshold(policy=policy, level=case.level, object=case.object)
    if case.method == OPEN_TENDER:
        return ()
    if threshold is None:
        return (_unconfirmed(case, policy),)
    if not case.exempted:
        _check_tender(case, threshold, policy)
    if case.elsewhere.fen and case.amount + case.earlier + case.elsewhere > threshold:
        facts = {"elsewhere": str(case.elsewhere), "threshold": str(threshold)}
        return (sentence("procurement.warning.spread", facts),)
    return ()


def _unconfirmed(case: MethodCase, policy: Policy) -> str:
    """Name what must be confirmed and by whom: the province's amount for this level and object."""
    code = f"{case.level or 'city'}.{case.object}"
    facts = {"region": policy.region_name, "object": policy.procurement.objects[case.object], "code": code}
    return sentence("procurement.warning.no_threshold", facts)


def _check_statutory(case: MethodCase, policy: Policy) -> None:
    statutory = policy.procurement.statutory_methods
    rule = binding(policy=policy, rules=("BJ-31",))
    if statutory is None or rule is None or case.method in statutory:
        return
    floor = purchase_floor(policy=policy, level=case.level, object=case.object)
    if not case.in_catalogue and (floor is None or case.amount < floor):
        return
    methods = policy.procurement.methods
    facts = {"method": methods[case.method], "allowed": "、".join(methods[code] for code in statutory)}
    raise Refusal("procurement.method_informal", rule=rule, facts=facts)


def _check_tender(case: MethodCase, threshold: Money, policy: Policy) -> None:
    if forces_tender(amount=case.amount, threshold=threshold, policy=policy):
        code, rule = "procurement.tender_forced", binding(policy=policy, rules=("HS-14", "LAW-ZFCG-27"))
    elif policy.procurement.anti_splitting and case.earlier.fen and case.amount + case.earlier > threshold:
        code, rule = "procurement.split", "LAW-ZFCGTL-28"
    else:
        return
    facts = {
        "method": policy.procurement.methods[case.method],
        "amount": str(case.amount),
        "earlier": str(case.earlier),
        "threshold": str(threshold),
        "open_tender": policy.procurement.methods[OPEN_TENDER],
    }
    raise Refusal(code, rule=rule, facts=facts)


def forces_tender(*, amount: Money, threshold: Money, policy: Policy) -> bool:
    """Say whether one amount reaches the threshold: the law's "以上" holds it, a region may say strictly more (HS-14).

    What is added up over a year must exceed it wherever it is (LAW-ZFCGTL-28).
    """
    return amount > threshold if policy.procurement.open_tender_strict else amount >= threshold
