"""Commands of the project library (S02): a project is born by entering the library; planning dispatches are held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session, col, or_, select

from models.commands import documents, events, transition, work
from models.context import Context
from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Conflict, Refusal
from models.core.messages import sentence
from models.core.periods import Period
from models.core.registry import command
from models.queries.reader import found, project_of
from models.rules.library import Entry, check_entry
from models.tables.kernel import Project, WorkItem
from models.tables.needs import Survey

_DISPATCH: Final = "library.dispatch"
_SURVEY_PREFIX: Final = "sur-"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, Field(min_length=2, max_length=120, description="项目名称")]


class ProjectEntered(BaseModel):
    """The new project: ``id`` and its state."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str


@command("library.enter_project", roles=(Role.EVALUATION_OFFICE, Role.CITY_BUREAU, Role.COUNTY_BUREAU), clause="ZY-44")
def enter_project(
    ctx: Context,
    *,
    name: Name,
    payer: Annotated[str, Field(description="出资类别:government、enterprise、joint")] = "government",
    needs: tuple[Text, ...] = (),
    policies: tuple[Text, ...] = (),
    fund_sources: tuple[str, ...] = (),
    cooperation_modes: tuple[str, ...] = (),
    origin: str | None = None,
    plan_alignment: str = "",
    predecessor: str | None = None,
    region: str | None = None,
) -> ProjectEntered:
    """Enter a project into the library and start its event chain.

    ``needs`` are ids of surveys (``sur-…``, which must exist) or references in words, ``policies`` titles on the policy
    list, ``predecessor`` the project this one follows on (HS-54), ``region`` the one served here or one below it.
    Raises ``Refusal`` ``library.link_missing`` (ZY-44), ``library.unknown_code`` (ZY-46), ``library.region_outside``
    (SYS-REGION), ``kernel.not_found``.
    """
    policy = ctx.policy(region=_served(ctx, region))
    entry = Entry(needs, policies, fund_sources, cooperation_modes, origin, payer)
    check_entry(entry=entry, policy=policy)
    with ctx.writing() as session:
        for need in needs:
            if need.startswith(_SURVEY_PREFIX):
                found(session.get(Survey, need), kind="survey", id=need)
        if predecessor is not None:
            project_of(session, predecessor)
        project = Project(
            id=ctx.new_id("prj"),
            region=policy.region,
            name=name,
            payer=payer,
            state="",
            version=0,
            policy_digest=policy.digest,
            entered_on=ctx.as_of,
            synthetic=ctx.services.rehearsal,
            predecessor_id=predecessor,
            details={
                "needs": list(needs),
                "policies": list(policies),
                "fund_sources": list(fund_sources),
                "cooperation_modes": list(cooperation_modes),
                "origin": origin,
                "plan_alignment": plan_alignment,
            },
        )
        transition.apply(session, ctx, project, payload={"needs": list(needs), "predecessor": predecessor})
        return ProjectEntered(id=project.id, state=f"project.{project.state}")


def _served(ctx: Context, region: str | None) -> str:
    own = ctx.services.region
    if region is not None and not ctx.services.policies.is_within(region, own):
        raise Refusal("library.region_outside", rule="SYS-REGION", facts={"region": region, "own": own})
    return region or own


@dataclass(frozen=True)
class DispatchesOpened:
    """How many dispatch work items stand open for the period, and how many of them are new."""

    dispatches: int


