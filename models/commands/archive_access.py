"""Commands of the archive (S18) on who reads a closed project's bundle: links that expire, downloads we stream.

The issue of a link is the event, for what is done with it is only known where the server logs it (decision 34); a
download we stream ourselves is an event before its first byte leaves. A link opens without an account, so it stands in
no event and in no receipt.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from models.commands import events
from models.context import Context
from models.core.actors import Role
from models.core.registry import command
from models.queries.archive import Package, package
from models.rules.archive import check_link

STREAM: Final = "archive"
_READERS: Final = (Role.AUDIT_BODY, Role.DISCIPLINE_SUPERVISION, Role.EVALUATION_OFFICE, Role.CITY_BUREAU)
_ProjectId = Annotated[str, Field(description="项目编号")]
_Version = Annotated[int | None, Field(ge=1, description="档案包版次;不填为最新")]


class LinkIssued(BaseModel):
    """The link and when it expires; ``id`` is the event that says who asked for it and when.

    ``bundle_id`` is what the bundle is checked against: it reaches the reader beside the bytes, not inside them.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    url: str
    expires_at: str
    sha256: str
    bundle_id: str


class Downloading(BaseModel):
    """What is about to be streamed; ``id`` is the event that says to whom."""

    model_config = ConfigDict(frozen=True)

    id: str
    package: Package


@command("archive.issue_link", roles=_READERS, clause="BJ-49", unmasks=True)
def issue_link(
    ctx: Context,
    *,
    project: _ProjectId,
    hours: Annotated[int, Field(ge=1, le=168, description="有效小时数")] = 24,
    version: _Version = None,
) -> LinkIssued:
    """Issue a link to a closed project's bundle that expires, and record who got it, when, until when, to what.

    Raises ``Refusal`` ``archive.not_closed``, ``archive.link_too_long``, ``archive.link_not_dry``; ``DataFault``
    ``storage.missing``, ``Transient``.
    """
    with ctx.reading() as session:
        stored = package(ctx.reader(session), project=project, version=version)
    check_link(hours=hours, dry_run=ctx.dry_run, policy=ctx.policy(region=ctx.services.region))
    expires = ctx.services.clock.now() + timedelta(hours=hours)
    url = ctx.services.documents.link(zone=stored.zone, sha256=stored.sha256, hours=hours)
    id_ = _note(ctx, stored, "archive.link_issued", {"hours": hours, "expires_at": expires.isoformat()})
    return LinkIssued(id=id_, url=url, expires_at=expires.isoformat(), sha256=stored.sha256, bundle_id=stored.bundle_id)


@command("archive.download", roles=_READERS, clause="BJ-49")
def download(ctx: Context, *, project: _ProjectId, version: _Version = None) -> Downloading:
    """Record that a closed project's bundle is handed to whoever asks; the door streams the bytes after that.

    Raises ``Refusal`` ``archive.not_closed``.
    """
    with ctx.reading() as session:
        stored = package(ctx.reader(session), project=project, version=version)
    return Downloading(id=_note(ctx, stored, "archive.downloaded", {}), package=stored)


def _note(ctx: Context, stored: Package, type_: str, more: dict[str, Any]) -> str:
    payload = {"bundle_id": stored.bundle_id, "sha256": stored.sha256, "size": stored.size, **more}
    with ctx.writing() as session:
        event = events.append(session, ctx, stream_kind=STREAM, stream_id=stored.project, type=type_, payload=payload)
        return event.event_id
