"""What may be purchased at all, and what must stand before a purchase begins: negative list, catalogue, annual plan.

Pure; called by ``commands.purchase_plan``. The negative list is law by date: dispatch of labour, allowed by Beijing's
text of 2018, is barred from the day policy says.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.core.errors import Refusal
from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.force import binding

ORGANISED: frozenset[str] = frozenset({"district_government"})
"""Kinds of purchaser for which civil affairs carries the purchase out (BJ-07)."""
_DISPATCH = "labour_dispatch"


@dataclass(frozen=True)
class PurchaseScope:
    """What is bought and on which entries of the lists it rests (``None``: none named).

    ``catalogue`` and ``planned`` are the codes of the guiding catalogue and of the annual plan in force, ``None`` where
    no such list was ever published.
    """

    object: str
    forms: tuple[str, ...]
    catalogue_item: str | None
    plan_item: str | None
    catalogue: frozenset[str] | None
    planned: frozenset[str] | None


def check_scope(*, scope: PurchaseScope, policy: Policy) -> None:
    """Refuse what may not be purchased, and where Beijing's rules bind what stands on no list that finance reviewed.

    Raises ``Refusal`` ``procurement.object_unknown``, ``procurement.form_banned`` (LAW-ZFGMFW-10),
    ``procurement.form_unknown``, ``procurement.not_in_catalogue`` (BJ-27), ``procurement.not_in_plan`` (BJ-29).
    """
    if scope.object not in policy.procurement.objects:
        facts = {"object": scope.object, "allowed": "、".join(policy.procurement.objects)}
        raise Refusal("procurement.object_unknown", rule="LAW-ZFCG-2", facts=facts)
    banned = dict(policy.procurement.negative_list or {})
    if policy.delivery.dispatch_banned:
        banned[_DISPATCH] = sentence("procurement.form.labour_dispatch")
    found = tuple(form for form in scope.forms if form in banned)
    if found:
        facts = {
            "forms": "、".join(banned[form] for form in found),
            "source": policy.clause("procurement.negative_list"),
        }
        raise Refusal("procurement.form_banned", rule="LAW-ZFGMFW-10", facts=facts)
    unknown = tuple(form for form in scope.forms if form != _DISPATCH) if banned else ()
    if unknown:  # a misspelt form would pass the list unseen
        facts = {
            "forms": "、".join(unknown),
            "allowed": "、".join(f"{code}（{name}）" for code, name in banned.items()),
        }
        raise Refusal("procurement.form_unknown", rule="SYS-CODE-LIST", facts=facts)
    for item, known, code, rule in (
        (scope.catalogue_item, scope.catalogue, "procurement.not_in_catalogue", "BJ-27"),
        (scope.plan_item, scope.planned, "procurement.not_in_plan", "BJ-29"),
    ):
        named = item or sentence("procurement.not_given")
        if known is not None and item is not None and item not in known:
            raise Refusal(code, rule=binding(policy=policy, rules=(rule, "SYS-CODE-LIST")), facts={"item": named})
        if (bound := binding(policy=policy, rules=(rule,))) and (item is None or known is None):
            raise Refusal(code, rule=bound, facts={"item": named})


def check_organiser(*, kind: str, guided_by: str | None, policy: Policy) -> None:
    """Refuse a district government's purchase that names no civil-affairs organiser (BJ-07)."""
    rule = binding(policy=policy, rules=("BJ-07",))
    if rule is not None and kind in ORGANISED and not (guided_by or "").strip():
        raise Refusal("procurement.organiser_missing", rule=rule)


def bundle_warning(*, open_purchases: int, policy: Policy) -> tuple[str, ...]:
    """Offer to bundle with the same purchaser's other purchases not yet noticed at the place (AH-10).

    Bundling never lowers a threshold: the amounts add up.
    """
    rule = binding(policy=policy, rules=("AH-10",))
    if rule is None or not open_purchases:
        return ()
    return (sentence("procurement.warning.bundle", {"count": open_purchases, "rule": rule}),)