@command("library.open_dispatches", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-40")
def open_dispatches(ctx: Context, *, months: Annotated[int, Field(ge=1, le=12)]) -> DispatchesOpened:
    """Open one work item for everybody who owes a planning dispatch every ``months`` months (ZY-40, ZY-41, ZY-42).

    Due on the last day of the period the date falls into. A region without a dispatch calendar opens none.
    """
    policy = ctx.policy(region=ctx.services.region)
    period = Period.aligned(ctx.as_of, months=months)
    owing = [who for who, cadence in (policy.library.dispatch_months or {}).items() if cadence == months]
    with ctx.writing() as session:
        for who in owing:
            work.open_item(
                session,
                ctx,
                kind=_DISPATCH,
                role=_DISPATCH_ROLES.get(who, Role.EVALUATION_OFFICE),
                subject_kind="dispatch",
                subject_id=f"{policy.region}/{who}/{period.start.isoformat()}/{months}",
                due_on=period.last_day or ctx.as_of,
                clause=policy.clause("library.dispatch_months"),
                resolves_with="library.record_dispatch",
            )
    return DispatchesOpened(dispatches=len(owing))


_DISPATCH_ROLES: Final = {
    "city_bureau": Role.CITY_BUREAU,
    "county_government": Role.COUNTY_GOVERNMENT,
    "township": Role.TOWNSHIP,
    "village": Role.VILLAGE_COMMITTEE,
}


class DispatchRecorded(BaseModel):
    """The dispatch that was held: the subject of its work item, and the document of its minutes."""

    model_config = ConfigDict(frozen=True)

    id: str
    document: str


_OFFICES: Final = (Role.EVALUATION_OFFICE, Role.CITY_BUREAU, Role.COUNTY_BUREAU)


@command(
    "library.record_dispatch",
    roles=(*_OFFICES, Role.COUNTY_GOVERNMENT, Role.TOWNSHIP, Role.VILLAGE_COMMITTEE),
    clause="ZY-40",
)
def record_dispatch(
    ctx: Context,
    *,
    item: Annotated[str, Field(description="待办事项编号或调度编号")],
    minutes: Annotated[Text, Field(description="调度纪要")],
    attendees: Annotated[int, Field(ge=1, le=10**12, description="参加人数")],
    social_orgs_consulted: Annotated[tuple[Text, ...], Field(description="商请的社会组织")] = (),
) -> DispatchRecorded:
    """Record a planning dispatch that was held, with its minutes, and close its work item (ZY-40, ZY-41, ZY-42).

    ``item`` is the id of the work item or of its subject. The event carries counts and the digest of the minutes, never
    their words. Raises ``Refusal`` ``kernel.not_found``, ``library.dispatch_not_yours`` (SYS-ROLE); ``Conflict``
    ``library.dispatch_recorded`` when it was recorded before.
    """
    facts = {
        "minutes": minutes,
        "attendees": attendees,
        "social_orgs": "、".join(social_orgs_consulted) or sentence("library.dispatch.none"),
    }
    paper = sentence("library.dispatch.paper", facts)
    stored = documents.keep(ctx, data=paper.encode(), media_type="text/plain;charset=utf-8")
    with ctx.writing() as session:
        owed = _dispatch_owed(session, ctx, item)
        document = documents.file_upload(
            session,
            ctx,
            stored=stored,
            project_id=None,
            stage="library",
            kind="dispatch_minutes",
            title=sentence("library.dispatch.title", {"on": ctx.as_of.isoformat()}),
            issuer=ROLE_NAMES[Role(owed.role)],
        )
        work.close_item(session, ctx, kind=_DISPATCH, subject_id=owed.subject_id)
        events.append(
            session,
            ctx,
            stream_kind="dispatch",
            stream_id=owed.subject_id,
            type="library.dispatch_recorded",
            payload={
                "attendees": attendees,
                "social_orgs_consulted": len(social_orgs_consulted),
                "minutes_sha256": stored.sha256,
            },
        )
        return DispatchRecorded(id=owed.subject_id, document=document.id)


def _dispatch_owed(session: Session, ctx: Context, item: str) -> WorkItem:
    """Return the open work item; those who work at the offices may record the dispatch of a place below."""
    named = or_(col(WorkItem.id) == item, col(WorkItem.subject_id) == item)
    statement = select(WorkItem).where(col(WorkItem.kind) == _DISPATCH, named).with_for_update()
    owed = found(session.exec(statement).one_or_none(), kind="work_item", id=item)
    if owed.status != "open":
        on = owed.closed_on.isoformat() if owed.closed_on else ""
        raise Conflict("library.dispatch_recorded", rule="SYS-ALREADY-DONE", facts={"on": on})
    if ctx.actor.role not in {*_OFFICES, owed.role}:
        raise Refusal("library.dispatch_not_yours", rule="SYS-ROLE", facts={"role": ROLE_NAMES[Role(owed.role)]})
    return owed
