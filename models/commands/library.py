"""Commands of the project library (S02): a project is born by entering the library.

Where it stands among the units is ``commands.placement``, the policy list it refers to ``commands.policy_list``.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session

from models.commands import events, placement, transition
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS
from models.core.errors import Refusal
from models.core.hashing import digest
from models.core.registry import Once, command
from models.policy.schema import Policy
from models.queries.library import Recommendation, current_list, items_of, recommended
from models.queries.publicity import open_notice
from models.queries.reader import found, project_of
from models.queries.units import root_unit, units_on
from models.rules.decision_records import check_no_notice
from models.rules.library import (
    Doubt,
    Entry,
    check_entry,
    check_links_known,
    check_restated,
    check_submitter,
    doubts,
)
from models.rules.masking import check_impersonal
from models.rules.publicity import Attribute
from models.tables.kernel import Project
from models.tables.lists import ListVersion
from models.tables.matching import ServiceGap
from models.tables.needs import Survey

_SURVEY_PREFIX: Final = "sur-"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, Field(min_length=2, max_length=120, description="项目名称")]


class ProjectEntered(BaseModel):
    """The new project: ``id`` and its state; soft rules it does not meet; what similar closed projects recommend."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    doubts: tuple[Doubt, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()


class AttributeRestated(BaseModel):
    """The project and its attribute as it stands now."""

    model_config = ConfigDict(frozen=True)

    project: str
    attribute: Attribute


@command(
    "library.enter_project",
    roles=CIVIL_AFFAIRS,
    clause="ZY-44",
    once_a_day=Once.BY_ANYONE,
)
def enter_project(
    ctx: Context,
    *,
    name: Name,
    payer: Annotated[str, Field(description="出资类别:government、enterprise、joint")] = "government",
    needs: tuple[Text, ...] = (),
    policies: tuple[Text, ...] = (),
    fund_sources: tuple[str, ...] = (),
    cooperation_modes: tuple[str, ...] = (),
    origin: str | None = None,
    plan_alignment: Annotated[str, Field(description="衔接的规划")] = "",
    predecessor: str | None = None,
    region: str | None = None,
    submitter: Annotated[str | None, Field(description="申报入库的县(市、区)区划代码")] = None,
    unit: Annotated[str | None, Field(description="项目所在单位的区划代码;不填为申报县")] = None,
    services: Annotated[tuple[str, ...], Field(description="服务项目代码")] = (),
    branded: Annotated[bool, Field(description="是否使用本地主题品牌")] = False,
    fund_source_reason: Annotated[str, Field(description="资金来源选其他时的说明")] = "",
    attribute: Annotated[
        Attribute | None, Field(description="方案公开属性:active 主动公开、on_request 依申请公开、withheld 不予公开")
    ] = None,
) -> ProjectEntered:
    """Enter a project into the library and start its event chain.

    ``needs`` are ids of surveys (``sur-…``, which must exist) or references in words, ``policies`` titles or codes on
    the policy list, ``predecessor`` the project this one follows on (HS-54), ``region`` the one served here or one
    below it. Where ZY-44 binds, needs and policies must be registered. Raises ``Refusal`` ``library.link_missing``,
    ``library.need_unregistered``, ``library.policy_not_listed`` (ZY-44), ``library.field_missing`` (ZY-39, ZY-45,
    ZY-46, FZ-01), ``library.submitter_not_county`` (ZY-39), ``library.unknown_code`` (ZY-46),
    ``library.region_outside`` (SYS-REGION), ``kernel.not_found``.
    """
    policy = ctx.policy(region=_served(ctx, region))
    entry = Entry(
        needs,
        policies,
        fund_sources,
        cooperation_modes,
        origin,
        payer,
        submitter=submitter,
        plan_alignment=plan_alignment,
        fund_source_reason=fund_source_reason,
        services=services,
        branded=branded,
        attribute=attribute,
    )
    check_entry(entry=entry, policy=policy)
    soft = doubts(entry=entry, role=ctx.actor.role, policy=policy)
    with ctx.writing() as session:
        linked = _check_links(session, ctx, entry, policy)
        place = _place(session, ctx, entry, policy, unit)
        if predecessor is not None:
            project_of(session, predecessor)
        project = Project(
            id=ctx.new_id("prj"),
            region=policy.region,
            name=name,
            payer=payer,
            state="",
            version=0,
            policy_digest=policy.digest,
            entered_on=ctx.as_of,
            synthetic=ctx.services.rehearsal,
            predecessor_id=predecessor,
            details=_details(session, ctx, entry, policy, soft),
        )
        transition.apply(session, ctx, project, payload={"needs": linked, "predecessor": predecessor})
        if place is not None:
            placement.place(session, ctx, project=project.id, unit=place)
        advice = recommended(session, services=services, predecessor=predecessor, on=ctx.as_of)
        return ProjectEntered(id=project.id, state=f"project.{project.state}", doubts=soft, recommendations=advice)


