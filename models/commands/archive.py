"""Commands of archiving (S18): an audited project becomes one bundle under retention (ZY-32), a late paper its next.

Called by the sweep ``archive-close-audited``. The bundle holds every document, the record and the event chain up to the
second audit receipt; its own ``project.archived`` event cannot be inside, it carries the bundle's identity instead. A
bundle is checked for its four properties before anything is kept, and bytes are locked away before the project moves:
a store that does not keep its locks leaves it where it was. A closed bundle is never touched again: what is filed
later (money that came back, a result that was overturned) is locked away with the next version, whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, BinaryIO, Final, cast

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import events, transition, work
from models.commands.audit import CLOSING_ITEM
from models.commands.ledger import locked
from models.context import Context
from models.core.actors import Role
from models.core.bundle import BundleResult, BundleView, PayloadPart
from models.core.errors import Conflict, Refusal
from models.core.hashing import digest, sha256_hex
from models.core.registry import command
from models.policy.schema import Policy
from models.ports import Zone
from models.queries.archive import chain_entries, documents_of, head_of, newest_package, on_file
from models.queries.audit import FILABLE, receipts_of
from models.queries.project_record import ProjectRecord, project_record
from models.queries.provenance import marks
from models.queries.reader import project_of
from models.rules import lifecycle
from models.rules.archive import (
    FiledPaper,
    check_complete,
    check_disclosed,
    check_properties,
    register,
    volumes_of,
)
from models.rules.audit import check_both_received
from models.rules.bodies import body_name
from models.rules.lifecycle import Thing
from models.tables.archive import ArchivePackage
from models.tables.kernel import Document, Project

_PRODUCT: Final = "service-assistance-lifecycle"
_CLOSED: Final = "archived"
_IN_MEMORY: Final = 64 * 1024 * 1024  # bytes; a larger bundle is written to disk


class ProjectArchived(BaseModel):
    """A closed project and the identity of its bundle; ``archive.package`` says where the bytes lie."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    version: int
    bundle_id: str
    sha256: str
    zip_name: str
    payload_count: int
    retained_until: date
    properties: dict[str, bool]


