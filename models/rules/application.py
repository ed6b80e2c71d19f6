"""Rules of the application (S03): what a plan book or form must hold, who the team must have, how the budget adds up.

Pure; called by ``commands.application`` for inline plan books and for uploaded forms alike. Never sees a person's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding

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


def check_gaps(*, gaps: tuple[str, ...], policy: Policy) -> None:
    """Refuse to return an application without saying what is missing (ZY-14). Raises ``application.gaps_missing``."""
    if not gaps or not all(gap.strip() for gap in gaps):
        raise Refusal("application.gaps_missing", rule=binding(policy=policy, rules=("ZY-14", "SYS-GAPS")))


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
