"""What a project discloses (HS-45 to HS-47): catalogue, budget and final accounts, procurement; each item once."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events
from models.commands.publicity_papers import Printer
from models.context import Context
from models.core.actors import Role
from models.core.hashing import canonical_json
from models.core.messages import sentence
from models.core.registry import command
from models.ports import StoredObject, Zone
from models.queries.bodies import acting_body
from models.queries.reader import project_of
from models.rules import publicity as rules
from models.tables.kernel import Project
from models.tables.publicity import Disclosure

_DISCLOSERS: Final = (
    Role.EVALUATION_OFFICE,
    Role.CITY_BUREAU,
    Role.COUNTY_BUREAU,
    Role.FINANCE_BUREAU,
    Role.PURCHASER,
)


class Disclosed(BaseModel):
    """The items disclosed now, and those that stood already."""

    model_config = ConfigDict(frozen=True)

    items: tuple[str, ...]
    already: tuple[str, ...]
    documents: tuple[str, ...]


@command("publicity.disclose", roles=_DISCLOSERS, clause="HS-45")
def disclose(
    ctx: Context,
    *,
    project: str,
    items: Annotated[tuple[str, ...], Field(description="公开事项")],
    sites: Annotated[tuple[str, ...], Field(description="公开网站")],
) -> Disclosed:
    """Record that items of a project stand in public, each once, with a public record of where.

    Raises ``Refusal`` ``publicity.not_public`` (FZ-01), ``publicity.unknown_item``, ``publicity.site_unnamed``,
    ``procurement.site_missing`` (HS-47); ``DataFault`` ``publicity.leak``.
    """
    with ctx.reading() as session:
        row = project_of(session, project)
        policy = ctx.policy(region=row.region)
        rules.check_attribute(attribute=row.details.get("attribute"), policy=policy)
        rules.check_disclosure(items=items, sites=sites, policy=policy)
        standing, name = _standing(session, project), row.name
        printer = Printer.of(session, ctx)
    wanted = tuple(dict.fromkeys(items))
    labels = rules.disclosable(policy=policy)
    records = {item: _record(printer, name, labels[item], sites) for item in wanted if item not in standing}
    with ctx.writing() as session:
        row = project_of(session, project)
        filed = [
            _file(session, ctx, project=row, item=item, label=labels[item], sites=sites, stored=stored)
            for item, stored in records.items()
        ]
        already = tuple(item for item in wanted if item not in records)
        return Disclosed(items=tuple(records), already=already, documents=tuple(filed))


def _standing(session: Session, project: str) -> frozenset[str]:
    return frozenset(session.exec(select(Disclosure.item).where(col(Disclosure.project_id) == project)).all())


def _record(printer: Printer, project: str, label: str, sites: tuple[str, ...]) -> StoredObject:
    ctx = printer.ctx
    record = {"project": project, "item": label, "sites": list(sites), "disclosed_on": ctx.as_of.isoformat()}
    printer.check(record)
    return documents.keep(ctx, data=canonical_json(record), media_type="application/json", zone=Zone.PUBLIC)


def _file(
    session: Session,
    ctx: Context,
    *,
    project: Project,
    item: str,
    label: str,
    sites: tuple[str, ...],
    stored: StoredObject,
) -> str:
    document = documents.file_upload(
        session,
        ctx,
        stored=stored,
        project_id=project.id,
        stage="publicity",
        kind="disclosure_record",
        title=sentence("publicity.disclosure.title", {"project": project.name, "item": label}),
        issuer=acting_body(session, role=ctx.actor.role, policy=ctx.policy(region=project.region), project=project.id),
    )
    session.add(
        Disclosure(
            id=ctx.new_id("dsc", item),
            project_id=project.id,
            item=item,
            sites=list(sites),
            disclosed_on=ctx.as_of,
            document_id=document.id,
        )
    )
    events.on_project(
        session,
        ctx,
        project.id,
        "publicity.disclosed",
        {"item": item, "sites": len(sites), "document_sha256": document.sha256},
    )
    return document.id
