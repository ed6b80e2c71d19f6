"""The plan book (项目计划书) as an argument, and one shape for what was written inline and what came as a form.

Called by ``commands.application``. Decides nothing: ``rules.application`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from models.commands.ledger import Bounded
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.application import BudgetLine, Form
from models.rules.masking import masked

PARTS: Final = ("background", "concept", "goals", "plan", "expected_effect")

Wording = Annotated[str, Field(max_length=20_000)]


class PlanBudgetLine(BaseModel):
    """One line of the applied budget."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: Annotated[str, Field(min_length=1, max_length=100, description="支出类别")]
    channel: Annotated[str, Field(description="资金渠道")]
    amount: Annotated[Bounded, Field(description="金额")]


class PlanTeamMember(BaseModel):
    """One member of the project team."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Annotated[str, Field(description="团队角色:project_leader、executor、accountable_person、other")]
    name: Annotated[str, Field(min_length=1, max_length=60, description="姓名")]
    contact: Annotated[str, Field(max_length=40, description="联系电话")] = ""
    qualification: Annotated[str, Field(max_length=100, description="资格或职称")] = ""


class PlanBook(BaseModel):
    """A plan book (项目计划书) given inline. Blank parts are refused by the rules; ``steps`` may stand for ``plan``."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    applicant: Annotated[str, Field(max_length=120, description="申报单位")] = ""
    credit_code: Annotated[str, Field(max_length=18, description="统一社会信用代码")] = ""
    background: Annotated[Wording, Field(description="背景")] = ""
    concept: Annotated[Wording, Field(description="设想")] = ""
    goals: Annotated[Wording, Field(description="工作目标")] = ""
    plan: Annotated[
        Wording, Field(validation_alias=AliasChoices("plan", "steps"), description="步骤与方案(也可用 steps)")
    ] = ""
    expected_effect: Annotated[Wording, Field(description="预期效果")] = ""
    starts_on: Annotated[date | None, Field(description="计划开始日期")] = None
    ends_on: Annotated[date | None, Field(description="计划完成日期")] = None
    budget: Annotated[tuple[PlanBudgetLine, ...], Field(max_length=200, description="预算")] = ()
    total: Annotated[Bounded | None, Field(description="预算总额")] = None
    team: Annotated[tuple[PlanTeamMember, ...], Field(max_length=200, description="项目团队")] = ()


def form_of_plan_book(book: PlanBook) -> Form:
    """Return an inline plan book as the rules see it."""
    return Form(
        parts={part: getattr(book, part) for part in PARTS},
        budget=tuple(BudgetLine(line.category, line.channel, line.amount) for line in book.budget),
        team_roles=tuple(member.role for member in book.team),
        total=book.total,
    )


def form_of_row(row: Mapping[str, Any]) -> Form:
    """Return a form that passed the gate as the rules see it."""
    return Form(
        parts={part: row[part] or "" for part in PARTS},
        budget=tuple(BudgetLine(line["category"], line["source"], Money(line["amount"])) for line in row["budget"]),
        team_roles=tuple(member["role"] for member in row["team"]),
        total=Money(row["total"]),
    )


def as_form(book: PlanBook, head: Mapping[str, Any], design: Mapping[str, str]) -> dict[str, object]:
    """Return plan book and design with the keys of the application form, amounts as yuan texts, blanks left out."""
    total = book.total or Money.total(line.amount for line in book.budget)
    entries = {
        "project_name": head["project_name"],
        "need_refs": "、".join(head["need_refs"]),
        "policy_refs": "、".join(head["policy_refs"]),
        **book.model_dump(mode="json", include={*PARTS, "applicant", "credit_code", "starts_on", "ends_on"}),
        "total": str(total.decimal()),
    }
    return {
        **{key: value for key, value in entries.items() if value not in ("", None)},
        "budget": [
            {"category": line.category, "source": line.channel, "amount": str(line.amount.decimal())}
            for line in book.budget
        ],
        "team": [
            {
                "role": member.role,
                "person_name": member.name,
                "qualification": member.qualification,
                "phone": member.contact,
            }
            for member in book.team
        ],
        "design": [{"point": point, "text": text} for point, text in design.items() if text.strip()],
    }


def design_of(row: Mapping[str, Any], beside: Mapping[str, str]) -> dict[str, str]:
    """Return the design of a submission that passed the gate, with what was given ``beside`` an uploaded form."""
    return {**{line["point"]: line["text"] for line in row["design"]}, **beside}


def masked_entry(row: Mapping[str, Any], policy: Policy) -> dict[str, object]:
    """Return the submission as it is filed and archived: names as the public reads them, no phones, amounts in fen."""
    styles = policy.publicity.mask_public
    team = [
        {
            **{key: value for key, value in member.items() if key != "phone"},
            "person_name": masked(field="name", text=member["person_name"], styles=styles),
        }
        for member in row["team"]
    ]
    return {**row, "team": team}
