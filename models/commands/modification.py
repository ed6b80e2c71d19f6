"""What a modification may ask for (S08): its arguments, and what no change may make of a project.

Called by ``commands.decision_change``, which writes what is allowed. Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands.ledger import Amount
from models.context import Context
from models.core.errors import Refusal
from models.core.money import Money
from models.policy.schema import Policy
from models.queries.publicity import latest_round
from models.queries.review import objection_upheld
from models.rules import decision_records as rules
from models.rules.application import BudgetLine, Form, check_form
from models.rules.funding import check_channel
from models.tables.application import Application, ApplicationBudgetLine, ApplicationTeamMember


class NewLine(BaseModel):
    """One line of the budget as it shall be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: Annotated[str, Field(min_length=1, max_length=100, description="支出类别")]
    channel: Annotated[str, Field(description="资金渠道")]
    amount: Annotated[Amount, Field(description="金额")]


class Term(BaseModel):
    """The term as it shall be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    starts_on: Annotated[date, Field(description="计划开始日期")]
    ends_on: Annotated[date, Field(description="计划完成日期")]


class Changes(BaseModel):
    """What shall change; what is left out stays. ``content`` is part of the application → its new text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str | None, Field(min_length=2, max_length=200, description="项目名称")] = None
    payer: Annotated[str | None, Field(description="出资类别")] = None
    period: Annotated[Term | None, Field(description="实施期限")] = None
    budget: Annotated[tuple[NewLine, ...] | None, Field(min_length=1, max_length=200, description="预算")] = None
    content: Annotated[dict[str, str] | None, Field(description="申报书各部分的新内容")] = None


def check(
    session: Session,
    ctx: Context,
    *,
    changes: Changes,
    application: Application,
    lines: Sequence[ApplicationBudgetLine],
    policy: Policy,
) -> None:
    """Refuse changes no applicant could have handed in: unknown codes, a term over already, parts left empty.

    Raises ``Refusal`` ``decision.unknown_payer``, ``decision.unknown_part``, ``decision.period_reversed``,
    ``decision.period_over``, ``funding.channel_unknown`` and those of ``rules.application.check_form``.
    """
    if changes.payer is not None and changes.payer not in policy.decision.payer_classes:
        facts = {"payer": changes.payer, "known": "、".join(policy.decision.payer_classes)}
        raise Refusal("decision.unknown_payer", rule="SYS-CODE-LIST", facts=facts)
    if changes.period is not None:
        rules.check_term(starts_on=changes.period.starts_on, ends_on=changes.period.ends_on, as_of=ctx.as_of)
    unknown = sorted((changes.content or {}).keys() - application.parts.keys())
    if unknown:
        facts = {"given": "、".join(unknown), "known": "、".join(application.parts)}
        raise Refusal("decision.unknown_part", rule="SYS-CODE-LIST", facts=facts)
    for line in changes.budget or ():
        check_channel(channel=line.channel, note=line.category, policy=policy)
    if changes.content or changes.budget:
        # an old form that stays is held to the policy it was handed in under; new money to that of today
        held_to = policy if changes.budget else ctx.policy(region=policy.region, on=application.submitted_on)
        check_form(form=_merged(session, changes, application, lines), policy=held_to)


def _merged(
    session: Session, changes: Changes, application: Application, lines: Sequence[ApplicationBudgetLine]
) -> Form:
    roles = session.exec(
        select(ApplicationTeamMember.role).where(col(ApplicationTeamMember.application_id) == application.id)
    ).all()
    new = [BudgetLine(line.category, line.channel, Money(line.amount.fen)) for line in changes.budget or ()]
    return Form(
        parts={**application.parts, **(changes.content or {})},
        budget=tuple(new or [BudgetLine(line.category, line.channel, Money(line.amount_fen)) for line in lines]),
        team_roles=tuple(roles),
        total=None,
    )


def check_panel(session: Session, *, project: str, parts: Collection[str]) -> None:
    """Refuse a change that would do away with a review the project failed: another panel is not drawn that way.

    Raises ``Refusal`` ``decision.panel_failed`` (SYS-MODIFICATION); not where an upheld objection overthrew it.
    """
    newest = latest_round(session, project)
    failed = newest is not None and newest.passed is False and not objection_upheld(session, project)
    if failed and "review" in parts:
        raise Refusal("decision.panel_failed", rule="SYS-MODIFICATION")
