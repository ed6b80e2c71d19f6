"""The roster of review experts (S05): who may be drawn for a panel. Names are sealed on arrival and never leave.

Every change leaves a version behind (``expert_version``), so that a panel of years ago can be judged by what was known.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlmodel import Session, col, or_, select

from models.commands import events, seats
from models.context import Context
from models.core.actors import HANDLERS
from models.core.errors import Refusal
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.registry import command
from models.ports import Vault
from models.queries.reader import found
from models.rules.review import Tie, check_expert
from models.tables.review import Expert, ExpertVersion

EXPERT_STREAM = "expert"


class TieGiven(BaseModel):
    """A declared tie: an organisation by name or code, its kind, the day it ended. A plain text is one that lasts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    organisation: str = Field(min_length=1, description="单位名称或统一社会信用代码")
    kind: str = Field(default="other", description="利害关系类别")
    ended_on: date | None = Field(default=None, description="关系终止日期;仍存在的不填")


class PastRole(BaseModel):
    """A position held at an organisation, and the day it ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    organisation: str = Field(min_length=1, description="曾任职单位名称或统一社会信用代码")
    ended_on: date | None = Field(default=None, description="离任日期;不详的不填,按近年任职处理")


class Relative(BaseModel):
    """A relative as recorded: of which relation, at which organisation, and the name (kept as keyed hash only)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    relation: str = Field(min_length=1, description="亲属关系")
    organisation: str = Field(default="", description="亲属所在单位")
    person: str = Field(default="", description="亲属姓名,只存密钥摘要")


def _as_tie(value: object) -> object:
    return {"organisation": value} if isinstance(value, str) else value


DeclaredTie = Annotated[TieGiven, BeforeValidator(_as_tie, json_schema_input_type=TieGiven | str)]


class ExpertRegistered(BaseModel):
    """The roster entry as it stands now, and which version of it that is."""

    model_config = ConfigDict(frozen=True)

    id: str
    category: str
    version: int = 1


class ExpertAmended(ExpertRegistered):
    """The amended entry, and the open rounds whose seat the expert had to leave for what is on record now."""

    left: tuple[str, ...]


