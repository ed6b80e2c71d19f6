"""Commands of the statutory formalities (S04, ZY-68): each with its paper or why it does not apply, then the set.

Called through the door. Move no state.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, project_papers
from models.commands.feasibility_report import STATES
from models.context import Context
from models.core.actors import Role
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.registry import command
from models.core.uploads import Upload
from models.queries.bodies import acting_body
from models.queries.feasibility import newest
from models.queries.feasibility_papers import FORMALITY_SOURCES, formalities_view
from models.queries.feasibility_set import formalities_of
from models.queries.reader import project_of
from models.rules import feasibility_set as rules
from models.rules import lifecycle
from models.rules.lifecycle import Thing
from models.tables.feasibility import Formality, FormalitySet
from models.tables.kernel import Document, Project

FORMALITY: Final = "formality_paper"
_ALLOWED: Final = ("in_library", "submitted", "returned", *STATES)
_CALLERS: Final = (Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.EVALUATION_OFFICE, Role.PURCHASER)


class FormalityRecorded(BaseModel):
    """The new row, and the codes that are still open."""

    model_config = ConfigDict(frozen=True)

    id: str
    open: tuple[str, ...]


class FormalitiesCompleted(BaseModel):
    """The complete checklist and its paper."""

    model_config = ConfigDict(frozen=True)

    id: str
    document: str


@command("feasibility.record_formality", roles=_CALLERS, clause="ZY-68")
def record_formality(
    ctx: Context,
    *,
    project: str,
    code: Annotated[str, Field(max_length=60, description="手续代码")],
    file: Annotated[Upload | None, Field(description="手续文件")] = None,
    number: Annotated[str, Field(max_length=60, description="文号")] = "",
    issued_on: Annotated[date | None, Field(description="办理日期")] = None,
    not_applicable: Annotated[str, Field(max_length=1_000, description="不适用的理由")] = "",
) -> FormalityRecorded:
    """Record one formality: the paper that shows it, or why it does not apply; a later record of the same one counts.

    Raises ``Refusal`` ``feasibility.formality_unknown``, ``feasibility.formality_either`` (ZY-68), ``SYS-STATE``.
    """
    with ctx.writing() as session:
        row = _open(session, ctx, project)
        policy = ctx.policy(region=row.region)
        rules.check_formality(
            code=code, payer=row.payer, has_file=file is not None, not_applicable=not_applicable, policy=policy
        )
        previous = newest(session, Formality, project)
        act = Formality(
            id=ctx.new_id("fea", project, code),
            project_id=project,
            ordinal=previous.ordinal + 1 if previous else 1,
            code=code,
            number=number,
            issued_on=issued_on,
            not_applicable=not_applicable.strip(),
            document_id=_file(session, ctx, row, code, file, number) if file else None,
            recorded_on=ctx.as_of,
        )
        session.add(act)
        session.flush()
        payload = {"code": code, "applicable": file is not None, "document_id": act.document_id}
        _announce(session, ctx, act, "formality_recorded", payload)
        answered = formalities_of(session, project)
        wanted = rules.asked(payer=row.payer, policy=policy)
        return FormalityRecorded(id=act.id, open=tuple(one for one in wanted if one not in answered))


@command("feasibility.complete_formalities", roles=_CALLERS, clause="ZY-68")
def complete_formalities(ctx: Context, *, project: str) -> FormalitiesCompleted:
    """Close the checklist: every formality of the project's kind is answered. Issues the list as one paper.

    Raises ``Refusal`` ``feasibility.formalities_open`` (ZY-68) naming all open ones, ``SYS-STATE``.
    """
    with ctx.reading() as session:
        row = _open(session, ctx, project)
        answered = _complete(session, ctx, row)
        view = _view(session, ctx, row, answered)
    printed = project_papers.printed(ctx, kind=rules.FORMALITIES, view=view)
    with ctx.writing() as session:
        row = _open(session, ctx, project)
        now = _complete(session, ctx, row)
        previous = newest(session, FormalitySet, project)
        act = FormalitySet(
            id=ctx.new_id("fea", project),
            project_id=project,
            ordinal=previous.ordinal + 1 if previous else 1,
            items={code: one.id for code, one in now.items()},
            document_id=project_papers.filed(session, ctx, project=project, stage="feasibility", printed=printed),
            policy_digest=ctx.policy(region=row.region).digest,
            completed_on=ctx.as_of,
        )
        session.add(act)
        payload = {"items": len(act.items), "items_digest": digest(act.items), "document_id": act.document_id}
        _announce(session, ctx, act, "formalities_completed", payload)
        return FormalitiesCompleted(id=act.id, document=act.document_id)


def _open(session: Session, ctx: Context, project: str) -> Project:
    row = project_of(session, project)
    lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=_ALLOWED)
    return row


def _complete(session: Session, ctx: Context, project: Project) -> dict[str, Formality]:
    """Return the answered formalities in the order of policy. Raises ``feasibility.formalities_open``."""
    policy = ctx.policy(region=project.region)
    rows = formalities_of(session, project.id)
    rules.check_complete(answered=rows, payer=project.payer, policy=policy)
    return {code: rows[code] for code in rules.asked(payer=project.payer, policy=policy)}


def _view(session: Session, ctx: Context, project: Project, rows: Mapping[str, Formality]) -> dict[str, Any]:
    policy = ctx.policy(region=project.region)
    papers = (row.document_id for row in rows.values() if row.document_id)
    return formalities_view(
        sheet=project_papers.sheet(session, ctx, project, sources=FORMALITY_SOURCES),
        policy=policy,
        rows=tuple(rows.values()),
        digests={name: session.get_one(Document, name).sha256 for name in papers},
        issuer=acting_body(session, role=ctx.actor.role, policy=policy, project=project.id),
        completed_on=ctx.as_of,
    )


def _file(session: Session, ctx: Context, project: Project, code: str, file: Upload, number: str) -> str:
    policy = ctx.policy(region=project.region)
    name = policy.feasibility.formalities[code]
    return documents.file_upload(
        session,
        ctx,
        stored=file,
        project_id=project.id,
        stage="feasibility",
        kind=FORMALITY,
        title=sentence("feasibility.formality.title", {"project": project.name, "name": name}),
        issuer=acting_body(session, role=ctx.actor.role, policy=policy, project=project.id),
        doc_no=number or None,
    ).id


def _announce(
    session: Session, ctx: Context, act: Formality | FormalitySet, what: str, payload: Mapping[str, object]
) -> None:
    events.on_project(
        session, ctx, act.project_id, f"feasibility.{what}", {"id": act.id, "ordinal": act.ordinal, **payload}
    )
