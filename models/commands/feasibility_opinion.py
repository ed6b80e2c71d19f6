"""The command by which the county government gives its opinion on the feasibility report (S04, ZY-67).

The opinion is pinned to the digest of the report's paper: a changed report needs a new one. Moves no state.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, project_papers
from models.commands.feasibility_report import STATES
from models.context import Context
from models.core.actors import ROLE_NAMES, Role
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.registry import command
from models.core.uploads import Upload
from models.queries.feasibility import newest
from models.queries.feasibility_papers import OPINION_SOURCES, opinion_view
from models.queries.feasibility_set import standing_report
from models.queries.reader import project_of
from models.rules import feasibility_set as rules
from models.rules import lifecycle
from models.rules.lifecycle import Thing
from models.tables.feasibility import CountyOpinion
from models.tables.kernel import Project

SCAN = "county_opinion_scan"
_CALLERS = (Role.COUNTY_GOVERNMENT, Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.EVALUATION_OFFICE)
"""The bureaus may call it to be told in words that the opinion is not theirs to give."""


class OpinionGiven(BaseModel):
    """The opinion and its paper."""

    model_config = ConfigDict(frozen=True)

    id: str
    report_sha256: str
    document: str


@command("feasibility.give_opinion", roles=_CALLERS, clause="ZY-67")
def give_opinion(
    ctx: Context,
    *,
    project: str,
    report_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="报告摘要值(SHA-256)")],
    positive: Annotated[bool, Field(description="是否同意")],
    opinion: Annotated[str, Field(min_length=2, max_length=20_000, description="审查情况和理由")],
    number: Annotated[str, Field(max_length=60, description="文号")] = "",
    conditions: Annotated[tuple[str, ...], Field(max_length=50, description="附加条件")] = (),
    scan: Annotated[Upload | None, Field(description="盖章件扫描件")] = None,
) -> OpinionGiven:
    """Give the county government's opinion on the newest feasibility report.

    Raises ``Refusal`` ``feasibility.opinion_issuer`` for any other body, ``feasibility.no_report``,
    ``feasibility.other_report`` (ZY-67), ``SYS-STATE``.
    """
    with ctx.reading() as session:
        row = project_of(session, project)
        policy = ctx.policy(region=row.region)
        rules.check_issuer(role=ctx.actor.role, policy=policy)
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=STATES)
        report, previous = standing_report(session, row), newest(session, CountyOpinion, project)
        rules.check_pinned(report=report.sha256 if report else None, given=report_sha256, policy=policy)
        assert report is not None  # check_pinned refuses a project without one
        draft = CountyOpinion(
            id=ctx.new_id("fea", project),
            project_id=project,
            ordinal=previous.ordinal + 1 if previous else 1,
            report_id=report.id,
            report_sha256=report.sha256,
            positive=positive,
            opinion=opinion,
            conditions=[one.strip() for one in conditions if one.strip()],
            number=number,
            document_id="",
            given_on=ctx.as_of,
        )
        sheet = project_papers.sheet(session, ctx, row, sources=OPINION_SOURCES)
        view = opinion_view(sheet=sheet, opinion=draft, report=report, issuer=ROLE_NAMES[ctx.actor.role])
    printed = project_papers.printed(ctx, kind=rules.OPINION, view=view)
    with ctx.writing() as session:
        now = standing_report(session, project_of(session, project))
        rules.check_pinned(report=now.sha256 if now else None, given=report_sha256, policy=policy)
        draft.scan_id = _file_scan(session, ctx, row, scan) if scan else None
        draft.document_id = project_papers.filed(session, ctx, project=project, stage="feasibility", printed=printed)
        session.add(draft)
        _announce(session, ctx, draft)
        return OpinionGiven(id=draft.id, report_sha256=draft.report_sha256, document=draft.document_id)


def _file_scan(session: Session, ctx: Context, project: Project, scan: Upload) -> str:
    return documents.file_upload(
        session,
        ctx,
        stored=scan,
        project_id=project.id,
        stage="feasibility",
        kind=SCAN,
        title=sentence("feasibility.opinion.scan_title", {"project": project.name}),
        issuer=ROLE_NAMES[ctx.actor.role],
    ).id


def _announce(session: Session, ctx: Context, given: CountyOpinion) -> None:
    payload: dict[str, Any] = {
        "id": given.id,
        "ordinal": given.ordinal,
        "report_id": given.report_id,
        "report_sha256": given.report_sha256,
        "positive": given.positive,
        "opinion_digest": digest([given.opinion, given.conditions]),
        "document_id": given.document_id,
    }
    events.on_project(session, ctx, given.project_id, "feasibility.opinion_given", payload)
