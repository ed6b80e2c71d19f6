"""Commands of the project list (项目清单, S02): rows that join needs, services and resources, with the payer split."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.commands import list_papers
from models.commands.lists import ListPublished, Name, RowRegistered, Words, enter, head, publish
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS
from models.core.money import Money
from models.core.registry import Once, command
from models.queries.lists import current_rows, newest_version
from models.queries.reader import found
from models.rules import lists as rules
from models.tables.lists import ProjectRow, ResourceRow, ServiceRow
from models.tables.needs import Survey


class ShareEntry(BaseModel):
    """One contributor's share of a project: channel, who, how much. Never pooled with another (ZY-10)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: Annotated[str, Field(description="资金渠道")]
    contributor: Annotated[Name, Field(description="出资方")]
    amount: Annotated[Money, Field(description="金额(元)")]


@command("lists.register_project", roles=CIVIL_AFFAIRS, clause="AH-12", once_a_day=Once.BY_ANYONE)
def register_project(
    ctx: Context,
    *,
    title: Annotated[Name, Field(description="项目名称")],
    payer_class: Annotated[str, Field(description="出资分类:GOVERNMENT_PAID、SOCIAL_LED")],
    shares: Annotated[tuple[ShareEntry, ...], Field(min_length=1, description="各渠道出资")],
    total: Annotated[Money, Field(description="合计(元)")],
    surveys: Annotated[tuple[str, ...], Field(description="对应的需求调查")] = (),
    services: Annotated[tuple[str, ...], Field(description="对应的服务清单行")] = (),
    resources: Annotated[tuple[str, ...], Field(description="对应的资源清单行")] = (),
    design: Annotated[dict[str, str] | None, Field(description="设计要点")] = None,
    plan_alignment: Annotated[Words, Field(description="规划衔接")] = "",
    responsible_unit: Annotated[Words, Field(description="责任单位")] = "",
    cooperating_units: Annotated[tuple[Name, ...], Field(description="配合单位")] = (),
    domain: Annotated[str, Field(description="购买领域")] = "",
    other_reason: Annotated[Words, Field(description="选“其他”的原因")] = "",
    catalogue_code: Annotated[Words, Field(description="指导性目录代码")] = "",
    participation: Annotated[dict[str, str] | None, Field(description="群众参与情况")] = None,
    priority_service: Annotated[str, Field(description="重点购买的服务")] = "",
    brand: Annotated[Words, Field(description="品牌标识")] = "",
    replaces: Annotated[str | None, Field(description="取代的清单行")] = None,
) -> RowRegistered:
    """Register a row of the project list. Raises as ``rules.lists.check_project``; ``kernel.not_found`` for a link."""
    policy = ctx.policy(region=ctx.services.region)
    draft = rules.ProjectDraft(
        surveys=surveys,
        services=services,
        resources=resources,
        payer_class=payer_class,
        shares=tuple(rules.Share(share.channel, share.contributor, share.amount) for share in shares),
        total=total,
        design=design or {},
        plan_alignment=plan_alignment,
        responsible_unit=responsible_unit,
        domain=domain,
        other_reason=other_reason,
        catalogue_code=catalogue_code,
        participation=participation or {},
        priority_service=priority_service,
    )
    warnings = rules.check_project(draft=draft, policy=policy)
    kept = ("payer_class", "plan_alignment", "responsible_unit", "domain", "other_reason", "catalogue_code")
    row = ProjectRow(
        **head(ctx, rules.PROJECT, policy, replaces, warnings),
        **{name: getattr(draft, name) for name in kept},
        title=title,
        surveys=list(surveys),
        services=list(services),
        resources=list(resources),
        shares=[{**share.model_dump(), "amount": share.amount.fen} for share in shares],
        total=total.fen,
        design=dict(draft.design),
        participation=dict(draft.participation),
        cooperating_units=list(cooperating_units),
        priority_service=priority_service,
        brand=brand,
    )
    with ctx.writing() as session:
        _check_linked(session, row)
        return enter(session, ctx, kind=rules.PROJECT, row=row)


def _check_linked(session: Session, row: ProjectRow) -> None:
    """Refuse links to what is not there (``kernel.not_found``)."""
    for kind, model, ids in (
        ("survey", Survey, row.surveys),
        ("service_row", ServiceRow, row.services),
        ("resource_row", ResourceRow, row.resources),
    ):
        for id_ in ids:
            found(session.get(model, id_), kind=kind, id=id_)


@command("lists.publish_project_list", roles=CIVIL_AFFAIRS, clause="AH-12")
def publish_project_list(ctx: Context) -> ListPublished:
    """Publish the project list as it stands now as the next version.

    Raises ``Refusal`` ``lists.empty`` (SYS-LIST-EMPTY), ``lists.surveys_missing`` (AH-11); ``Conflict``
    ``lists.unchanged``.
    """
    policy = ctx.policy(region=ctx.services.region)
    with ctx.reading() as session:
        rows = current_rows(session, model=ProjectRow, region=policy.region)
        surveys = session.exec(
            select(func.count()).select_from(Survey).where(col(Survey.region) == policy.region)
        ).one()
        there = newest_version(session, region=policy.region, kind=rules.RESOURCE)
        items = policy.delivery.service_item_names
        names = {row.id: items.get(row.item, row.item) for row in session.exec(select(ServiceRow)).all()}
        names |= {row.id: row.provider for row in session.exec(select(ResourceRow)).all()}
    rules.check_not_empty(rows=len(rows))
    rules.check_lists_there(published=(rules.RESOURCE,) if there else (), surveys=surveys, policy=policy)
    return publish(
        ctx,
        kind=rules.PROJECT,
        model=ProjectRow,
        rows=rows,
        printed=lambda row: list_papers.project_row(row, names=names, policy=policy),
    )
