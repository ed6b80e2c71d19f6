"""The roster of review experts (S05): who may be drawn for a panel. Names are sealed on arrival and never leave."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlmodel import col, or_, select

from models.commands import events
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.registry import command
from models.rules.review import Tie, check_expert
from models.tables.review import Expert

EXPERT_STREAM = "expert"


class TieGiven(BaseModel):
    """A declared tie: an organisation by name or code, its kind, the day it ended. A plain text is one that lasts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    organisation: str = Field(min_length=1, description="单位名称或统一社会信用代码")
    kind: str = Field(default="other", description="利害关系类别")
    ended_on: date | None = Field(default=None, description="关系终止日期;仍存在的不填")


def _as_tie(value: object) -> object:
    return {"organisation": value} if isinstance(value, str) else value


DeclaredTie = Annotated[TieGiven, BeforeValidator(_as_tie, json_schema_input_type=TieGiven | str)]


class ExpertRegistered(BaseModel):
    """The new roster entry."""

    model_config = ConfigDict(frozen=True)

    id: str
    category: str


@command("review.register_expert", roles=(Role.EVALUATION_OFFICE, Role.CITY_BUREAU), clause="ZY-20")
def register_expert(
    ctx: Context,
    *,
    name: Annotated[str, Field(min_length=1, max_length=60, description="专家姓名")],
    category: Annotated[str, Field(description="专家类别")],
    employer: Annotated[str, Field(min_length=1, max_length=120, description="工作单位")],
    skills: Annotated[tuple[str, ...], Field(description="专长")] = (),
    ties: Annotated[tuple[DeclaredTie, ...], Field(description="利害关系单位")] = (),
    account: Annotated[str | None, Field(min_length=1, description="登录账号")] = None,
    region: str | None = None,
) -> ExpertRegistered:
    """Put an expert on the roster of a region, with the ties known so far.

    Raises ``Refusal`` ``review.unknown_category`` (ZY-20), ``review.unknown_tie``, or ``review.expert_known`` when the
    same person of the same employer, or the account, is on the roster already.
    """
    policy = ctx.policy(region=region or ctx.services.region)
    check_expert(category=category, ties=tuple(as_tie(tie) for tie in ties), policy=policy)
    vault = ctx.services.vault
    name_hash = vault.lookup(name.strip())
    with ctx.writing() as session:
        same = (
            (col(Expert.region) == policy.region)
            & (col(Expert.name_hash) == name_hash)
            & (col(Expert.employer) == employer)
        )
        taken = same if account is None else or_(same, col(Expert.account) == account)
        known = session.exec(select(Expert.id).where(taken)).first()
        if known is not None:
            raise Refusal("review.expert_known", rule="SYS-ROSTER", facts={"id": known})
        expert = Expert(
            id=ctx.new_id("exp"),
            region=policy.region,
            category=category,
            employer=employer,
            skills=list(skills),
            ties=[tie.model_dump(mode="json") for tie in ties],
            name_sealed=vault.seal(name.strip()),
            name_hash=name_hash,
            account=account,
            registered_on=ctx.as_of,
            synthetic=ctx.services.rehearsal,
        )
        session.add(expert)
        events.append(
            session,
            ctx,
            stream_kind=EXPERT_STREAM,
            stream_id=expert.id,
            type="expert.registered",
            payload={"expert_id": expert.id, "category": category, "ties": len(ties), "policy_digest": policy.digest},
        )
        return ExpertRegistered(id=expert.id, category=category)


def as_tie(tie: TieGiven) -> Tie:
    """Return a tie as rules take it."""
    return Tie(tie.organisation, tie.kind, tie.ended_on)
