"""Reads of the archive (S18): what waits to be closed, what is on file, and where a closed project's bundle lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.errors import Refusal
from models.core.registry import query
from models.policy.schema import Policy
from models.ports import Zone
from models.queries.audit import OFFICES, receipts_of
from models.queries.chains import entries, types_of
from models.queries.reader import Reader, project_of
from models.rules.archive import SIGNATURE, OnFile, archive_order
from models.tables.archive import ArchivePackage
from models.tables.kernel import Document, Event, Project, StreamHead
from models.tables.publicity import Disclosure
from models.tables.review import ReviewSignature

# A project's own chain is exported anyway, another project has a bundle of its own, and the rest are the house's.
_NOT_OF_A_PROJECT: Final = ("project", "documents", "alerts", "anchor", "policy")


class VolumeKept(BaseModel):
    """One volume (案卷) of a bundle: how many files it holds, for how many years they are kept, until when."""

    model_config = ConfigDict(frozen=True)

    code: str
    name: str
    files: int
    years: int
    retained_until: date


class Package(BaseModel):
    """A closed project's bundle. ``zone`` holds the zip, its signature (CMS, DER) and the certificate (PEM).

    ``version`` 1 closed the project; a later one holds what was filed afterwards as well.
    """

    model_config = ConfigDict(frozen=True)

    project: str
    version: int
    bundle_id: str
    sha256: str
    zip_name: str
    size: int
    payload_count: int
    archived_on: date
    retained_until: date
    volumes: tuple[VolumeKept, ...]
    zone: Zone
    signature_sha256: str
    certificate_sha256: str


@query("archive.projects_to_close", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-32")
def projects_to_close(reader: Reader) -> tuple[str, ...]:
    """Return the ids of projects whose receipts are in and that are not archived yet."""
    statement = select(Project.id).where(col(Project.state) == "audited").order_by(col(Project.id))
    return tuple(reader.session.exec(statement).all())


@query("archive.closed_projects", roles=OFFICES, clause="ZY-32")
def closed_projects(reader: Reader) -> tuple[str, ...]:
    """Return the ids of archived projects, the one closed last at the end."""
    statement = (
        select(ArchivePackage.project_id)
        .where(col(ArchivePackage.version) == 1)
        .order_by(col(ArchivePackage.archived_on), col(ArchivePackage.project_id))
    )
    return tuple(reader.session.exec(statement).all())


@query("archive.projects_to_supplement", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-32")
def projects_to_supplement(reader: Reader) -> tuple[str, ...]:
    """Return the ids of archived projects with a document that is in no bundle yet."""
    held = (
        select(ArchivePackage.project_id, func.max(ArchivePackage.payload_count).label("held"))
        .group_by(col(ArchivePackage.project_id))
        .subquery()
    )
    statement = (
        select(Document.project_id)
        .join(held, col(Document.project_id) == held.c.project_id)
        .group_by(col(Document.project_id), held.c.held)
        .having(func.count() > held.c.held)
        .order_by(col(Document.project_id))
    )
    return tuple(project for project in reader.session.exec(statement) if project is not None)


def newest_package(session: Session, project: str, *, version: int | None = None) -> ArchivePackage | None:
    """Return the newest bundle of a project, or the one of a version; ``None`` where there is none."""
    statement = select(ArchivePackage).where(col(ArchivePackage.project_id) == project)
    if version is not None:
        statement = statement.where(col(ArchivePackage.version) == version)
    return session.exec(statement.order_by(col(ArchivePackage.version).desc())).first()


@query("archive.package", roles=OFFICES, clause="ZY-32")
def package(
    reader: Reader,
    *,
    project: str,
    version: Annotated[int | None, Field(ge=1, description="档案包版次;不填为最新")] = None,
) -> Package:
    """Return a bundle of a project. Raises ``Refusal`` ``archive.not_closed`` (ZY-32) when it has none."""
    project_of(reader.session, project)
    row = newest_package(reader.session, project, version=version)
    if row is None:
        raise Refusal("archive.not_closed", rule="SYS-NOT-FOUND", facts={"project": project})
    return Package(
        project=row.project_id,
        version=row.version,
        bundle_id=row.bundle_id,
        sha256=row.sha256,
        zip_name=row.zip_name,
        size=row.size,
        payload_count=row.payload_count,
        archived_on=row.archived_on,
        retained_until=row.retained_until,
        volumes=tuple(VolumeKept(**one) for one in row.volumes),
        zone=Zone.ARCHIVE,
        signature_sha256=row.signature_sha256,
        certificate_sha256=row.certificate_sha256,
    )


def documents_of(session: Session, project: str, *, policy: Policy) -> list[Document]:
    """Return the documents of a project by folder and volume, within one in the order in which they were filed."""
    rows = session.exec(
        select(Document)
        .join(Event, col(Event.event_id) == col(Document.event_id))
        .where(col(Document.project_id) == project)
        .order_by(col(Event.seq))
    ).all()
    return sorted(rows, key=lambda row: archive_order(stage=row.stage, policy=policy))


def on_file(session: Session, project: str) -> OnFile:
    """Return what the checklist of ``rules.archive`` counts."""
    kinds = session.exec(select(Document.kind).where(col(Document.project_id) == project)).all()
    signed, due = _signatures(session, project)
    disclosed = session.exec(select(Disclosure.item).where(col(Disclosure.project_id) == project)).all()
    return OnFile(
        kinds={**Counter(kinds), SIGNATURE: signed},
        events=Counter(types_of(session, project)),
        receipts=frozenset(receipts_of(session, project)),
        disclosed=frozenset(disclosed),
        signatures_due=due,
    )


def _signatures(session: Session, project: str) -> tuple[int, int]:
    """Return how many signed statements on the opinion that stands are on file, and how many ended its review."""
    ends = select(Event.payload).where(
        col(Event.stream_kind) == "project", col(Event.stream_id) == project, col(Event.type) == "project.reviewed"
    )
    last = session.exec(ends.order_by(col(Event.seq).desc())).first() or {}
    filed = session.exec(
        select(Document.id)
        .join(ReviewSignature, col(ReviewSignature.document_id) == col(Document.id))
        .where(
            col(Document.project_id) == project,
            col(ReviewSignature.round_id) == last.get("round_id"),
            col(ReviewSignature.signed).is_(True),
        )
    ).all()
    return len(filed), last.get("signatures", 0)


def head_of(session: Session, project: str) -> StreamHead:
    """Return the last event of a project's chain as recorded beside it."""
    return session.get_one(StreamHead, ("project", project))


def chain_entries(session: Session, project: str) -> tuple[dict[str, Any], ...]:
    """Return the project's whole chain, then those of the streams its events name (survey, review round …), by id."""
    own = tuple(entries(session, stream_kind="project", stream_id=project))
    named = {text for entry in own for text in _texts(entry["payload"])}
    heads = session.exec(
        select(StreamHead)
        .where(col(StreamHead.stream_kind).not_in(_NOT_OF_A_PROJECT))
        .order_by(col(StreamHead.stream_kind), col(StreamHead.stream_id))
    ).all()
    others = (head for head in heads if head.stream_id in named)
    return own + tuple(
        entry for head in others for entry in entries(session, stream_kind=head.stream_kind, stream_id=head.stream_id)
    )


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
