"""Rules of decision and approval (S07, S08): what must be on the table, who decides, who approves and when.

Pure; called by ``commands.decision``. Who decides depends on who pays (ZY-71 to ZY-73). Never reads the database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Refusal
from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.force import binding

POSITIVE: Final = "positive"
SET_KINDS: Final = {
    "report": "feasibility_report",
    "opinion": "county_review_opinion",
    "formalities": "formality_set",
}
"""Part of the decision set (policy ``feasibility.decision_set``) → kind of its document."""

_PAYER_RULES: Final = {"government": "ZY-71", "enterprise": "ZY-72", "joint": "ZY-73"}
_STEPS: Final = (("feasibility.content_reviewed", "HS-12"), ("feasibility.cost_estimated", "HS-23"))


def check_publicity(*, result: str | None, closed_on: date | None, on: date, policy: Policy) -> None:
    """Refuse a decision before the newest notice ended without an upheld objection (ZY-24).

    ``result`` and ``closed_on`` are those of the newest notice: ``None`` while it is open, or when there is none;
    ``on`` is the day of the decision. Raises ``Refusal`` ``decision.publicity_open``,
    ``decision.before_publicity_end``.
    """
    rule = binding(policy=policy, rules=("ZY-24", "SYS-PUBLICITY"))
    if result != "passed" or closed_on is None:
        raise Refusal("decision.publicity_open", rule=rule)
    if on < closed_on:
        facts = {"closed_on": closed_on.isoformat(), "on": on.isoformat()}
        raise Refusal("decision.before_publicity_end", rule=rule, facts=facts)


def check_review(*, outcome: str, passed: bool, policy: Policy) -> None:
    """Refuse a positive decision on a project the experts did not let pass (``decision.review_negative``, ZY-23)."""
    if outcome == POSITIVE and not passed:
        raise Refusal("decision.review_negative", rule=binding(policy=policy, rules=("ZY-23", "SYS-REVIEW-RESULT")))


def check_authority(*, role: Role, payer: str, override_citation: str, policy: Policy) -> str:
    """Return the role whose decision the payer class asks for; another role needs an overriding rule (ZY-74).

    An enterprise has a say over its own money only, whatever it cites.

    Raises ``Refusal`` ``decision.unknown_payer`` or ``decision.wrong_authority`` (ZY-71, ZY-72, ZY-73).
    """
    authority = policy.decision.authorities.get(payer)
    if authority is None:
        known = "、".join(policy.decision.authorities)
        raise Refusal("decision.unknown_payer", rule="SYS-CODE-LIST", facts={"payer": payer, "known": known})
    if role != authority and (role is Role.DONOR or not override_citation.strip()):
        raise Refusal(
            "decision.wrong_authority",
            rule=binding(policy=policy, rules=(_PAYER_RULES.get(payer, "ZY-71"), "SYS-DECISION-AUTHORITY")),
            facts={
                "payer": policy.decision.payer_classes[payer],
                "authority": ROLE_NAMES[Role(authority)],
                "role": ROLE_NAMES[role],
            },
        )
    return authority


def check_citation(*, title: str, article: str, policy: Policy) -> None:
    """Refuse an overriding rule that is not cited with title and article (``decision.override_uncited``, ZY-74)."""
    if policy.decision.override_needs_citation and not (title.strip() and article.strip()):
        raise Refusal("decision.override_uncited", rule=binding(policy=policy, rules=("ZY-74", "SYS-OVERRIDE")))


def check_opinion_issuer(*, issuer: Role | None, policy: Policy) -> None:
    """Refuse a review opinion that the county government did not issue (``decision.opinion_issuer``, ZY-67)."""
    wanted = policy.feasibility.opinion_issuer
    rule = binding(policy=policy, rules=("ZY-67",))
    if rule and issuer != wanted:
        raise Refusal("decision.opinion_issuer", rule=rule, facts={"issuer": ROLE_NAMES[Role(wanted)]})


def check_set(*, kinds: Collection[str], policy: Policy, reasons: Mapping[str, str] | None = None) -> None:
    """Refuse a decision without one report, one opinion and one set of formalities (ZY-69, where it binds).

    ``kinds`` are those of the set that count, ``reasons`` say why one that is there does not. Raises ``Refusal``
    ``decision.set_incomplete`` naming what lacks.
    """
    rule = binding(policy=policy, rules=("ZY-69",))
    wanted = {SET_KINDS.get(part, part): name for part, name in policy.feasibility.decision_set.items()}
    why = {kind: f"({reason})" for kind, reason in (reasons or {}).items()}
    missing = [f"{name}{why.get(kind, '')}" for kind, name in wanted.items() if kind not in kinds]
    if rule and missing:
        raise Refusal("decision.set_incomplete", rule=rule, facts={"missing": "、".join(missing)})


def check_feasibility(*, events: Collection[str], policy: Policy) -> None:
    """Refuse a decision before the content review (HS-12) and the costing (HS-23 to HS-25), where these bind.

    ``events`` are the types of the project's chain. Raises ``Refusal`` ``decision.feasibility_missing``.
    """
    for event, rule in _STEPS:
        if event not in events and binding(policy=policy, rules=(rule,)):
            raise Refusal("decision.feasibility_missing", rule=rule, facts={"step": sentence(f"decision.step.{event}")})


def check_approver(*, role: Role, policy: Policy) -> None:
    """Refuse a body that neither issues nor voids approval documents (``decision.wrong_approver``, ZY-70)."""
    issuer = policy.decision.approval_issuer
    if role != issuer:
        raise Refusal(
            "decision.wrong_approver",
            rule=binding(policy=policy, rules=("ZY-70", "SYS-APPROVAL-ISSUER")),
            facts={"issuer": ROLE_NAMES[Role(issuer)], "role": ROLE_NAMES[role]},
        )


def check_approval(*, role: Role, decided_on: date, approved_on: date, policy: Policy) -> None:
    """Refuse an approval by another body than policy names (ZY-70), or dated before its decision (ZY-71).

    Raises ``Refusal`` ``decision.wrong_approver`` or ``decision.after_approval``.
    """
    check_approver(role=role, policy=policy)
    if policy.decision.before_approval and decided_on > approved_on:
        raise Refusal(
            "decision.after_approval",
            rule=binding(policy=policy, rules=("ZY-71", "SYS-DECISION-DATE")),
            facts={"decided_on": decided_on.isoformat(), "approved_on": approved_on.isoformat()},
        )
