"""Commands of the project library (S02): a project is born by entering the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from models.commands import transition, work
from models.context import Context
from models.core.actors import Role
from models.core.periods import Period
from models.core.registry import command
from models.queries.reader import project_of
from models.rules.library import Entry, check_entry
from models.tables.kernel import Project

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
    needs: tuple[str, ...] = (),
    policies: tuple[str, ...] = (),
    fund_sources: tuple[str, ...] = (),
    cooperation_modes: tuple[str, ...] = (),
    origin: str | None = None,
    plan_alignment: str = "",
    predecessor: str | None = None,
    region: str | None = None,
) -> ProjectEntered:
    """Enter a project into the library and start its event chain.

    ``needs`` are needs-survey or ledger ids, ``policies`` titles on the policy list, ``predecessor`` the project this
    one follows on (HS-54). Raises ``Refusal`` ``library.link_missing`` (ZY-44), ``library.unknown_code`` (ZY-46).
    """
    policy = ctx.policy(region=region or ctx.services.region)
    entry = Entry(needs, policies, fund_sources, cooperation_modes, origin)
    check_entry(entry=entry, policy=policy)
    with ctx.writing() as session:
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
                kind="library.dispatch",
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
