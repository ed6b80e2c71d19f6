"""Where a project stands among the units: placed at entry, moved with a reason, rolled up for the ledger (ZY-43)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session, col, select

from models.commands import documents, events
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.queries.library import RollupLine, rollup
from models.queries.reader import project_of
from models.queries.units import root_unit, unit_on
from models.tables.library import Placement

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def place(session: Session, ctx: Context, *, project: str, unit: str, reason: str = "") -> Placement:
    """Let a project stand at a unit from today on; the place before, if any, ends today."""
    rows = session.exec(
        select(Placement).where(col(Placement.project_id) == project).order_by(col(Placement.ordinal))
    ).all()
    if rows:
        rows[-1].until_on = ctx.as_of
        session.add(rows[-1])
    here = Placement(
        id=ctx.new_id("plc", project),
        project_id=project,
        ordinal=len(rows) + 1,
        unit_code=unit,
        from_on=ctx.as_of,
        reason=reason,
    )
    session.add(here)
    session.flush()
    return here


class ProjectMoved(BaseModel):
    """The project and the units it stood and stands at."""

    model_config = ConfigDict(frozen=True)

    id: str
    previous: str
    unit: str


@command("library.move_project", roles=CIVIL_AFFAIRS, clause="ZY-43")
def move_project(
    ctx: Context,
    *,
    project: Annotated[str, Field(description="项目编号")],
    unit: Annotated[str, Field(description="移入单位的区划代码")],
    reason: Annotated[Text, Field(description="原因")],
) -> ProjectMoved:
    """Move a project to another unit; totals of both change, the total above them does not.

    Raises ``Refusal`` ``library.already_there`` (ZY-43), ``kernel.not_found``.
    """
    with ctx.writing() as session:
        project_of(session, project)
        root = root_unit(policies=ctx.services.policies, region=ctx.services.region)
        target = unit_on(session, root=root, code=unit, on=ctx.as_of)
        now = session.exec(
            select(Placement.unit_code)
            .where(col(Placement.project_id) == project)
            .order_by(col(Placement.ordinal).desc())
            .limit(1)
        ).one_or_none()
        previous = now or root.code
        if previous == target.code:
            raise Refusal("library.already_there", rule="ZY-43", facts={"unit": target.name})
        place(session, ctx, project=project, unit=target.code, reason=reason)
        events.on_project(
            session, ctx, project, "library.project_moved", {"from_unit": previous, "to_unit": target.code}
        )
        return ProjectMoved(id=project, previous=previous, unit=target.code)


class RollupIssued(BaseModel):
    """The filed workbook: document id, digest, how many units and projects it lists."""

    model_config = ConfigDict(frozen=True)

    id: str
    sha256: str
    units: int
    projects: int


@command("library.issue_rollup", roles=CIVIL_AFFAIRS, clause="ZY-43")
def issue_rollup(ctx: Context) -> RollupIssued:
    """Print the roll-up of the library as xlsx and file it; empty units are listed."""
    with ctx.reading() as session:
        view = rollup(ctx.reader(session))
    rows = [_printed(number, row) for number, row in enumerate(view.rows, start=1)]
    title = sentence("library.rollup.title")
    paper = documents.render(
        ctx,
        kind="library_rollup_xlsx",
        view={
            "title": title,
            "issuer": ROLE_NAMES[ctx.actor.role],
            "date": ctx.as_of.isoformat(),
            "rehearsal": ctx.services.rehearsal,
            "synthetic_fields": [],
            "rows": rows,
        },
    )
    with ctx.writing() as session:
        document = documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=None,
            stage="library",
            title=title,
            issuer=ROLE_NAMES[ctx.actor.role],
        )
        return RollupIssued(id=document.id, sha256=document.sha256, units=len(rows), projects=view.total)


def _printed(number: int, row: RollupLine) -> dict[str, str]:
    return {
        "seq": str(number),
        "code": row.code,
        "unit": "　" * row.depth + row.name,
        "level": sentence(f"unit.level.{row.level}"),
        "own_projects": str(row.own_projects),
        "own_amount": Money(row.own_fen).plain(),
        "projects": str(row.projects),
        "amount": Money(row.fen).plain(),
        "unpriced": str(row.unpriced),
        "left": str(row.left),
    }
