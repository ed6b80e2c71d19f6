"""Rules of "one report, one opinion, one set" (S04): the county's opinion, the formalities, and what counts of them.

Pure; called by ``commands.feasibility_opinion``, ``commands.feasibility_formalities`` and ``queries.feasibility_set``.
Never reads the database.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.decision import SET_KINDS
from models.rules.force import binding

REPORT: Final = SET_KINDS["report"]
OPINION: Final = SET_KINDS["opinion"]
FORMALITIES: Final = SET_KINDS["formalities"]


@dataclass(frozen=True)
class OnFile:
    """What a project has: the digest of its newest report and whether the newest appraisal stands behind it; the digest
    the newest opinion is pinned to and its result; the formalities its newest checklist answers; which of these kinds a
    modification voided."""

    report: str | None
    report_current: bool
    opinion_on: str | None
    opinion_positive: bool
    formalities: frozenset[str] | None
    voided: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Standing:
    """The kinds of the decision set that count, and for each that does not although it is there, why."""

    kinds: frozenset[str]
    reasons: dict[str, str]


def check_issuer(*, role: Role, policy: Policy) -> None:
    """Refuse an opinion of any body but the county government (``feasibility.opinion_issuer``, ZY-67)."""
    issuer = Role(policy.feasibility.opinion_issuer)
    if role is not issuer:
        raise Refusal(
            "feasibility.opinion_issuer",
            rule=binding(policy=policy, rules=("ZY-67", "SYS-OPINION-ISSUER")),
            facts={"issuer": ROLE_NAMES[issuer], "role": ROLE_NAMES[role]},
        )


def check_pinned(*, report: str | None, given: str, policy: Policy) -> None:
    """Refuse an opinion on anything but the newest report (``feasibility.no_report``, ``feasibility.other_report``)."""
    rule = binding(policy=policy, rules=("ZY-67", "SYS-OPINION-PIN"))
    if report is None:
        raise Refusal("feasibility.no_report", rule=rule)
    if given != report:
        raise Refusal("feasibility.other_report", rule=rule, facts={"given": given[:12], "newest": report[:12]})


def asked(*, payer: str, policy: Policy) -> tuple[str, ...]:
    """Return the formalities a project of this payer class needs, in the order of policy."""
    wanted = policy.feasibility.formality_types.get(payer, tuple(policy.feasibility.formalities))
    return tuple(code for code in policy.feasibility.formalities if code in wanted)


def check_formality(*, code: str, payer: str, has_file: bool, not_applicable: str, policy: Policy) -> None:
    """Refuse a formality this kind of project does not know, and one with neither or both of a paper and a reason.

    Raises ``Refusal`` ``feasibility.formality_unknown``, ``feasibility.formality_either`` (ZY-68).
    """
    names = policy.feasibility.formalities
    wanted = asked(payer=payer, policy=policy)
    if code not in wanted:
        facts = {"code": code, "known": "、".join(f"{one}({names[one]})" for one in wanted)}
        raise Refusal("feasibility.formality_unknown", rule="SYS-CODE-LIST", facts=facts)
    if has_file == bool(not_applicable.strip()):
        rule = binding(policy=policy, rules=("ZY-68", "SYS-FORMALITY"))
        raise Refusal("feasibility.formality_either", rule=rule, facts={"name": names[code]})


def check_complete(*, answered: Collection[str], payer: str, policy: Policy) -> None:
    """Refuse a checklist with open items, all at once (``feasibility.formalities_open``, ZY-68)."""
    rule = binding(policy=policy, rules=("ZY-68", "SYS-FORMALITY"))
    missing = tuple(
        Detail(problem=sentence("feasibility.formality_open"), field=policy.feasibility.formalities[code], rule=rule)
        for code in asked(payer=payer, policy=policy)
        if code not in answered
    )
    if missing:
        facts = {"gaps": "、".join(str(gap.field) for gap in missing)}
        raise Refusal("feasibility.formalities_open", rule=rule, facts=facts, details=missing)


def standing(*, on_file: OnFile, payer: str, policy: Policy) -> Standing:
    """Return what of the decision set counts: the report of the newest appraisal, the favourable opinion on that very
    report, the checklist that answers all that is asked today."""
    reasons: dict[str, str] = {}
    if on_file.report is not None and not on_file.report_current:
        reasons[REPORT] = sentence("feasibility.stale.report")
    if on_file.opinion_on is not None:
        if on_file.opinion_on != on_file.report:
            reasons[OPINION] = sentence("feasibility.stale.opinion")
        elif not on_file.opinion_positive:
            reasons[OPINION] = sentence("feasibility.stale.negative")
    answered = on_file.formalities
    if answered is not None and not set(asked(payer=payer, policy=policy)) <= answered:
        reasons[FORMALITIES] = sentence("feasibility.stale.formalities")
    reasons |= dict.fromkeys(on_file.voided, sentence("feasibility.stale.voided"))
    there = {REPORT: on_file.report, OPINION: on_file.opinion_on, FORMALITIES: answered}
    kinds = frozenset(kind for kind, one in there.items() if one is not None and kind not in reasons)
    return Standing(kinds, reasons)
