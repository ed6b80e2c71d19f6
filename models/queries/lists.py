"""Reads of the three lists (S01–S02): rows in force, published versions, what changed between two versions.

``current_rows`` and ``newest_version`` are shared with the commands; the contact of a resource is never shown here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import query
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader
from models.rules.lists import PROJECT, RESOURCE, SERVICE
from models.tables.lists import ListVersion, ProjectRow, ResourceRow, RowWithdrawal, ServiceRow

ListRow = TypeVar("ListRow", bound=ServiceRow | ResourceRow | ProjectRow)
KINDS: Final[Mapping[str, type[ServiceRow] | type[ResourceRow] | type[ProjectRow]]] = {
    SERVICE: ServiceRow,
    RESOURCE: ResourceRow,
    PROJECT: ProjectRow,
}
Kind = Annotated[str, Field(pattern="^(service|resource|project)$", description="清单种类:service、resource、project")]


def current_rows(session: Session, *, model: type[ListRow], region: str) -> list[ListRow]:
    """Return the rows that the next version would hold: neither replaced nor withdrawn, in order of their ids."""
    replaced = select(model.replaces_id).where(col(model.replaces_id).is_not(None))
    dropped = select(RowWithdrawal.row_id)
    statement = (
        select(model)
        .where(col(model.region) == region, col(model.id).not_in(replaced), col(model.id).not_in(dropped))
        .order_by(col(model.id))
    )
    return list(session.exec(statement).all())


def newest_version(session: Session, *, region: str, kind: str) -> ListVersion | None:
    """Return the version in force of a list, ``None`` when none was published."""
    statement = (
        select(ListVersion)
        .where(col(ListVersion.region) == region, col(ListVersion.kind) == kind)
        .order_by(col(ListVersion.number).desc())
        .limit(1)
    )
    return session.exec(statement).one_or_none()


def version_in_force(session: Session, *, region: str, kind: str) -> ListVersion:
    """Return the version in force. Raises ``Refusal`` ``lists.not_published`` (SYS-LIST-PUBLISHED)."""
    version = newest_version(session, region=region, kind=kind)
    if version is None:
        facts = {"list": sentence(f"lists.kind.{kind}")}
        raise Refusal("lists.not_published", rule="SYS-LIST-PUBLISHED", facts=facts)
    return version


def rows_of(session: Session, *, model: type[ListRow], version: ListVersion) -> list[ListRow]:
    """Return the rows of a version in its order."""
    rows = session.exec(select(model).where(col(model.id).in_(version.row_ids))).all()
    return sorted(rows, key=lambda row: row.id)


class ListState(BaseModel):
    """A published list: its rows as read models, what came in and what left since the version before.

    ``drafts`` counts rows that wait for the next version.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    number: int
    published_on: date | None
    document: str
    co_drafters: tuple[str, ...]
    fiscal_capacity: str
    rows: tuple[dict[str, Any], ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    drafts: int


@query("lists.show", roles=EVERYONE_INSIDE, clause="ZY-48")
def show(
    reader: Reader,
    *,
    kind: Kind,
    number: Annotated[int | None, Field(ge=1, description="版次,不填为现行版")] = None,
) -> ListState:
    """Return a version of a list, the one in force when no number is given. Contacts of providers are left out."""
    session, region = reader.session, reader.region
    statement = select(ListVersion).where(col(ListVersion.region) == region, col(ListVersion.kind) == kind)
    versions = {version.number: version for version in session.exec(statement).all()}
    chosen = number or max(versions, default=0)
    model = KINDS[kind]
    current = {row.id for row in current_rows(session, model=model, region=region)}
    version, before = versions.get(chosen), versions.get(chosen - 1)
    ids = tuple(version.row_ids) if version else ()
    old = tuple(before.row_ids) if before else ()
    return ListState(
        kind=kind,
        number=chosen if version else 0,
        published_on=version.published_on if version else None,
        document=version.document_id if version else "",
        co_drafters=tuple(version.co_drafters) if version else (),
        fiscal_capacity=version.fiscal_capacity if version else "",
        rows=tuple(_plain(row) for row in rows_of(session, model=model, version=version)) if version else (),
        added=tuple(row for row in ids if row not in old),
        removed=tuple(row for row in old if row not in ids),
        drafts=len(current - set(ids)),
    )


def _plain(row: ServiceRow | ResourceRow | ProjectRow) -> dict[str, Any]:
    return row.model_dump(mode="json", exclude={"contact_sealed", "policy_digest"})


class ContributorCredit(BaseModel):
    """What one contributor bears through one channel on the project list in force (各记其功, ZY-10)."""

    model_config = ConfigDict(frozen=True)

    channel: str
    contributor: str
    projects: int
    amount: Money


@query("lists.credit", roles=EVERYONE_INSIDE, clause="ZY-10")
def credit(reader: Reader) -> tuple[ContributorCredit, ...]:
    """Return each contributor's share by channel, never pooled, over the project list in force (ZY-10)."""
    version = newest_version(reader.session, region=reader.region, kind=PROJECT)
    rows: Sequence[ProjectRow] = rows_of(reader.session, model=ProjectRow, version=version) if version else ()
    shares = [(share["channel"], share["contributor"], share["amount"]) for row in rows for share in row.shares]
    return tuple(
        ContributorCredit(
            channel=channel,
            contributor=contributor,
            projects=sum(share[:2] == (channel, contributor) for share in shares),
            amount=Money(sum(share[2] for share in shares if share[:2] == (channel, contributor))),
        )
        for channel, contributor in sorted({share[:2] for share in shares})
    )


class Supply(BaseModel):
    """How many providers the resource list had, version by version, and which units brought how many rows."""

    model_config = ConfigDict(frozen=True)

    providers_by_version: dict[int, int]
    growth: int
    rows_by_unit: dict[str, int]


@query("lists.supply", roles=EVERYONE_INSIDE, clause="FZ-24")
def supply(reader: Reader) -> Supply:
    """Return the growth in providers (FZ-24) and what each member unit submitted to the pool (FZ-22)."""
    session, region = reader.session, reader.region
    versions = session.exec(
        select(ListVersion)
        .where(col(ListVersion.region) == region, col(ListVersion.kind) == RESOURCE)
        .order_by(col(ListVersion.number))
    ).all()
    counts = {
        version.number: len({row.provider for row in rows_of(session, model=ResourceRow, version=version)})
        for version in versions
    }
    units = session.exec(
        select(ResourceRow.submitted_by, func.count())
        .where(col(ResourceRow.region) == region)
        .group_by(col(ResourceRow.submitted_by))
        .order_by(col(ResourceRow.submitted_by))
    ).all()
    numbers = list(counts.values())
    return Supply(
        providers_by_version=counts,
        growth=numbers[-1] - numbers[0] if numbers else 0,
        rows_by_unit=dict(units),
    )
