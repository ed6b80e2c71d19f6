"""Commands of a rehearsal: what a published case states, and the report that sets it beside what the run used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events
from models.context import Context
from models.core.actors import HANDLERS, Role
from models.core.errors import Conflict, Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.queries.reader import project_of
from models.queries.report import FACTS, case_report_view
from models.rules.bodies import body_name
from models.tables.kernel import Event
from models.tables.rehearsal import SourceValue

_RECORDED: Final = "rehearsal.source_recorded"
_REPORT: Final = "case_report"


class StatedValue(BaseModel):
    """One field: what the source states (nothing = not stated) and the fact the run used for it, if any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: Annotated[str, Field(min_length=1, max_length=60, description="字段")]
    stated: Annotated[str | None, Field(max_length=200, description="来源载明")] = None
    fact: Annotated[str | None, Field(description="演练采用的事实代码")] = None


class SourceRecorded(BaseModel):
    """How many fields the source states and how many it does not."""

    model_config = ConfigDict(frozen=True)

    stated: int
    not_stated: int


class ReportIssued(BaseModel):
    """The filed report: its document id and digest."""

    model_config = ConfigDict(frozen=True)

    id: str
    sha256: str


@command("rehearsal.record_source", roles=HANDLERS, clause="SYS-REHEARSAL", rehearsal_only=True)
def record_source(
    ctx: Context,
    *,
    project: Annotated[str, Field(description="项目编号")],
    source: Annotated[str, Field(min_length=2, max_length=200, description="案例来源")],
    values: Annotated[tuple[StatedValue, ...], Field(min_length=1, description="各字段")],
    dates_stated: Annotated[bool, Field(description="来源是否载明各环节日期")] = False,
) -> SourceRecorded:
    """Record what a published case states, field by field.

    Raises ``Refusal`` ``rehearsal.fact_unknown`` for a fact code we do not compute, ``Conflict``
    ``rehearsal.source_recorded`` when it was recorded before.
    """
    unknown = sorted({value.fact for value in values if value.fact and value.fact not in FACTS})
    if unknown:
        facts = {"facts": "、".join(unknown), "known": "、".join(FACTS)}
        raise Refusal("rehearsal.fact_unknown", rule="SYS-REHEARSAL", facts=facts)
    with ctx.writing() as session:
        project_of(session, project)
        if _source_of(session, project) is not None:
            raise Conflict("rehearsal.source_recorded", rule="SYS-ALREADY-DONE")
        for ordinal, value in enumerate(values, start=1):
            id_ = ctx.new_id("src", project, str(ordinal))
            session.add(SourceValue(id=id_, project_id=project, ordinal=ordinal, **value.model_dump()))
        stated = sum(value.stated is not None for value in values)
        payload = {"source": source, "dates_stated": dates_stated, "stated": stated, "fields": len(values)}
        events.on_project(session, ctx, project, _RECORDED, payload)
        return SourceRecorded(stated=stated, not_stated=len(values) - stated)


@command("rehearsal.issue_report", roles=HANDLERS, clause="SYS-REHEARSAL", rehearsal_only=True)
def issue_report(ctx: Context, *, project: Annotated[str, Field(description="项目编号")]) -> ReportIssued:
    """Render and file the report of the whole project as it stands; the source must have been recorded.

    Raises ``Conflict`` ``kernel.recorded_already`` when the report of today is the last thing the project heard of.
    """
    with ctx.reading() as session:
        row = project_of(session, project)
        _check_news(session, ctx, project)
        source = _source_of(session, project)
        if source is None:
            raise Refusal("rehearsal.source_missing", rule="SYS-REHEARSAL")
        issuer = body_name(policy=ctx.policy(region=row.region), role=Role.EVALUATION_OFFICE)
        view = case_report_view(
            session,
            row,
            issuer=issuer,
            on=ctx.as_of,
            rehearsal=ctx.services.rehearsal,
            source=str(source["source"]),
            dates_stated=bool(source["dates_stated"]),
        )
    paper = documents.render(ctx, kind=_REPORT, view=view, synthetic_fields=view["synthetic_fields"])
    with ctx.writing() as session:
        document = documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=project,
            stage="evaluation",
            title=sentence("rehearsal.report.title"),
            issuer=issuer,
        )
        return ReportIssued(id=document.id, sha256=document.sha256)


def _check_news(session: Session, ctx: Context, project: str) -> None:
    of_project = (col(Event.stream_kind) == events.PROJECT_STREAM, col(Event.stream_id) == project)
    last = session.exec(select(Event).where(*of_project).order_by(col(Event.seq).desc()).limit(1)).first()
    if last is None or last.payload.get("kind") != _REPORT or last.occurred_at != ctx.as_of:
        return
    facts = {
        "command": sentence(f"command.{ctx.command}"),
        "id": last.payload["document_id"],
        "on": last.occurred_at.isoformat(),
    }
    raise Conflict("kernel.recorded_already", rule="SYS-ALREADY-DONE", facts=facts)


def _source_of(session: Session, project: str) -> Mapping[str, object] | None:
    return session.exec(
        select(Event.payload).where(
            col(Event.stream_kind) == events.PROJECT_STREAM,
            col(Event.stream_id) == project,
            col(Event.type) == _RECORDED,
        )
    ).one_or_none()