@command("review.register_expert", roles=HANDLERS, clause="ZY-20")
def register_expert(
    ctx: Context,
    *,
    name: Annotated[str, Field(min_length=1, max_length=60, description="专家姓名")],
    category: Annotated[str, Field(description="专家类别")],
    employer: Annotated[str, Field(min_length=1, max_length=120, description="工作单位")],
    skills: Annotated[tuple[str, ...], Field(description="专长")] = (),
    ties: Annotated[tuple[DeclaredTie, ...], Field(description="利害关系单位")] = (),
    account: Annotated[str | None, Field(min_length=1, description="登录账号")] = None,
    past_roles: Annotated[tuple[PastRole, ...], Field(description="曾任职单位")] = (),
    kin: Annotated[tuple[Relative, ...], Field(description="亲属关系")] = (),
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
        _check_new(session, region=policy.region, name_hash=name_hash, employer=employer, account=account)
        expert = Expert(
            id=ctx.new_id("exp"),
            region=policy.region,
            category=category,
            employer=employer,
            skills=list(skills),
            ties=[tie.model_dump(mode="json") for tie in ties],
            past_roles=[role.model_dump(mode="json") for role in past_roles],
            kin=[_kept(relative, vault) for relative in kin],
            name_sealed=vault.seal(name.strip()),
            name_hash=name_hash,
            account=account,
            registered_on=ctx.as_of,
            synthetic=ctx.services.rehearsal,
        )
        session.add(expert)
        session.flush()
        keep_version(session, ctx, expert)
        events.append(
            session,
            ctx,
            stream_kind=EXPERT_STREAM,
            stream_id=expert.id,
            type="expert.registered",
            payload={"expert_id": expert.id, "category": category, "ties": len(ties), "policy_digest": policy.digest},
        )
        return ExpertRegistered(id=expert.id, category=category)


def _check_new(session: Session, *, region: str, name_hash: str, employer: str, account: str | None) -> None:
    same = (col(Expert.region) == region) & (col(Expert.name_hash) == name_hash) & (col(Expert.employer) == employer)
    taken = same if account is None else or_(same, col(Expert.account) == account)
    known = session.exec(select(Expert.id).where(taken)).first()
    if known is not None:
        raise Refusal("review.expert_known", rule="SYS-ROSTER", facts={"id": known})


@command("review.amend_expert", roles=HANDLERS, clause="ZY-20")
def amend_expert(
    ctx: Context,
    *,
    expert: Annotated[str, Field(description="专家编号")],
    category: Annotated[str | None, Field(description="专家类别")] = None,
    employer: Annotated[str | None, Field(min_length=1, max_length=120, description="工作单位")] = None,
    skills: Annotated[tuple[str, ...] | None, Field(description="专长")] = None,
    past_roles: Annotated[tuple[PastRole, ...], Field(description="补充曾任职单位")] = (),
    kin: Annotated[tuple[Relative, ...], Field(description="补充亲属关系")] = (),
) -> ExpertAmended:
    """Amend a roster entry; the earlier version is kept and a left employer becomes a past role. Ties are only added.

    A seat in an open round that a new employer, role or relative forbids is left at once: the sheet is voided, not
    deleted, and the substitute seated (SYS-RECUSAL). Raises ``Refusal`` ``review.unknown_category`` (ZY-20),
    ``review.nothing_amended``.
    """
    with ctx.writing() as session:
        row = found(session.get(Expert, expert, with_for_update=True), kind="expert", id=expert)
        before = digest(_entry(row))
        check_expert(category=category or row.category, ties=(), policy=ctx.policy(region=row.region))
        roles = [role.model_dump(mode="json") for role in past_roles]
        if employer is not None and employer != row.employer:
            roles.append(PastRole(organisation=row.employer, ended_on=ctx.as_of).model_dump(mode="json"))
        row.category, row.employer = category or row.category, employer or row.employer
        row.skills = row.skills if skills is None else list(skills)
        row.past_roles = [*row.past_roles, *roles]
        row.kin = [*row.kin, *(_kept(relative, ctx.services.vault) for relative in kin)]
        if digest(_entry(row)) == before:
            raise Refusal("review.nothing_amended", rule="SYS-ROSTER")
        row.version += 1
        keep_version(session, ctx, row)
        events.append(
            session,
            ctx,
            stream_kind=EXPERT_STREAM,
            stream_id=row.id,
            type="expert.amended",
            payload={"expert_id": row.id, "version": row.version, "category": row.category},
        )
        left = seats.leave_tied(session, ctx, member=row, reason=sentence("review.conflict_recorded"))
        return ExpertAmended(id=row.id, category=row.category, version=row.version, left=left)


def keep_version(session: Session, ctx: Context, row: Expert) -> None:
    """Write the present state of a roster entry as its version ``row.version``."""
    entry = _entry(row)
    session.add(row)
    session.add(
        ExpertVersion(
            id=ctx.new_id("expv", row.id, str(row.version)),
            expert_id=row.id,
            number=row.version,
            entry=entry,
            digest=digest(entry),
            recorded_on=ctx.as_of,
        )
    )
    session.flush()


def _entry(row: Expert) -> dict[str, object]:
    kept = ("category", "employer", "skills", "ties", "past_roles", "kin")
    return {name: getattr(row, name) for name in kept}


def _kept(relative: Relative, vault: Vault) -> dict[str, str]:
    """Return a relative as stored: the name only as the keyed hash under which equal names meet."""
    person = relative.person.strip()
    return {
        "relation": relative.relation,
        "organisation": relative.organisation,
        "person_hash": vault.lookup(person) if person else "",
    }


def as_tie(tie: TieGiven) -> Tie:
    """Return a tie as rules take it."""
    return Tie(tie.organisation, tie.kind, tie.ended_on)
