"""Commands of the service and the resource list (S01–S02): register rows, withdraw them, publish versions.

The project list is ``commands.project_list``. A row is never edited: a change is a new row that replaces the old one in
the next version. Events hold ids, digests and counts only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session, col, select

from models.commands import documents, events, list_papers
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES, Role
from models.core.errors import Conflict, Refusal
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import Once, command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.lists import current_rows, newest_version
from models.queries.reader import found
from models.rules import lists as rules
from models.tables.lists import ListVersion, ProjectRow, ResourceRow, RowWithdrawal, ServiceRow

STREAM: Final = "list"
STAGE: Final = "lists"
AnyRow = TypeVar("AnyRow", bound=ServiceRow | ResourceRow | ProjectRow)

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=120)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class RowRegistered(BaseModel):
    """The new row, and what was noted about it (an OTHER code)."""

    model_config = ConfigDict(frozen=True)

    id: str
    warnings: tuple[str, ...]


class ListPublished(BaseModel):
    """The new version: its number, how many rows it holds, the document that prints it."""

    model_config = ConfigDict(frozen=True)

    id: str
    number: int
    rows: int
    digest: str
    document: str


@command("lists.register_service", roles=CIVIL_AFFAIRS, clause="ZY-48", once_a_day=Once.BY_ANYONE)
def register_service(
    ctx: Context,
    *,
    service_class: Annotated[str, Field(description="服务类别:CARE、LIVING、SUPPORT、OTHER")],
    item: Annotated[str, Field(description="服务项目")],
    targets: Annotated[tuple[str, ...], Field(description="对象范围")],
    standard: Annotated[Words, Field(description="服务标准")],
    supplier: Annotated[Words, Field(description="供给主体")],
    payer_class: Annotated[str, Field(description="出资分类:GOVERNMENT_PAID、SOCIAL_LED")],
    beyond_basic: Annotated[bool, Field(description="是否超出维持基本生活需要")],
    covered_by_material: Annotated[bool, Field(description="是否已被物质救助覆盖")],
    overlaps: Annotated[dict[str, bool], Field(description="与已有各类政策的逐项核对")],
    funding: Annotated[Money | None, Field(description="服务资金投入(元/年)")] = None,
    service_years: Annotated[int | None, Field(ge=1, le=50, description="服务年限")] = None,
    channel: Annotated[str, Field(description="资金资源渠道")] = "government_paid",
    government_share: Annotated[bool, Field(description="政府是否分担一部分")] = False,
    other_reason: Annotated[Words, Field(description="选“其他”的原因")] = "",
    policy_ref: Annotated[Words, Field(description="政策依据")] = "",
    standard_file: Annotated[Upload | None, Field(description="服务标准文本")] = None,
    replaces: Annotated[str | None, Field(description="取代的清单行")] = None,
) -> RowRegistered:
    """Register a row of the service list; it is in force once a version that holds it is published.

    ``overlaps`` answers for each existing policy whether it already gives this service (ZY-08). Raises as
    ``rules.lists.check_service``; ``Conflict`` ``lists.replaced`` for a row that is in force no more.
    """
    policy = ctx.policy(region=ctx.services.region)
    draft = rules.ServiceDraft(
        service_class=service_class,
        item=item,
        other_reason=other_reason,
        targets=targets,
        standard=standard,
        supplier=supplier,
        funding=funding,
        service_years=service_years,
        payer_class=payer_class,
        government_share=government_share,
        channel=channel,
        beyond_basic=beyond_basic,
        covered_by_material=covered_by_material,
        overlaps=overlaps,
    )
    warnings = rules.check_service(draft=draft, policy=policy)
    facts = {name: value for name, value in vars(draft).items() if name not in ("targets", "overlaps", "funding")}
    row = ServiceRow(
        **facts,
        **head(ctx, rules.SERVICE, policy, replaces, warnings),
        targets=list(dict.fromkeys(targets)),
        overlaps=dict(overlaps),
        funding=funding.fen if funding is not None else None,
        policy_ref=policy_ref,
    )
    with ctx.writing() as session:
        if standard_file is not None:
            names = policy.delivery.service_item_names
            title = sentence("lists.standard_title", {"item": names[item]})
            row.standard_document_id = _file(session, ctx, standard_file, title=title)
        return enter(session, ctx, kind=rules.SERVICE, row=row)


def head(ctx: Context, kind: str, policy: Policy, replaces: str | None, warnings: Sequence[str]) -> dict[str, Any]:
    """Return what every row of every list holds."""
    return {
        "id": ctx.new_id(f"{kind}_row"),
        "region": policy.region,
        "replaces_id": replaces,
        "warnings": list(warnings),
        "registered_on": ctx.as_of,
        "policy_digest": policy.digest,
        "synthetic": bool(ctx.synthetic),
    }


def _file(session: Session, ctx: Context, stored: Upload, *, title: str) -> str:
    return documents.file_upload(
        session,
        ctx,
        stored=stored,
        project_id=None,
        stage=STAGE,
        kind="service_standard",
        title=title,
        issuer=ROLE_NAMES[ctx.actor.role],
    ).id


def enter(session: Session, ctx: Context, *, kind: str, row: AnyRow) -> RowRegistered:
    """Write a row and its event. Raises ``Conflict`` ``lists.replaced`` when it replaces one not in force any more."""
    if row.replaces_id is not None:
        _check_current(session, kind=kind, model=type(row), id_=row.replaces_id)
    session.add(row)
    record(session, ctx, kind=kind, type_="row_registered", payload={"row_id": row.id, "replaces": row.replaces_id})
    return RowRegistered(id=row.id, warnings=tuple(row.warnings))


def _check_current(session: Session, *, kind: str, model: type[AnyRow], id_: str) -> None:
    found(session.get(model, id_), kind=f"{kind}_row", id=id_)
    later = session.exec(select(model.id).where(col(model.replaces_id) == id_)).first()
    if later is not None or session.get(RowWithdrawal, id_) is not None:
        raise Conflict("lists.replaced", rule="SYS-LIST-VERSION", facts={"row": id_})


def record(session: Session, ctx: Context, *, kind: str, type_: str, payload: dict[str, Any]) -> None:
    """Append an event to the chain of a list."""
    events.append(
        session,
        ctx,
        stream_kind=STREAM,
        stream_id=f"{ctx.services.region}/{kind}",
        type=f"lists.{type_}",
        payload={"kind": kind, **payload},
    )


@command("lists.register_resource", roles=(*CIVIL_AFFAIRS, Role.TOWNSHIP), clause="FZ-23", once_a_day=Once.BY_ANYONE)
def register_resource(
    ctx: Context,
    *,
    provider: Annotated[Name, Field(description="提供单位")],
    kind: Annotated[str, Field(description="资源类别")],
    source: Annotated[str, Field(description="资源来源:government、social")],
    items: Annotated[tuple[str, ...], Field(min_length=1, description="可提供的服务")],
    areas: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[0-9]{2,12}$")], ...],
        Field(min_length=1, description="服务区域(区划代码)"),
    ],
    capacity: Annotated[int, Field(ge=0, le=10**9, description="每期可服务人数")],
    valid_from: Annotated[date, Field(description="有效期起")],
    valid_until: Annotated[date, Field(description="有效期止")],
    contact: Annotated[Words, Field(description="联系方式")],
    submitted_by: Annotated[Name, Field(description="报送单位")],
    credit_code: Annotated[Words, Field(description="统一社会信用代码")] = "",
    other_reason: Annotated[Words, Field(description="选“其他”的原因")] = "",
    replaces: Annotated[str | None, Field(description="取代的清单行")] = None,
) -> RowRegistered:
    """Register a row of the resource list: what a provider can do for how many people, where, until when.

    The contact is sealed. Raises ``Refusal`` ``lists.code_unknown`` (FZ-23), ``lists.other_without_reason``,
    ``lists.period`` (SYS-PERIOD); ``Conflict`` ``lists.replaced``.
    """
    policy = ctx.policy(region=ctx.services.region)
    draft = rules.ResourceDraft(kind=kind, other_reason=other_reason, source=source, items=items, areas=areas)
    warnings = rules.check_resource(draft=draft, policy=policy)
    if valid_until < valid_from:
        raise Refusal("lists.period", rule="SYS-PERIOD")
    row = ResourceRow(
        **head(ctx, rules.RESOURCE, policy, replaces, warnings),
        provider=provider,
        credit_code=credit_code,
        kind=kind,
        other_reason=other_reason,
        source=source,
        items=list(dict.fromkeys(items)),
        areas=list(dict.fromkeys(areas)),
        capacity=capacity,
        valid_from=valid_from,
        valid_until=valid_until,
        contact_sealed=ctx.services.vault.seal(contact),
        submitted_by=submitted_by,
    )
    with ctx.writing() as session:
        return enter(session, ctx, kind=rules.RESOURCE, row=row)


_MODELS: Final[dict[str, type[ServiceRow | ResourceRow | ProjectRow]]] = {
    rules.SERVICE: ServiceRow,
    rules.RESOURCE: ResourceRow,
    rules.PROJECT: ProjectRow,
}


class RowWithdrawn(BaseModel):
    """The row that the next version leaves out."""

    model_config = ConfigDict(frozen=True)

    id: str


@command("lists.withdraw_row", roles=CIVIL_AFFAIRS, clause="ZY-48")
def withdraw_row(
    ctx: Context,
    *,
    kind: Annotated[str, Field(pattern="^(service|resource|project)$", description="清单种类")],
    row: Annotated[str, Field(description="清单行")],
    reason: Annotated[Words, Field(min_length=2, description="退出原因")],
) -> RowWithdrawn:
    """Leave a row out of the next version; those published keep it. Raises ``Conflict`` ``lists.replaced``."""
    with ctx.writing() as session:
        _check_current(session, kind=kind, model=_MODELS[kind], id_=row)
        session.add(RowWithdrawal(row_id=row, reason=reason, withdrawn_on=ctx.as_of))
        record(session, ctx, kind=kind, type_="row_withdrawn", payload={"row_id": row})
        return RowWithdrawn(id=row)


@command("lists.publish_service_list", roles=CIVIL_AFFAIRS, clause="ZY-49")
def publish_service_list(
    ctx: Context,
    *,
    co_drafters: Annotated[tuple[Name, ...], Field(description="联合编制的慈善组织")] = (),
    fiscal_capacity_positive: Annotated[bool | None, Field(description="财政承受能力结论是否可行")] = None,
    fiscal_capacity: Annotated[Words, Field(description="财政承受能力结论的出处")] = "",
) -> ListPublished:
    """Publish the service list as it stands now as the next version; the version before is superseded, not changed.

    Raises as ``rules.lists.check_service_list``; ``Conflict`` ``lists.unchanged`` when nothing changed since.
    """
    policy = ctx.policy(region=ctx.services.region)
    with ctx.reading() as session:
        rows = current_rows(session, model=ServiceRow, region=policy.region)
    paid = sum(row.payer_class == rules.GOVERNMENT_PAID or row.government_share for row in rows)
    rules.check_service_list(
        rows=len(rows),
        government_rows=paid,
        co_drafters=co_drafters,
        fiscal_capacity=fiscal_capacity_positive if fiscal_capacity else None,
        policy=policy,
    )
    return publish(
        ctx,
        kind=rules.SERVICE,
        model=ServiceRow,
        rows=rows,
        printed=lambda row: list_papers.service_row(row, policy=policy),
        co_drafters=co_drafters,
        fiscal_capacity=fiscal_capacity,
    )


@command("lists.publish_resource_list", roles=CIVIL_AFFAIRS, clause="FZ-23")
def publish_resource_list(ctx: Context) -> ListPublished:
    """Publish the resource list as it stands now as the next version.

    Raises ``Refusal`` ``lists.empty`` (SYS-LIST-EMPTY); ``Conflict`` ``lists.unchanged``.
    """
    policy = ctx.policy(region=ctx.services.region)
    with ctx.reading() as session:
        rows = current_rows(session, model=ResourceRow, region=policy.region)
    rules.check_not_empty(rows=len(rows))
    return publish(
        ctx,
        kind=rules.RESOURCE,
        model=ResourceRow,
        rows=rows,
        printed=lambda row: list_papers.resource_row(row, policy=policy),
    )


def publish(
    ctx: Context,
    *,
    kind: str,
    model: type[AnyRow],
    rows: Sequence[AnyRow],
    printed: Callable[[AnyRow], dict[str, Any]],
    co_drafters: tuple[str, ...] = (),
    fiscal_capacity: str = "",
) -> ListPublished:
    """Print the rows, file the sheet, write the version. Raises ``Conflict`` ``lists.unchanged``."""
    ids = [row.id for row in rows]
    policy = ctx.policy(region=ctx.services.region)
    with ctx.reading() as session:
        number = _next_number(session, region=policy.region, kind=kind, ids=ids)
    title = sentence(f"lists.title.{kind}", {"number": number})
    made_up = any(row.synthetic for row in rows)
    view = list_papers.sheet(ctx, title=title, rows=[printed(row) for row in rows], synthetic=made_up)
    paper = documents.render(ctx, kind=f"{kind}_list_xlsx", view=view, synthetic_fields=tuple(view["synthetic_fields"]))
    with ctx.writing() as session:
        if [row.id for row in current_rows(session, model=model, region=policy.region)] != ids:
            raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
        document = documents.file_paper(
            session, ctx, paper=paper, project_id=None, stage=STAGE, title=title, issuer=ROLE_NAMES[ctx.actor.role]
        )
        version = ListVersion(
            id=ctx.new_id("list_version", kind),
            region=policy.region,
            kind=kind,
            number=number,
            published_on=ctx.as_of,
            row_ids=ids,
            digest=digest(ids),
            co_drafters=list(co_drafters),
            fiscal_capacity=fiscal_capacity,
            document_id=document.id,
            policy_digest=policy.digest,
        )
        session.add(version)
        facts = {"version_id": version.id, "number": number, "rows": len(ids), "digest": version.digest}
        record(session, ctx, kind=kind, type_="published", payload={**facts, "policy_digest": policy.digest})
        return ListPublished(
            id=version.id, number=number, rows=len(ids), digest=version.digest, document=version.document_id
        )


def _next_number(session: Session, *, region: str, kind: str, ids: list[str]) -> int:
    newest = newest_version(session, region=region, kind=kind)
    if newest is None:
        return 1
    if newest.row_ids == ids:
        raise Conflict("lists.unchanged", rule="SYS-LIST-VERSION", facts={"number": newest.number})
    return newest.number + 1
