"""Rules of the application (S03): what a plan book or form must hold, what it may be returned for, when it is accepted.

Pure; called by ``commands.application`` for inline plan books and for uploaded forms alike. Never sees a person's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from models.core.actors import Actor, Role
from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding

_AT_THE_DESK: Final = ("in_library", "submitted", "returned")
"""Project states before anything is earned."""

_PLAN_NAMES: Final = {"steps": "plan"}
"""A plan book calls 步骤 what a form calls 方案; the text stands under ``plan``."""


@dataclass(frozen=True)
class BudgetLine:
    """One line of the applied budget; ``channel`` is a funding source code."""

    category: str
    channel: str
    amount: Money


@dataclass(frozen=True)
class Form:
    """A filled-in application: part code → text, budget lines, the roles the team holds, the total it states."""

    parts: Mapping[str, str]
    budget: tuple[BudgetLine, ...]
    team_roles: tuple[str, ...]
    total: Money | None


def check_form(*, form: Form, policy: Policy) -> Money:
    """Return the total of an application that is complete and adds up.

    Raises ``Refusal``: ``application.incomplete`` with every missing part and role at once (HS-01 or ZY-18, ZY-17),
    ``application.channel_unknown`` (ZY-46), ``application.amount_not_positive`` (SYS-AMOUNT),
    ``application.total_differs`` (SYS-TOTAL).
    """
    gaps = (*_missing_parts(form, policy), *_missing_roles(form, policy))
    if gaps:
        missing = "、".join(gap.field or "" for gap in gaps)
        raise Refusal("application.incomplete", rule=gaps[0].rule, facts={"gaps": missing}, details=gaps)
    sources = policy.funding.sources
    unknown = [line.channel for line in form.budget if line.channel not in sources]
    if unknown:
        rule = binding(policy=policy, rules=("ZY-46", "SYS-CODE-LIST"))
        facts = {"channels": "、".join(dict.fromkeys(unknown)), "known": "、".join(sources)}
        raise Refusal("application.channel_unknown", rule=rule, facts=facts)
    wrong = [str(number) for number, line in enumerate(form.budget, start=1) if line.amount <= Money.ZERO]
    if wrong:
        raise Refusal("application.amount_not_positive", rule="SYS-AMOUNT", facts={"lines": "、".join(wrong)})
    total = Money.total(line.amount for line in form.budget)
    if form.total is not None and form.total != total:
        facts = {"stated": form.total.plain(), "sum": total.plain()}
        raise Refusal("application.total_differs", rule="SYS-TOTAL", facts=facts)
    return total


@dataclass(frozen=True)
class Gap:
    """One thing that is missing. ``about`` is the guide's condition, attachment or design point it rests on ("" for
    words alone), ``part`` the part of the application it concerns, ``text`` what is missing, as told."""

    text: str
    about: str = ""
    part: str = ""
    mechanical: bool = False

    @property
    def key(self) -> str:
        """What makes two gaps the same: the condition and part they rest on, words only where there is neither."""
        return f"{self.about}/{self.part}" if self.about or self.part else self.text


@dataclass(frozen=True)
class Finding:
    """What the reviewer found of one condition of the guide."""

    condition: str
    met: bool


@dataclass(frozen=True)
class Case:
    """A submitted application as the review sees it.

    ``conditions`` are those of the pinned guide (``None`` without one), ``required`` its required attachments by code,
    ``attached`` the kinds attached, ``design`` the six points as filled in, ``told`` the keys of the gaps of earlier
    returns (``None`` before the first), ``changed`` the parts that differ from the submission returned last.
    """

    conditions: frozenset[str] | None
    required: Mapping[str, str]
    attached: frozenset[str]
    design: Mapping[str, str]
    told: frozenset[str] | None
    changed: frozenset[str]


def found_gaps(*, case: Case, policy: Policy) -> tuple[Gap, ...]:
    """Return every gap a machine can see: required attachments that are missing (ZY-14), design points left open where
    ZY-04 binds."""
    missing = [
        Gap(sentence("application.gap.attachment", {"name": name}), code, f"attachment:{code}", mechanical=True)
        for code, name in case.required.items()
        if code not in case.attached
    ]
    if binding(policy=policy, rules=("ZY-04",)):
        missing += [
            Gap(
                sentence("application.gap.design", {"name": label}), f"design:{code}", f"design:{code}", mechanical=True
            )
            for code, label in policy.library.design_items.items()
            if not case.design.get(code, "").strip()
        ]
    return tuple(missing)


def check_gaps(*, gaps: tuple[str, ...], policy: Policy) -> None:
    """Refuse to return an application without saying what is missing (ZY-14). Raises ``application.gaps_missing``."""
    if not gaps or not all(gap.strip() for gap in gaps):
        raise Refusal("application.gaps_missing", rule=binding(policy=policy, rules=("ZY-14", "SYS-GAPS")))


def check_words(*, gaps: tuple[str, ...], policy: Policy) -> None:
    """Refuse a gap that says nothing (ZY-14). Raises ``application.gaps_missing``."""
    if any(not gap.strip() for gap in gaps):
        raise Refusal("application.gaps_missing", rule=binding(policy=policy, rules=("ZY-14", "SYS-GAPS")))


def check_not_accepted(*, accepted: bool) -> None:
    """Refuse to accept one submission twice, or to return it after that.

    Raises ``Refusal`` ``application.accepted_already`` (SYS-STATE).
    """
    if accepted:
        raise Refusal("application.accepted_already", rule="SYS-STATE")


def check_own(*, actor: Actor, submitter: str | None) -> None:
    """Refuse a purchaser or contractor that touches what another account submitted (``application.not_yours``).

    ``submitter`` is the account of the project's first submission (``role:id``), ``None`` before there is one.
    """
    if actor.role in (Role.PURCHASER, Role.CONTRACTOR) and submitter not in (None, str(actor)):
        raise Refusal("application.not_yours", rule="SYS-ROLE")


def check_withdrawal(*, actor: Actor, submitter: str | None, state: str, requested: bool, approved_once: bool) -> None:
    """Refuse to withdraw what was approved once, and another's appraised project without the written request.

    A bureau that applied is the same applicant under any of its accounts. Raises ``Refusal`` (SYS-WITHDRAW)
    ``application.approved_once``, ``application.request_missing``.
    """
    if approved_once:
        raise Refusal("application.approved_once", rule="SYS-WITHDRAW")
    bureaus = (Role.CITY_BUREAU, Role.COUNTY_BUREAU)
    own = str(actor) == submitter or (actor.role in bureaus and (submitter or "").startswith(f"{actor.role}:"))
    if state not in _AT_THE_DESK and not own and not requested:
        raise Refusal("application.request_missing", rule="SYS-WITHDRAW")


def check_return(*, gaps: tuple[Gap, ...], case: Case, policy: Policy) -> tuple[Gap, ...]:
    """Return all gaps to be told, the reviewer's first, then those a machine sees.

    Raises ``Refusal`` ``application.gaps_missing`` (ZY-14), ``application.gap_without_condition`` and
    ``application.condition_unknown`` (ZY-15), ``application.not_told_before`` (BJ-56).
    """
    everything = (*gaps, *found_gaps(case=case, policy=policy))
    check_gaps(gaps=tuple(gap.text for gap in everything), policy=policy)
    if case.conditions is not None and (bare := [gap.text for gap in gaps if not gap.about]):
        rule = binding(policy=policy, rules=("ZY-15", "SYS-GUIDE"))
        raise Refusal("application.gap_without_condition", rule=rule, facts={"count": len(bare)})
    check_cited(cited=tuple(gap.about for gap in gaps if gap.about), case=case, policy=policy)
    _check_told_once(gaps=gaps, case=case, policy=policy)
    return tuple({gap.key: gap for gap in everything}.values())


def check_cited(*, cited: tuple[str, ...], case: Case, policy: Policy) -> None:
    """Refuse a condition that the pinned guide does not hold (ZY-15). Raises ``application.condition_unknown``."""
    if strange := sorted(set(cited) - (case.conditions or frozenset())):
        rule = binding(policy=policy, rules=("ZY-15", "SYS-GUIDE"))
        raise Refusal("application.condition_unknown", rule=rule, facts={"codes": "、".join(strange)})


def check_accepted(*, findings: tuple[Finding, ...], case: Case, policy: Policy) -> None:
    """Refuse to accept an application that was not reviewed against exactly its guide's conditions, or misses one.

    Raises ``Refusal`` ``application.condition_unknown``, ``application.condition_dropped`` (ZY-15),
    ``application.still_missing`` (ZY-14).
    """
    check_cited(cited=tuple(item.condition for item in findings), case=case, policy=policy)
    looked_at = [item.condition for item in findings]
    dropped = sorted((case.conditions or frozenset()) - set(looked_at))
    if dropped or len(set(looked_at)) != len(looked_at):
        rule = binding(policy=policy, rules=("ZY-15", "SYS-GUIDE"))
        raise Refusal("application.condition_dropped", rule=rule, facts={"codes": "、".join(dropped or looked_at)})
    missing = [gap.text for gap in found_gaps(case=case, policy=policy)]
    missing += [item.condition for item in findings if not item.met]
    if missing:
        rule = binding(policy=policy, rules=("ZY-14", "SYS-GAPS"))
        raise Refusal("application.still_missing", rule=rule, facts={"gaps": "、".join(missing)})


def check_public_benefit(*, public_benefit: bool | None, policy: Policy) -> None:
    """Refuse a project that is not mainly non-commercial and for the public good (ZY-123).

    Raises ``Refusal`` ``application.nature_unstated``, ``application.commercial``.
    """
    rule = binding(policy=policy, rules=("ZY-123",))
    if public_benefit is None and rule:
        raise Refusal("application.nature_unstated", rule=rule)
    if public_benefit is False:
        raise Refusal("application.commercial", rule=rule or "SYS-PUBLIC-BENEFIT")


def check_reviewed(*, pinned: bool, accepted: bool, policy: Policy) -> None:
    """Refuse to go on with an application whose guide's conditions nobody looked at: they were dropped (ZY-15).

    Raises ``Refusal`` ``application.not_accepted``. Without a guide there is nothing to look at.
    """
    if pinned and not accepted:
        raise Refusal("application.not_accepted", rule=binding(policy=policy, rules=("ZY-15", "SYS-GUIDE")))


def check_attachment(*, kind: str, known: Mapping[str, str] | None, policy: Policy) -> None:
    """Refuse a file of a kind the guide does not ask for (ZY-14). Raises ``application.attachment_unknown``."""
    if known is not None and kind not in known:
        rule = binding(policy=policy, rules=("ZY-14", "SYS-GUIDE"))
        facts = {"kind": kind, "known": "、".join(f"{code}({name})" for code, name in known.items())}
        raise Refusal("application.attachment_unknown", rule=rule, facts=facts)


def check_design(*, design: Mapping[str, str], policy: Policy) -> None:
    """Refuse a design point nobody asks for. Raises ``Refusal`` ``application.design_unknown`` (SYS-CODE-LIST)."""
    known = policy.library.design_items
    if strange := sorted(set(design) - set(known)):
        facts = {"codes": "、".join(strange), "known": "、".join(known)}
        raise Refusal("application.design_unknown", rule="SYS-CODE-LIST", facts=facts)


def _check_told_once(*, gaps: tuple[Gap, ...], case: Case, policy: Policy) -> None:
    """A second return may name only what was told before or what changed since (BJ-56; under a guide SYS-TOLD-ONCE).

    A gap a machine sees is no new demand: all of them were told at the first return.
    """
    rule = binding(policy=policy, rules=("BJ-56",)) or ("SYS-TOLD-ONCE" if case.conditions is not None else None)
    if rule is None or case.told is None:
        return
    fresh = [gap for gap in gaps if gap.key not in case.told and (not gap.part or gap.part not in case.changed)]
    if fresh:
        raise Refusal("application.not_told_before", rule=rule, facts={"count": len(fresh)})


def _missing_parts(form: Form, policy: Policy) -> Iterator[Detail]:
    plan_book = policy.application.plan_book_parts
    rules = ("HS-01", "SYS-FORM-PARTS") if plan_book else ("ZY-18", "SYS-FORM-PARTS")
    for code, label in (plan_book or policy.application.form_parts).items():
        filled = bool(form.budget) if code == "budget" else form.parts.get(_PLAN_NAMES.get(code, code), "").strip()
        if not filled:
            rule = binding(policy=policy, rules=rules)
            yield Detail(problem=sentence("application.part_missing"), field=label, rule=rule)


def _missing_roles(form: Form, policy: Policy) -> Iterator[Detail]:
    for code, label in policy.application.team_roles.items():
        if code not in form.team_roles:
            rule = binding(policy=policy, rules=("ZY-17", "SYS-TEAM"))
            yield Detail(problem=sentence("application.role_missing"), field=label, rule=rule)
