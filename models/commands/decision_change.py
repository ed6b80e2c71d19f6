"""Commands that change a project on its way to approval or approved (S08): a modification, and a number voided.

A modification voids exactly what policy lists for its kinds (``decision.modification_voids``) of what the project has
earned; the project goes back to before the first voided part, and no further. Old papers stay, marked. Texts stay in
the rows; events hold kinds, counts and digests.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import application_record, events, register, transition
from models.commands.modification import Changes, check_panel
from models.commands.modification import check as check_changes
from models.commands.publicity_papers import Printer
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS
from models.core.hashing import digest
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.application import lines_of, newest_application
from models.queries.decision import approval_in_force, newest_decision
from models.queries.feasibility import appraisals_in_force
from models.queries.publicity import open_notice
from models.queries.reader import found, project_of
from models.rules import decision_records as rules
from models.rules import lifecycle
from models.rules.decision import check_approver
from models.rules.feasibility_order import earned, way_back
from models.rules.lifecycle import Thing
from models.rules.masking import check_impersonal
from models.tables.application import Application, ApplicationBudgetLine, ApplicationTeamMember
from models.tables.decision import DocumentRegister, ProjectModification, VoidedPaper
from models.tables.kernel import Document, Project

_ACTS_ON_THE_OLD: Final[dict[str, Any]] = {
    "gaps": [],
    "told": [],
    "returned_on": None,
    "paper_id": None,
    "supersedes_id": None,
}
"""What happened to a revision says nothing of the next: nobody has returned or printed that yet."""

_INTAKE: Final[dict[str, Any]] = {"accepted_on": None, "notice_id": None}
"""A revision that goes back to the office's desk is looked at anew; else the acceptance of the case stands."""

_DESK: Final = "submitted"
_PAPER_KINDS: Final = {
    "feasibility": ("feasibility_report", "county_review_opinion", "county_opinion_scan", "formality_set"),
    "review": ("review_opinion", "opinion_signature"),
    "publicity": ("publicity_notice",),
}


class Modified(BaseModel):
    """The modification: kinds of change, voided parts, documents marked, the project's new state."""

    model_config = ConfigDict(frozen=True)

    id: str
    kinds: tuple[str, ...]
    voided: tuple[str, ...]
    documents: tuple[str, ...]
    state: str


class NumberVoided(BaseModel):
    """The voided number, and the state of its project if it had one."""

    model_config = ConfigDict(frozen=True)

    id: str
    doc_no: str
    state: str | None