@command("archive.close_project", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-32")
def close_project(ctx: Context, *, project: Annotated[str, Field(description="项目编号")]) -> ProjectArchived:
    """Close an audited project: check that its file is complete, bundle it, lock the bundle away, move the state.

    Raises ``Refusal`` ``audit.receipt_missing`` (ZY-31), ``archive.incomplete`` (ZY-32) naming every missing part,
    ``archive.undisclosed`` (BJ-48), ``SYS-STATE``; ``DataFault`` ``bundle.*``, ``archive.property_fails``
    (LAW-DAFTL-40) or ``storage.lying`` when bytes or store cannot be trusted; ``Conflict`` when the project's chain
    grew meanwhile; ``Transient``. Nothing moves then.
    """
    return _archived(ctx, project, check=_check_may_close)


@command("archive.supplement_project", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-32")
def supplement_project(ctx: Context, *, project: Annotated[str, Field(description="项目编号")]) -> ProjectArchived:
    """Lock away the next version of a closed project's bundle, with what was filed since; the ones before stay.

    Raises ``Refusal`` ``archive.nothing_new`` (SYS-ALREADY-DONE), ``SYS-STATE``, and as ``archive.close_project``.
    """
    return _archived(ctx, project, check=_check_may_supplement)


def _archived(
    ctx: Context, project: str, *, check: Callable[[Session, Context, Project, Policy], None]
) -> ProjectArchived:
    with ctx.reading() as session:
        row = project_of(session, project)
        policy = ctx.policy(region=row.region)
        check(session, ctx, row, policy)
        filed = documents_of(session, project, policy=policy)
        head = head_of(session, project).hash
        last = newest_package(session, project)
        version = last.version + 1 if last else 1
        view = _view(session, ctx, row, policy=policy, filed=filed, head=head, version=version)
    result, data = _bundled(ctx, view)
    signature, certificate = ctx.services.signer.sign(result.tagmanifest), ctx.services.signer.certificate()
    properties = _inspected(ctx, result, data, signature=signature, certificate=certificate)
    volumes = volumes_of(stages=[document.stage for document in filed], on=ctx.as_of, policy=policy)
    package = ArchivePackage(
        id=ctx.new_id("pkg"),
        project_id=project,
        version=version,
        bundle_id=result.bundle_id,
        sha256=sha256_hex(data),
        zip_name=result.zip_name,
        size=len(data),
        payload_count=result.payload_count,
        chain_head=head,
        archived_on=ctx.as_of,
        retained_until=max(one.retained_until for one in volumes),
        volumes=[asdict(one) | {"retained_until": one.retained_until.isoformat()} for one in volumes],
        signature_sha256=sha256_hex(signature),
        certificate_sha256=sha256_hex(certificate),
        policy_digest=policy.digest,
    )
    if not ctx.dry_run:
        _lock_away(ctx, package, data=data, signature=signature, certificate=certificate)
    return _recorded(ctx, package, properties)


def _inspected(
    ctx: Context, result: BundleResult, data: bytes, *, signature: bytes, certificate: bytes
) -> dict[str, bool]:
    """Return the four properties of a written bundle, all holding. Raises ``DataFault`` ``archive.property_fails``."""
    found = ctx.services.bundler.inspect(result=result, data=data, signature=signature, certificate=certificate)
    check_properties(inspection=found)
    return dict(found.properties)


def _check_may_close(session: Session, ctx: Context, row: Project, policy: Policy) -> None:
    if row.state in FILABLE:  # say which receipt is missing rather than which state
        check_both_received(received=receipts_of(session, row.id), policy=policy)
    lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
    filed = on_file(session, row.id)
    check_complete(on_file=filed, policy=policy)
    check_disclosed(on_file=filed, policy=policy)


def _check_may_supplement(session: Session, ctx: Context, row: Project, policy: Policy) -> None:
    lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=(_CLOSED,))
    last = newest_package(session, row.id)
    if last is None or last.payload_count == len(documents_of(session, row.id, policy=policy)):
        raise Refusal("archive.nothing_new", rule="SYS-ALREADY-DONE", facts={"project": row.id})


def _view(
    session: Session, ctx: Context, row: Project, *, policy: Policy, filed: list[Document], head: str, version: int
) -> BundleView:
    return BundleView(
        project_no=row.id,
        version=version,
        source_organization=body_name(policy=policy, role=Role.CITY_BUREAU),
        bag_group=f"{row.region}/{ctx.as_of.year}",
        bagging_date=ctx.as_of,
        parts=_parts(ctx, row, policy=policy, filed=filed),
        project=project_record(session, row).model_dump(mode="json"),
        project_schema=ProjectRecord.model_json_schema(),
        events=chain_entries(session, row.id),
        provenance=_provenance(ctx, row, policy=policy, filed=filed),
        synthetic_fields=tuple(marks(session, row.id).labels()),
        info=(("Event-Chain-Head", head),),
    )


def _parts(ctx: Context, row: Project, *, policy: Policy, filed: list[Document]) -> tuple[PayloadPart, ...]:
    papers = [
        FiledPaper(
            stage=document.stage,
            kind=document.kind,
            title=document.title,
            doc_no=document.doc_no or "",
            issuer=document.issuer,
            issued_on=document.issued_on,
            media_type=document.media_type,
            public=document.zone == Zone.PUBLIC,
            printed=document.template is not None,
            synthetic=tuple(document.synthetic_fields),
        )
        for document in filed
    ]
    registered = register(papers=papers, fonds=row.region, project=row.id, on=ctx.as_of, policy=policy)
    return tuple(
        PayloadPart(
            path=ctx.services.bundler.payload_path(
                folder=one.folder, number=one.number, kind=one.kind, title=one.record.title, suffix=one.suffix
            ),
            source=partial(ctx.services.documents.get, zone=Zone(document.zone), sha256=document.sha256),
            record=one.record,
            sha256=document.sha256,
        )
        for document, one in zip(filed, registered, strict=True)
    )


def _provenance(ctx: Context, row: Project, *, policy: Policy, filed: list[Document]) -> dict[str, Any]:
    made: defaultdict[str, set[str]] = defaultdict(set)
    for document in filed:
        if document.template is not None:
            made[document.template].add(document.template_digest or "")
    calendar = ctx.services.calendar
    days = [*sorted(calendar.holidays.items()), *sorted(calendar.make_up_workdays)]
    return {
        "product": _PRODUCT,
        "version": _version(),
        "rehearsal": ctx.services.rehearsal,
        "policy": {"region": policy.region, "lineage": policy.lineage, "on": policy.on, "digest": policy.digest},
        "policy_at_entry": row.policy_digest,
        "templates": {template: sorted(digests) for template, digests in made.items()},
        "fonts": sorted({document.font_digest for document in filed if document.font_digest}),
        "engines": sorted({document.engine for document in filed if document.engine}),
        "calendar": {"first": min(calendar.years), "last": max(calendar.years), "digest": digest(days)},
    }


def _version() -> str | None:
    """Return the installed version; ``None`` where the code runs from a checkout that is not installed."""
    try:
        return version(_PRODUCT)
    except PackageNotFoundError:
        return None


def _bundled(ctx: Context, view: BundleView) -> tuple[BundleResult, bytes]:
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        out = cast(BinaryIO, file)
        result = ctx.services.bundler.write(view=view, out=out)
        out.seek(0)
        return result, out.read()


def _lock_away(ctx: Context, package: ArchivePackage, *, data: bytes, signature: bytes, certificate: bytes) -> None:
    """Store the bundle, its signature and its certificate under one retention."""
    until, store = package.retained_until, ctx.services.documents
    store.archive(data=data, media_type="application/zip", retain_until=until)
    store.archive(data=signature, media_type="application/pkcs7-signature", retain_until=until)
    store.archive(data=certificate, media_type="application/x-pem-file", retain_until=until)


def _recorded(ctx: Context, package: ArchivePackage, properties: dict[str, bool]) -> ProjectArchived:
    """Write the package; the first one closes the project."""
    with ctx.writing() as session:
        row = locked(session, Project, package.project_id, kind="project")
        if head_of(session, row.id).hash != package.chain_head:
            raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
        session.add(package)
        payload = {
            "package_id": package.id,
            "version": package.version,
            "bundle_id": package.bundle_id,
            "sha256": package.sha256,
            "size": package.size,
            "payload_count": package.payload_count,
            "chain_head": package.chain_head,
            "retained_until": package.retained_until.isoformat(),
            "properties": properties,
        }
        if row.state == _CLOSED:
            events.on_project(session, ctx, row.id, "archive.supplemented", payload)
        else:
            transition.apply(session, ctx, row, payload=payload)
            work.close_item(session, ctx, kind=CLOSING_ITEM, subject_id=row.id)
        return ProjectArchived(
            id=row.id,
            state=f"project.{row.state}",
            version=package.version,
            bundle_id=package.bundle_id,
            sha256=package.sha256,
            zip_name=package.zip_name,
            payload_count=package.payload_count,
            retained_until=package.retained_until,
            properties=properties,
        )