@command("library.restate_attribute", roles=CIVIL_AFFAIRS, clause="FZ-01")
def restate_attribute(
    ctx: Context,
    *,
    project: str,
    attribute: Annotated[Attribute, Field(description="重新确定的方案公开属性")],
    reason: Annotated[str, Field(min_length=2, max_length=500, description="重新确定的理由")],
) -> AttributeRestated:
    """Decide anew whether a project's plan is for the public (FZ-01); what stands in public already stays there.

    Raises ``Refusal`` ``library.attribute_unchanged``, ``decision.notice_running`` while the public is asked about it,
    ``kernel.reason_names_person`` for a reason with a personal number in it.
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = project_of(session, project)
        before = row.details.get("attribute")
        check_restated(before=before, after=attribute)
        check_no_notice(running=open_notice(session, project) is not None)
        restated = {"on": ctx.as_of.isoformat(), "before": before, "reason": reason}
        row.details = {**row.details, "attribute": str(attribute), "attribute_restated": restated}
        session.add(row)
        payload = {"attribute": str(attribute), "before": before, "reason_digest": digest(reason)}
        stream: dict[str, Any] = {"stream_kind": events.PROJECT_STREAM, "stream_id": row.id}
        events.append(session, ctx, **stream, type="library.attribute_restated", payload=payload)
        return AttributeRestated(project=row.id, attribute=attribute)


def _check_links(session: Session, ctx: Context, entry: Entry, policy: Policy) -> list[str]:
    """Return the needs as events name them: codes of what is registered, digests of words, which may name somebody."""
    for need in entry.needs:
        if need.startswith(_SURVEY_PREFIX):
            found(session.get(Survey, need), kind="survey", id=need)
    known = {
        need: need.startswith(_SURVEY_PREFIX)
        or session.get(ListVersion, need) is not None
        or session.get(ServiceGap, need) is not None  # a missing or weak service (ZY-02)
        for need in entry.needs
    }
    listed = current_list(session, region=ctx.services.region, on=ctx.as_of)
    codes = {one.code for one in items_of(session, listed.id)} if listed else set()
    check_links_known(needs=known, policies=entry.policies, listed=codes, policy=policy)
    return [need if known[need] else digest(need) for need in entry.needs]


def _place(session: Session, ctx: Context, entry: Entry, policy: Policy, unit: str | None) -> str | None:
    """Return the unit the project stands at, having checked it and the submitter; ``None``: at the region itself."""
    root = root_unit(policies=ctx.services.policies, region=ctx.services.region)
    units = units_on(session, root=root, on=ctx.as_of)
    if entry.submitter is not None:
        county = found(units.get(entry.submitter), kind="unit", id=entry.submitter)
        check_submitter(level=county.level, name=county.name, policy=policy)
    place = unit or entry.submitter
    return None if place is None else found(units.get(place), kind="unit", id=place).code


def _details(session: Session, ctx: Context, entry: Entry, policy: Policy, soft: tuple[Doubt, ...]) -> dict[str, Any]:
    listed = current_list(session, region=ctx.services.region, on=ctx.as_of)
    stated: dict[str, Any] = {
        "submitter": entry.submitter,
        "submitted_by": str(ctx.actor.role) if entry.submitter else None,
        "services": list(entry.services),
        "theme": policy.library.brand_theme if entry.branded else None,
        "fund_source_reason": entry.fund_source_reason,
        "attribute": entry.attribute,
        "policy_list": listed.id if listed else None,
        "doubts": [doubt.rule for doubt in soft],
    }
    return {
        "needs": list(entry.needs),
        "policies": list(entry.policies),
        "fund_sources": list(entry.fund_sources),
        "cooperation_modes": list(entry.cooperation_modes),
        "origin": entry.origin,
        "plan_alignment": entry.plan_alignment,
    } | {key: value for key, value in stated.items() if value}


def _served(ctx: Context, region: str | None) -> str:
    own = ctx.services.region
    if region is not None and not ctx.services.policies.is_within(region, own):
        raise Refusal("library.region_outside", rule="SYS-REGION", facts={"region": region, "own": own})
    return region or own
