"""Reads of the library (S02): the roll-up by unit, the policy list, and what closed projects recommend to new ones."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, func, or_, select

from models.core.actors import Role
from models.core.registry import query
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, found
from models.queries.units import root_unit, units_on
from models.rules.units import Placed, roll_up, walk
from models.tables.application import Application
from models.tables.evaluation import ResultEvaluation
from models.tables.kernel import Project
from models.tables.library import Placement, PolicyList, PolicyListItem

_LEFT: Final = ("withdrawn", "rejected")


class RollupLine(BaseModel):
    """One unit: what stands at it (``own_…``), and at it with everything below. Amounts in fen."""

    model_config = ConfigDict(frozen=True)

    code: str
    name: str
    level: str
    depth: int
    own_projects: int
    own_fen: int
    projects: int
    fen: int
    unpriced: int
    left: int


class Rollup(BaseModel):
    """The library from the top down, empty units too; ``total`` counts every project, those that left included."""

    model_config = ConfigDict(frozen=True)

    rows: tuple[RollupLine, ...]
    total: int
    fen: int
    reconciles: bool


@query("library.rollup", roles=EVERYONE_INSIDE, clause="ZY-43")
def rollup(reader: Reader) -> Rollup:
    """Return the roll-up village → township → county → city; ``reconciles`` says that no project was lost or doubled.

    A project that stands at no unit below stands at the region itself.
    """
    session = reader.session
    root = root_unit(policies=reader.policies, region=reader.region)
    units = tuple(units_on(session, root=root, on=reader.as_of).values())
    placed = _placed(session, root=root.code, on=reader.as_of)
    sums = roll_up(units=units, placed=placed)
    rows = tuple(
        RollupLine(
            code=unit.code,
            name=unit.name,
            level=unit.level,
            depth=depth,
            own_projects=sums[unit.code].own_projects,
            own_fen=sums[unit.code].own_fen,
            projects=sums[unit.code].projects,
            fen=sums[unit.code].fen,
            unpriced=sums[unit.code].unpriced,
            left=sums[unit.code].left,
        )
        for depth, unit in walk(units)
    )
    top, fen = sums[root.code], sum(one.amount_fen or 0 for one in placed if not one.left)
    return Rollup(
        rows=rows,
        total=len(placed),
        fen=fen,
        reconciles=top.projects + top.left == len(placed) and top.fen == fen and len(rows) == len(units),
    )


def _placed(session: Session, *, root: str, on: date) -> tuple[Placed, ...]:
    amounts = _amounts(session)
    places = dict(
        session.exec(
            select(Placement.project_id, Placement.unit_code).where(
                col(Placement.from_on) <= on, or_(col(Placement.until_on).is_(None), col(Placement.until_on) > on)
            )
        ).all()
    )
    projects = session.exec(
        select(Project.id, Project.state).where(col(Project.entered_on) <= on).order_by(col(Project.id))
    ).all()
    return tuple(
        Placed(project=id_, unit=places.get(id_, root), amount_fen=amounts.get(id_), left=state in _LEFT)
        for id_, state in projects
    )


def _amounts(session: Session) -> dict[str, int]:
    """Return project → total of its latest application, in fen."""
    latest = (
        select(Application.project_id, func.max(Application.revision).label("revision"))
        .group_by(col(Application.project_id))
        .subquery()
    )
    statement = select(Application.project_id, Application.total_fen).join(
        latest,
        (col(Application.project_id) == latest.c.project_id) & (col(Application.revision) == latest.c.revision),
    )
    return dict(session.exec(statement).all())


class PolicyLine(BaseModel):
    """One policy on the list."""

    model_config = ConfigDict(frozen=True)

    code: str
    title: str
    number: str | None
    issuer: str
    field: str


class PolicyListView(BaseModel):
    """One version of the policy list and who was consulted on it."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    published_on: date
    consulted: dict[str, str]
    document: str
    items: tuple[PolicyLine, ...]


def current_list(session: Session, *, region: str, on: date) -> PolicyList | None:
    """Return the version of the policy list in force on a date."""
    return session.exec(
        select(PolicyList)
        .where(col(PolicyList.region) == region, col(PolicyList.published_on) <= on)
        .order_by(col(PolicyList.version).desc())
        .limit(1)
    ).one_or_none()


def items_of(session: Session, list_id: str) -> tuple[PolicyLine, ...]:
    """Return the policies of one version, in its order."""
    rows = session.exec(
        select(PolicyListItem).where(col(PolicyListItem.list_id) == list_id).order_by(col(PolicyListItem.ordinal))
    ).all()
    return tuple(
        PolicyLine(code=row.code, title=row.title, number=row.number, issuer=row.issuer, field=row.field)
        for row in rows
    )


@query("library.policy_list", roles=tuple(Role), clause="ZY-36")
def policy_list(
    reader: Reader, *, version: Annotated[int | None, Field(ge=1, description="版本;不填为现行版本")] = None
) -> PolicyListView:
    """Return the policy list in force, or an earlier version. Raises ``Refusal`` ``kernel.not_found``."""
    session, region = reader.session, reader.region
    row = current_list(session, region=region, on=reader.as_of)
    if version is not None:
        statement = select(PolicyList).where(col(PolicyList.region) == region, col(PolicyList.version) == version)
        row = session.exec(statement).one_or_none()
    here = found(row, kind="policy_list", id=str(version or region))
    return PolicyListView(
        id=here.id,
        version=here.version,
        published_on=here.published_on,
        consulted=dict(here.consulted),
        document=here.document_id,
        items=items_of(session, here.id),
    )


class Recommendation(BaseModel):
    """What the result evaluation of an earlier project recommends to later ones."""

    model_config = ConfigDict(frozen=True)

    project: str
    name: str
    evaluated_on: date
    recommendations: tuple[str, ...]


def recommended(
    session: Session, *, services: Collection[str], predecessor: str | None, on: date
) -> tuple[Recommendation, ...]:
    """Return the recommendations of evaluated projects that mean one of these services, or of the predecessor."""
    rows = session.exec(
        select(Project, ResultEvaluation)
        .join(ResultEvaluation, col(ResultEvaluation.project_id) == col(Project.id))
        .where(col(ResultEvaluation.evaluated_on) <= on)
        .order_by(col(ResultEvaluation.evaluated_on).desc(), col(Project.id))
    ).all()
    return tuple(
        Recommendation(
            project=project.id,
            name=project.name,
            evaluated_on=result.evaluated_on,
            recommendations=tuple(result.recommendations),
        )
        for project, result in rows
        if result.recommendations
        and (project.id == predecessor or set(services) & set(project.details.get("services", ())))
    )


@query("library.recommendations", roles=EVERYONE_INSIDE, clause="ZY-30")
def recommendations(
    reader: Reader,
    *,
    services: Annotated[tuple[str, ...], Field(description="服务项目代码")],
    predecessor: Annotated[str | None, Field(description="前一项目编号")] = None,
) -> tuple[Recommendation, ...]:
    """Return what closed projects of the same services recommend to a new one, the latest first."""
    return recommended(reader.session, services=services, predecessor=predecessor, on=reader.as_of)
