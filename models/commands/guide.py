"""Commands of the work guide (工作指南, S03): a draft holds the six items, activation prints it and puts it in force.

A version in force is never edited: the next one replaces it, and cases stay with the one they were submitted under.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session

from models.commands import documents, events, work
from models.context import Context
from models.core.actors import HANDLERS
from models.core.errors import Conflict, Refusal
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.registry import Once, command
from models.policy.schema import Policy
from models.ports import Zone
from models.queries.guide import newest_version
from models.queries.reader import found
from models.rules.bodies import body_name
from models.rules.guide import Outline, Step, check_complete, check_drafted, check_order
from models.tables.guide import ApplicationGuide

PUBLICATION: Final = "guide.publication"
"""The work item a region owes that takes applications without a guide (ZY-13); its subject is the region."""

STREAM: Final = "application_guide"

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Days = Annotated[int, Field(ge=1, le=366)]


class _Argument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GuideAttachment(_Argument):
    """A file an application comes with."""

    code: Annotated[Code, Field(description="附件代码")]
    name: Annotated[Text, Field(description="附件名称")]
    required: Annotated[bool, Field(description="是否必备")] = True


class GuideCondition(_Argument):
    """One condition an application is reviewed against."""

    code: Annotated[Code, Field(description="条件代码")]
    text: Annotated[Text, Field(description="审查条件")]


class GuideStep(_Argument):
    """One step of the procedure; ``next`` are the steps that may follow (the flow chart)."""

    code: Annotated[Code, Field(description="环节代码")]
    name: Annotated[Text, Field(description="环节名称")]
    actor: Annotated[str, Field(max_length=100, description="责任主体")] = ""
    next: Annotated[tuple[Code, ...], Field(max_length=20, description="后续环节")] = ()


class GuideDrafted(BaseModel):
    """The draft, and which of the six items it leaves open."""

    model_config = ConfigDict(frozen=True)

    id: str
    open_items: tuple[str, ...]


class GuideActivated(BaseModel):
    """The version that is (or will be) in force, with its papers and the version it replaces."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    in_force_from: date
    replaces: int | None
    document: str
    page: str


@command("guide.draft", roles=HANDLERS, clause="ZY-14", once_a_day=Once.BY_ANYONE)
def draft(
    ctx: Context,
    *,
    materials: Annotated[tuple[Text, ...], Field(max_length=100, description="申报材料")] = (),
    attachments: Annotated[tuple[GuideAttachment, ...], Field(max_length=100, description="所需附件")] = (),
    intake_channel: Annotated[str, Field(max_length=5_000, description="受理方式")] = "",
    review_conditions: Annotated[tuple[GuideCondition, ...], Field(max_length=100, description="审查条件")] = (),
    procedure: Annotated[tuple[GuideStep, ...], Field(max_length=50, description="办理流程")] = (),
    time_limits: Annotated[dict[Code, Days] | None, Field(description="办理时限：环节→工作日")] = None,
) -> GuideDrafted:
    """Draft the next guide; items may still be open.

    Raises ``Refusal`` ``guide.code_twice``, ``guide.step_unknown`` (SYS-GUIDE).
    """
    content: dict[str, Any] = {
        "materials": list(materials),
        "attachments": [item.model_dump() for item in attachments],
        "intake_channel": intake_channel.strip(),
        "review_conditions": [item.model_dump() for item in review_conditions],
        "procedure": [item.model_dump(mode="json") for item in procedure],
        "time_limits": dict(time_limits or {}),
    }
    outline = _outline(content)
    check_drafted(outline=outline)
    policy = ctx.policy(region=ctx.services.region)
    with ctx.writing() as session:
        row = ApplicationGuide(
            id=ctx.new_id("gui", policy.region),
            region=policy.region,
            drafted_on=ctx.as_of,
            content=content,
            content_digest=digest(content),
            policy_digest=policy.digest,
        )
        session.add(row)
        payload = {"guide_id": row.id, "content_digest": row.content_digest}
        events.append(session, ctx, stream_kind=STREAM, stream_id=policy.region, type="guide.drafted", payload=payload)
        open_items = tuple(code for code in policy.application.guide_items if code not in outline.filled)
        return GuideDrafted(id=row.id, open_items=open_items)


