"""Reads of the work guide (S03): which version is in force, what it says, and the office's own overruns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.core.actors import INSIDE, Role
from models.core.calendar import WorkCalendar
from models.core.registry import query
from models.queries.reader import Reader, found
from models.tables.guide import ApplicationGuide, OfficeBreach
from models.tables.kernel import WorkItem


class GuideVersion(BaseModel):
    """One version; ``content`` holds the six items, ``superseded_on`` the day the next one came into force."""

    model_config = ConfigDict(frozen=True)

    id: str
    region: str
    version: int
    in_force_from: date
    superseded_on: date | None
    in_force: bool
    content: dict[str, Any]
    document: str | None
    page: str | None


class Breach(BaseModel):
    """One time limit the office overran; ``working_days_late`` up to the day it acted, or up to today.
    ``late``: it was entered later than the day after the limit.
    """

    model_config = ConfigDict(frozen=True)

    step: str
    project: str | None
    role: str
    due_on: date
    closed_on: date | None
    raised_on: date
    late: bool
    working_days_late: int


def guide_in_force(session: Session, *, lineage: Sequence[str], on: date) -> ApplicationGuide | None:
    """Return the guide in force on a day for a region (``lineage``: the region and those above it, nearest first)."""
    for region in lineage:
        statement = select(ApplicationGuide).where(
            col(ApplicationGuide.region) == region, col(ApplicationGuide.in_force_from) <= on
        )
        row = session.exec(statement.order_by(col(ApplicationGuide.version).desc()).limit(1)).one_or_none()
        if row is not None:
            return row
    return None


def newest_version(session: Session, region: str) -> ApplicationGuide | None:
    """Return the version of a region with the highest number, in force already or not."""
    return session.exec(
        select(ApplicationGuide)
        .where(col(ApplicationGuide.region) == region, col(ApplicationGuide.version).is_not(None))
        .order_by(col(ApplicationGuide.version).desc())
        .limit(1)
    ).one_or_none()


@query("guide.versions", roles=tuple(Role), clause="ZY-13")
def versions(reader: Reader) -> tuple[GuideVersion, ...]:
    """Return every version of the served region's guide, oldest first; superseded ones stay readable."""
    rows = reader.session.exec(
        select(ApplicationGuide)
        .where(col(ApplicationGuide.region) == reader.region, col(ApplicationGuide.version).is_not(None))
        .order_by(col(ApplicationGuide.version))
    ).all()
    following = [*(row.in_force_from for row in rows[1:]), None][: len(rows)]
    return tuple(_shown(row, until, reader.as_of) for row, until in zip(rows, following, strict=True))


@query("guide.show", roles=tuple(Role), clause="ZY-13")
def show(
    reader: Reader, *, version: Annotated[int | None, Field(description="版本号；不填为现行版本")] = None
) -> GuideVersion:
    """Return one version of the guide, by default the one in force. Raises ``kernel.not_found``."""
    chosen = [row for row in versions(reader) if (row.in_force if version is None else row.version == version)]
    return found(chosen[0] if chosen else None, kind="guide", id=str(version or reader.region))


@query("guide.breaches", roles=INSIDE, clause="ZY-16")
def breaches(
    reader: Reader,
    *,
    step: Annotated[str | None, Field(description="环节；不填为全部")] = None,
    since: Annotated[date | None, Field(description="只看这一天及以后记入的")] = None,
) -> tuple[Breach, ...]:
    """Return the time limits the office overran, oldest first. Nothing here counts against an applicant."""
    return overruns(reader.session, calendar=reader.calendar, on=reader.as_of, since=since, step=step)


def overruns(
    session: Session, *, calendar: WorkCalendar, on: date, since: date | None = None, step: str | None = None
) -> tuple[Breach, ...]:
    """Return the ledger of overruns as it stands on a day."""
    statement = select(OfficeBreach, WorkItem).join(WorkItem, col(WorkItem.id) == col(OfficeBreach.work_item_id))
    if step is not None:
        statement = statement.where(col(OfficeBreach.step) == step)
    if since is not None:
        statement = statement.where(col(OfficeBreach.raised_on) >= since)
    rows = session.exec(statement.order_by(col(OfficeBreach.due_on), col(OfficeBreach.work_item_id))).all()
    return tuple(
        Breach(
            step=breach.step,
            project=breach.project_id,
            role=breach.role,
            due_on=breach.due_on,
            closed_on=item.closed_on,
            raised_on=breach.raised_on,
            late=breach.late,
            working_days_late=calendar.working_days_between(
                breach.due_on, max(breach.due_on, item.closed_on or on)
            ).value,
        )
        for breach, item in rows
    )


def _shown(row: ApplicationGuide, until: date | None, on: date) -> GuideVersion:
    assert row.version is not None
    assert row.in_force_from is not None
    return GuideVersion(
        id=row.id,
        region=row.region,
        version=row.version,
        in_force_from=row.in_force_from,
        superseded_on=until,
        in_force=row.in_force_from <= on and (until is None or until > on),
        content=row.content,
        document=row.document_id,
        page=row.page_id,
    )