@command("decision.modify", roles=CIVIL_AFFAIRS, clause="SYS-MODIFICATION")
def modify(
    ctx: Context,
    *,
    project: str,
    changes: Annotated[Changes, Field(description="变更内容")],
    reason: Annotated[str, Field(min_length=2, max_length=500, description="变更理由")],
) -> Modified:
    """Modify a project from its appraisal to its approval: keep the difference, void what policy lists of what it has
    earned, send it back that far; where nothing is voided it stays where it is.

    Raises ``Refusal`` ``decision.nothing_changed``, what ``commands.modification`` raises for changes that cannot be
    (among them ``decision.panel_failed``), ``decision.notice_running``, ``decision.wrong_approver`` (ZY-70),
    ``SYS-STATE`` in other states; ``DataFault`` ``publicity.leak`` for a name that tells of a person.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        policy, entered = ctx.policy(region=row.region), ctx.policy(region=row.region, on=row.entered_on)
        check_approver(role=ctx.actor.role, policy=policy)
        rules.check_no_notice(running=open_notice(session, project) is not None)
        application = found(newest_application(session, project), kind="application", id=project)
        lines = lines_of(session, application.id)
        check_changes(session, ctx, changes=changes, application=application, lines=lines, policy=policy)
        if changes.name not in (None, row.name):  # it comes to stand on public papers: nobody's name or number in it
            Printer.of(session, ctx).check({"name": changes.name})
        diff = _diff(changes, row, application, lines)
        parts = rules.voided_parts(kinds=diff.keys(), earned=earned(state=row.state, entered=entered), policy=policy)
        check_panel(session, project=project, parts=parts)
        back = _way_back(row, parts, entered)
        row.name, row.payer = changes.name or row.name, changes.payer or row.payer
        if diff.keys() - {"name"}:
            _revise(session, ctx, application, lines, changes, to_desk=back is not None and back.target == _DESK)
        modification = ProjectModification(
            id=ctx.new_id("mod", project),
            project_id=project,
            ordinal=_ordinal(session, project),
            reason=reason,
            kinds=list(diff),
            diff=diff,
            parts=list(parts),
            back_to="",
            modified_on=ctx.as_of,
            policy_digest=policy.digest,
        )
        marked = _void(session, ctx, row, modification, parts)
        _announce(session, ctx, row, modification, back, documents=len(marked))
        modification.back_to = row.state
        return Modified(
            id=modification.id, kinds=tuple(diff), voided=parts, documents=marked, state=f"project.{row.state}"
        )


def _way_back(project: Project, parts: tuple[str, ...], entered: Policy) -> lifecycle.Transition | None:
    """Return the move to before the first voided part, ``None`` when nothing is voided."""
    if not parts:
        return None
    outcome = way_back(part=parts[0], entered=entered)
    return lifecycle.find(thing=Thing.PROJECT, command="decision.modify", state=project.state, outcome=outcome)


def _announce(
    session: Session,
    ctx: Context,
    project: Project,
    modification: ProjectModification,
    back: lifecycle.Transition | None,
    *,
    documents: int,
) -> None:
    payload = {
        "modification_id": modification.id,
        "kinds": modification.kinds,
        "voided": modification.parts,
        "documents": documents,
        "diff_digest": digest(modification.diff),
        "reason_digest": digest(modification.reason),
    }
    if back is not None:
        transition.apply(session, ctx, project, payload=payload, outcome=back.outcome)
    else:
        stream: dict[str, Any] = {"stream_kind": events.PROJECT_STREAM, "stream_id": project.id}
        events.append(session, ctx, **stream, type="decision.modified", payload=payload)


def _diff(
    changes: Changes, project: Project, application: Application, lines: list[ApplicationBudgetLine]
) -> dict[str, Any]:
    """Return kind of change → [before, after], only what differs."""
    pairs: dict[str, tuple[Any, Any]] = {
        "name": (project.name, changes.name),
        "payer": (project.payer, changes.payer),
        "period": (
            [day.isoformat() if day else None for day in (application.starts_on, application.ends_on)],
            [day.isoformat() for day in (changes.period.starts_on, changes.period.ends_on)] if changes.period else None,
        ),
        "budget": (
            [[line.category, line.channel, line.amount_fen] for line in lines],
            [[line.category, line.channel, line.amount.fen] for line in changes.budget] if changes.budget else None,
        ),
    }
    diff: dict[str, Any] = {
        kind: [before, after] for kind, (before, after) in pairs.items() if after is not None and before != after
    }
    texts = {
        part: [application.parts[part], text]
        for part, text in (changes.content or {}).items()
        if application.parts[part] != text
    }
    return diff | ({"content": texts} if texts else {})


def _revise(
    session: Session,
    ctx: Context,
    application: Application,
    lines: list[ApplicationBudgetLine],
    changes: Changes,
    *,
    to_desk: bool,
) -> None:
    """Write the next revision of the application: what did not change is carried over, the old one stays.

    One that goes back to the office's desk starts the office's clocks anew.
    """
    total = sum(line.amount.fen for line in changes.budget) if changes.budget else application.total_fen
    changed = {
        "id": ctx.new_id("app", application.project_id),
        "revision": application.revision + 1,
        "parts": {**application.parts, **(changes.content or {})},
        "total_fen": total,
        "submitted_on": ctx.as_of,
        **_ACTS_ON_THE_OLD,
        **(_INTAKE if to_desk else {}),
    }
    if changes.period is not None:
        changed |= {"starts_on": changes.period.starts_on, "ends_on": changes.period.ends_on}
    revised = Application(**(application.model_dump() | changed))
    session.add(revised)
    session.flush()
    entries = [(line.category, line.channel, line.amount.fen) for line in changes.budget or ()]
    for ordinal, (category, channel, fen) in enumerate(
        entries or [(line.category, line.channel, line.amount_fen) for line in lines], start=1
    ):
        session.add(
            ApplicationBudgetLine(
                id=ctx.new_id("abl", revised.id, str(ordinal)),
                application_id=revised.id,
                ordinal=ordinal,
                category=category,
                channel=channel,
                amount_fen=fen,
            )
        )
    members = select(ApplicationTeamMember).where(col(ApplicationTeamMember.application_id) == application.id)
    for member in session.exec(members).all():
        own = {"id": ctx.new_id("atm", revised.id, str(member.ordinal)), "application_id": revised.id}
        session.add(ApplicationTeamMember(**(member.model_dump() | own)))
    if to_desk:
        application_record.restart_clocks(session, ctx, application=revised)


def _ordinal(session: Session, project: str) -> int:
    done = select(ProjectModification.id).where(col(ProjectModification.project_id) == project)
    return len(session.exec(done).all()) + 1


def _void(
    session: Session, ctx: Context, project: Project, modification: ProjectModification, parts: tuple[str, ...]
) -> tuple[str, ...]:
    """Void the parts and mark their papers; return the ids of the documents marked."""
    session.add(modification)
    session.flush()
    papers: list[str] = []
    if "approval" in parts:
        papers += _void_approval(session, ctx, project, reason=modification.reason)
    if "feasibility" in parts:
        for appraisal in appraisals_in_force(session, project.id):
            appraisal.voided_on = ctx.as_of
            session.add(appraisal)
    if "decision" in parts and (decided := newest_decision(session, project.id)) is not None:
        decided.voided_on = ctx.as_of
        session.add(decided)
        papers += [decided.document_id] if decided.document_id else []
    kinds = [kind for part, kinds in _PAPER_KINDS.items() if part in parts for kind in kinds]
    papers += _papers(session, project.id, kinds)
    for paper in dict.fromkeys(papers):
        session.add(
            VoidedPaper(
                document_id=paper,
                project_id=project.id,
                modification_id=modification.id,
                reason=modification.reason,
                voided_on=ctx.as_of,
            )
        )
    return tuple(dict.fromkeys(papers))


def _papers(session: Session, project: str, kinds: list[str]) -> list[str]:
    """Return the papers of these kinds that nobody marked yet (a notice has its page and its print)."""
    marked = select(VoidedPaper.document_id).where(col(VoidedPaper.project_id) == project)
    found_ids = session.exec(
        select(Document.id, Document.kind)
        .where(col(Document.project_id) == project, col(Document.id).not_in(marked))
        .order_by(col(Document.id))
    ).all()
    return [id_ for id_, kind in found_ids if any(kind.startswith(wanted) for wanted in kinds)]


def _void_approval(session: Session, ctx: Context, project: Project, *, reason: str) -> list[str]:
    approval = found(approval_in_force(session, project.id), kind="approval", id=project.id)
    approval.voided_on = ctx.as_of
    session.add(approval)
    numbers = select(DocumentRegister).where(
        col(DocumentRegister.project_id) == project.id,
        col(DocumentRegister.doc_no) == approval.doc_no,
        col(DocumentRegister.voided_on).is_(None),
    )
    for number in session.exec(numbers).all():
        register.void(session, ctx, row=number, reason=reason)
    return [approval.document_id]


@command("decision.void_number", roles=CIVIL_AFFAIRS, clause="ZY-70")
def void_number(
    ctx: Context,
    *,
    project: str,
    reason: Annotated[str, Field(min_length=2, max_length=500, description="作废理由")],
) -> NumberVoided:
    """Void the number of a project's approval (a misprint): it stays in the register, the project is decided again.

    The next approval takes the next number. Raises ``decision.wrong_approver`` (ZY-70), ``SYS-STATE`` when it is not
    approved.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        check_approver(role=ctx.actor.role, policy=ctx.policy(region=row.region))
        approval = found(approval_in_force(session, project), kind="approval", id=project)
        for paper in _void_approval(session, ctx, row, reason=reason):
            mark = VoidedPaper(document_id=paper, project_id=project, reason=reason, voided_on=ctx.as_of)
            session.add(mark)
        payload = {"approval_id": approval.id, "doc_no": approval.doc_no, "reason_digest": digest(reason)}
        transition.apply(session, ctx, row, payload=payload)
        return NumberVoided(id=approval.id, doc_no=approval.doc_no, state=f"project.{row.state}")