@command("guide.activate", roles=HANDLERS, clause="ZY-13")
def activate(
    ctx: Context,
    *,
    guide: Annotated[str, Field(description="指南草稿编号")],
    in_force_from: Annotated[date | None, Field(description="施行日期；不填为当日")] = None,
) -> GuideActivated:
    """Publish a draft as the next version, as PDF and page, and put it in force.

    Raises ``Refusal`` ``guide.incomplete`` (ZY-13, ZY-14), ``guide.active_already`` (SYS-GUIDE), ``guide.reaches_back``
    and ``guide.out_of_order`` (ZY-15).
    """
    day = in_force_from or ctx.as_of
    with ctx.reading() as session:
        row = found(session.get(ApplicationGuide, guide), kind="guide", id=guide)
        policy = ctx.policy(region=row.region)
        last = newest_version(session, row.region)
        _check(row, last, day=day, today=ctx.as_of, policy=policy)
        replaces = last.version if last else None
        version = (replaces or 0) + 1
        view = _view(ctx, row, policy=policy, version=version, day=day, replaces=replaces)
    paper = documents.render(ctx, kind="application_guide", view=view, zone=Zone.PUBLIC)
    page = documents.render(ctx, kind="application_guide_html", view=view, zone=Zone.PUBLIC)
    with ctx.writing() as session:
        row = found(session.get(ApplicationGuide, guide), kind="guide", id=guide)
        last = newest_version(session, row.region)
        if (last.version if last else None) != replaces or row.version is not None:
            raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
        row.version, row.in_force_from, row.policy_digest = version, day, policy.digest
        _publish(session, ctx, row=row, papers=(paper, page), view=view, replaces=replaces)
        return GuideActivated(
            id=row.id,
            version=version,
            in_force_from=day,
            replaces=replaces,
            document=str(row.document_id),
            page=str(row.page_id),
        )


def _publish(
    session: Session,
    ctx: Context,
    *,
    row: ApplicationGuide,
    papers: tuple[documents.Paper, documents.Paper],
    view: dict[str, Any],
    replaces: int | None,
) -> None:
    """File the papers of a version, end what the region owed, and say so on its chain of guides."""
    row.document_id, row.page_id = (
        documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=None,
            stage="application",
            title="".join(view["title_lines"]),
            issuer=view["issuer"],
        ).id
        for paper in papers
    )
    session.add(row)
    session.flush()  # the version is unique: of two activations at once one fails here
    work.close_item(session, ctx, kind=PUBLICATION, subject_id=row.region)
    payload = {
        "guide_id": row.id,
        "version": row.version,
        "in_force_from": row.in_force_from.isoformat() if row.in_force_from else None,
        "replaces": replaces,
        "content_digest": row.content_digest,
        "sha256": papers[0].stored.sha256,
    }
    events.append(session, ctx, stream_kind=STREAM, stream_id=row.region, type="guide.activated", payload=payload)


def _check(row: ApplicationGuide, last: ApplicationGuide | None, *, day: date, today: date, policy: Policy) -> None:
    if row.version is not None:
        raise Refusal("guide.active_already", rule="SYS-GUIDE", facts={"version": row.version})
    check_complete(outline=_outline(row.content), policy=policy)
    check_order(in_force_from=day, today=today, last=last.in_force_from if last else None, policy=policy)


def _outline(content: dict[str, Any]) -> Outline:
    return Outline(
        filled=frozenset(item for item, value in content.items() if value),
        codes={
            item: tuple(entry["code"] for entry in content[item])
            for item in ("attachments", "review_conditions", "procedure")
        },
        steps=tuple(Step(step["code"], step["name"], tuple(step["next"])) for step in content["procedure"]),
        limits=content["time_limits"],
    )


def _view(
    ctx: Context, row: ApplicationGuide, *, policy: Policy, version: int, day: date, replaces: int | None
) -> dict[str, Any]:
    content = row.content
    facts = {
        "region": policy.region_name,
        "version": sentence("guide.version", {"version": version}),
        "in_force_from": day.isoformat(),
        "replaces": sentence("guide.version", {"version": replaces}) if replaces else sentence("guide.first"),
    }
    return {
        "title_lines": [sentence("guide.title", {"region": policy.region_name})],
        "doc_no": "",
        "issuer": body_name(policy=policy, role=ctx.actor.role),
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": [],
        "facts": [{"label": sentence(f"guide.fact.{code}"), "value": text} for code, text in facts.items()],
        "materials": content["materials"],
        "attachments": [
            sentence("guide.attachment" if item["required"] else "guide.attachment_optional", {"name": item["name"]})
            for item in content["attachments"]
        ],
        "intake_channel": content["intake_channel"].splitlines(),
        "conditions": [item["text"] for item in content["review_conditions"]],
        "steps": _steps(content),
    }


def _steps(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the boxes of the flow chart: the line from one to the next, everything else as branches."""
    steps, limits = content["procedure"], content["time_limits"]
    names = {step["code"]: step["name"] for step in steps}
    following = [*(step["code"] for step in steps[1:]), None]
    return [
        {
            "number": str(number),
            "name": step["name"],
            "actor": step["actor"],
            "limit": sentence("guide.limit", {"days": limits[step["code"]]}),
            "leads_on": after in step["next"],
            "branches": [names[code] for code in step["next"] if code != after],
        }
        for number, (step, after) in enumerate(zip(steps, following, strict=True), start=1)
    ]
