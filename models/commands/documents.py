"""Issuing papers and filing uploads: bytes first, row second (style 14).

``render`` and ``keep`` run before the write transaction and touch only the store; ``file_paper`` and ``file_upload``
write the document row inside it. A paper's view is stored beside it, so that the same bytes can be rendered again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import events
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.hashing import canonical_json, sha256_hex
from models.core.registry import command
from models.core.uploads import Upload
from models.ports import Rendered, StoredObject, Zone
from models.queries.reader import found
from models.tables.kernel import Document


@dataclass(frozen=True)
class Paper:
    """A rendered and stored paper that has no row yet."""

    kind: str
    rendered: Rendered
    stored: StoredObject
    data_sha256: str
    synthetic_fields: tuple[str, ...]


def render(
    ctx: Context,
    *,
    kind: str,
    view: Mapping[str, object],
    synthetic_fields: Sequence[str] = (),
    zone: Zone = Zone.DOCUMENTS,
) -> Paper:
    """Render a paper and put its bytes and its view into the store (nothing is stored on a dry run).

    Raises ``DataFault`` when it cannot be printed, ``Transient`` when the store is away.
    """
    rendered = ctx.services.renderer.render(kind=kind, view=view)
    return store(ctx, kind=kind, rendered=rendered, view=view, synthetic_fields=synthetic_fields, zone=zone)


def store(
    ctx: Context,
    *,
    kind: str,
    rendered: Rendered,
    view: Mapping[str, object],
    synthetic_fields: Sequence[str] = (),
    zone: Zone = Zone.DOCUMENTS,
) -> Paper:
    """Put a rendered paper's bytes and its view into the store, as ``render`` does; for papers looked at in between.

    Raises ``Transient`` when the store is away.
    """
    stored = keep(ctx, data=rendered.data, media_type=rendered.media_type, zone=zone)
    data = keep(ctx, data=canonical_json(view), media_type="application/json")
    return Paper(kind, rendered, stored, data.sha256, tuple(synthetic_fields))


def keep(ctx: Context, *, data: bytes, media_type: str, zone: Zone = Zone.DOCUMENTS) -> StoredObject:
    """Store bytes that no template made (a gate report, a draw protocol); nothing is stored on a dry run.

    Raises ``Transient`` when the store is away.
    """
    if ctx.dry_run:
        return StoredObject(zone, sha256_hex(data), "", len(data), media_type)
    return ctx.services.documents.put(zone=zone, data=data, media_type=media_type)


def file_paper(
    session: Session,
    ctx: Context,
    *,
    paper: Paper,
    project_id: str | None,
    stage: str,
    title: str,
    issuer: str,
    doc_no: str | None = None,
    issued_on: date | None = None,
) -> Document:
    """Write the row of a rendered paper and its event; return the row."""
    return _file(
        session,
        ctx,
        Document(
            id=ctx.new_id("doc", project_id or "", stage, paper.kind, paper.stored.sha256),
            project_id=project_id,
            stage=stage,
            kind=paper.kind,
            title=title,
            doc_no=doc_no,
            issuer=issuer,
            issued_on=issued_on or ctx.as_of,
            zone=paper.stored.zone,
            sha256=paper.stored.sha256,
            key=paper.stored.key,
            size=paper.stored.size,
            media_type=paper.stored.media_type,
            template=paper.rendered.template,
            template_digest=paper.rendered.template_digest,
            data_digest=paper.data_sha256,
            font_digest=paper.rendered.font_digest,
            engine=paper.rendered.engine,
            synthetic_fields=list(paper.synthetic_fields),
            event_id="",
        ),
    )


def file_upload(
    session: Session,
    ctx: Context,
    *,
    stored: StoredObject | Upload,
    project_id: str | None,
    stage: str,
    kind: str,
    title: str,
    issuer: str,
    doc_no: str | None = None,
    synthetic_fields: Sequence[str] = (),
) -> Document:
    """Write the row of a file that came from outside (upload, receipt, evaluation report) and its event."""
    zone = stored.zone if isinstance(stored, StoredObject) else Zone.INTAKE
    key = stored.key if isinstance(stored, StoredObject) else ""
    return _file(
        session,
        ctx,
        Document(
            id=ctx.new_id("doc", project_id or "", stage, kind, stored.sha256),
            project_id=project_id,
            stage=stage,
            kind=kind,
            title=title,
            doc_no=doc_no,
            issuer=issuer,
            issued_on=ctx.as_of,
            zone=zone,
            sha256=stored.sha256,
            key=key,
            size=stored.size,
            media_type=stored.media_type,
            synthetic_fields=list(synthetic_fields),
            event_id="",
        ),
    )


def _file(session: Session, ctx: Context, document: Document) -> Document:
    event = events.append(
        session,
        ctx,
        stream_kind=events.PROJECT_STREAM if document.project_id else "documents",
        stream_id=document.project_id or document.stage,
        type="document.filed",
        payload={
            "document_id": document.id,
            "kind": document.kind,
            "sha256": document.sha256,
            "template_digest": document.template_digest,
            "data_digest": document.data_digest,
        },
    )
    document.event_id = event.event_id
    session.add(document)
    session.flush()
    return document


class Rerendered(BaseModel):
    """Whether rendering a paper again from its stored view gave the same bytes."""

    model_config = ConfigDict(frozen=True)

    id: str
    same: bool
    sha256: str
    again: str


@command(
    "document.verify",
    roles=(Role.AUDIT_BODY, Role.DISCIPLINE_SUPERVISION, Role.EVALUATION_OFFICE, Role.SYSTEM),
    clause="SYS-DOCUMENT",
)
def verify(ctx: Context, *, document: Annotated[str, Field(description="文件编号")]) -> Rerendered:
    """Render an issued paper again from the view kept beside it and compare the bytes; writes nothing.

    Equal bytes are promised for equal template, fonts and engine, which the document row names. Raises ``Refusal``
    ``document.not_rendered`` for a file no template made, ``DataFault`` when its bytes or its view are gone or altered.
    """
    with ctx.reading() as session:
        row = found(session.get(Document, document), kind="document", id=document)
    if row.data_digest is None:
        raise Refusal("document.not_rendered", rule="SYS-DOCUMENT", facts={"title": row.title})
    ctx.services.documents.get(zone=Zone(row.zone), sha256=row.sha256)
    view = json.loads(ctx.services.documents.get(zone=Zone.DOCUMENTS, sha256=row.data_digest))
    again = ctx.services.renderer.render(kind=row.kind, view=view)
    sha256 = sha256_hex(again.data)
    return Rerendered(id=row.id, same=sha256 == row.sha256, sha256=row.sha256, again=sha256)
