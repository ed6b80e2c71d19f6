"""Reads of "one report, one opinion, one set" (S04): what is on file of the decision set, and what of it counts."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.messages import sentence
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.feasibility import newest, standing_appraisal
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, project_of
from models.rules.feasibility_set import FORMALITIES, OPINION, REPORT, OnFile, Standing, asked, standing
from models.tables.decision import VoidedPaper
from models.tables.feasibility import CountyOpinion, FeasibilityReport, Formality, FormalitySet
from models.tables.kernel import Project


class FormalityState(BaseModel):
    """One formality that is asked: its paper, or why it does not apply; both empty while it is open."""

    model_config = ConfigDict(frozen=True)

    code: str
    name: str
    number: str = ""
    issued_on: date | None = None
    not_applicable: str = ""
    document: str | None = None


class DecisionSet(BaseModel):
    """The newest report, the newest opinion, the formalities. ``counting`` are the kinds of document a decision may
    rest on, ``reasons`` say why one that is there does not count.
    """

    model_config = ConfigDict(frozen=True)

    report_version: int | None
    report_sha256: str | None
    report_document: str | None
    outline_source: str | None
    outline_digest: str | None
    chapters: dict[str, str]
    balance: tuple[dict[str, Any], ...]
    risks: tuple[dict[str, Any], ...]
    opinion_on: str | None
    opinion_positive: bool | None
    opinion_conditions: tuple[str, ...]
    opinion_document: str | None
    formalities: tuple[FormalityState, ...]
    formalities_document: str | None
    counting: tuple[str, ...]
    reasons: dict[str, str]


def decision_standing(session: Session, project: Project, *, policy: Policy, on: date) -> Standing:
    """Return what of a project's decision set counts on a day: what is dated later does not."""
    report, opinion = newest(session, FeasibilityReport, project.id), newest(session, CountyOpinion, project.id)
    checklist, appraisal = newest(session, FormalitySet, project.id), standing_appraisal(session, project)
    papers = {REPORT: report, OPINION: opinion, FORMALITIES: checklist}
    gone = _voided(session, project.id)
    on_file = OnFile(
        report=report.sha256 if report else None,
        report_current=bool(report and appraisal and report.appraisal_id == appraisal.id),
        opinion_on=opinion.report_sha256 if opinion else None,
        opinion_positive=bool(opinion and opinion.positive),
        formalities=frozenset(checklist.items) if checklist else None,
        voided=frozenset(kind for kind, paper in papers.items() if paper and paper.document_id in gone),
    )
    held = standing(on_file=on_file, payer=project.payer, policy=policy)
    dated = (
        (REPORT, report and report.compiled_on),
        (OPINION, opinion and opinion.given_on),
        (FORMALITIES, checklist and checklist.completed_on),
    )
    late = dict.fromkeys((kind for kind, day in dated if day and day > on), sentence("feasibility.stale.later"))
    return Standing(held.kinds - late.keys(), held.reasons | late)


def standing_report(session: Session, project: Project) -> FeasibilityReport | None:
    """Return the newest report if the project's appraisal stands behind it and nobody voided its paper."""
    report, appraisal = newest(session, FeasibilityReport, project.id), standing_appraisal(session, project)
    if report is None or appraisal is None or report.appraisal_id != appraisal.id:
        return None
    return None if report.document_id in _voided(session, project.id) else report


def _voided(session: Session, project_id: str) -> frozenset[str]:
    return frozenset(
        session.exec(select(VoidedPaper.document_id).where(col(VoidedPaper.project_id) == project_id)).all()
    )


def formalities_of(session: Session, project_id: str) -> dict[str, Formality]:
    """Return the newest row of each formality of a project, by code."""
    rows = session.exec(
        select(Formality).where(col(Formality.project_id) == project_id).order_by(col(Formality.ordinal))
    ).all()
    return {row.code: row for row in rows}


@query("feasibility.decision_set", roles=EVERYONE_INSIDE, clause="ZY-69")
def decision_set(reader: Reader, *, project: str) -> DecisionSet:
    """Return a project's report, opinion and formalities, and what of them a decision may rest on."""
    session = reader.session
    row = project_of(session, project)
    policy = reader.policies.resolve(region=row.region, on=reader.as_of)
    report, opinion = newest(session, FeasibilityReport, project), newest(session, CountyOpinion, project)
    checklist = newest(session, FormalitySet, project)
    held = decision_standing(session, row, policy=policy, on=reader.as_of)
    return DecisionSet(
        report_version=report.ordinal if report else None,
        report_sha256=report.sha256 if report else None,
        report_document=report.document_id if report else None,
        outline_source=report.outline_source if report else None,
        outline_digest=report.outline_digest if report else None,
        chapters=report.chapters if report else {},
        balance=tuple(report.balance) if report else (),
        risks=tuple(report.risks) if report else (),
        opinion_on=opinion.report_sha256 if opinion else None,
        opinion_positive=opinion.positive if opinion else None,
        opinion_conditions=tuple(opinion.conditions) if opinion else (),
        opinion_document=opinion.document_id if opinion else None,
        formalities=_formalities(session, row, policy),
        formalities_document=checklist.document_id if checklist else None,
        counting=tuple(sorted(held.kinds)),
        reasons=held.reasons,
    )


def _formalities(session: Session, project: Project, policy: Policy) -> tuple[FormalityState, ...]:
    rows = formalities_of(session, project.id)
    names = policy.feasibility.formalities
    states = []
    for code in asked(payer=project.payer, policy=policy):
        row = rows.get(code)
        answer = (
            {
                "number": row.number,
                "issued_on": row.issued_on,
                "not_applicable": row.not_applicable,
                "document": row.document_id,
            }
            if row
            else {}
        )
        states.append(FormalityState(code=code, name=names[code], **answer))
    return tuple(states)
