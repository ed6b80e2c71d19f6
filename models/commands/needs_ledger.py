"""Issuing the needs ledger of a survey as a workbook (S01, L01): one row a person, masked for internal use."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select

from models.commands import documents
from models.commands.needs_coverage import check_enrolled
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.queries.needs_ledger import ledger_row, ledger_view
from models.queries.needs_survey import settled_survey
from models.rules.bodies import body_name
from models.tables.needs import Person, Selection


class LedgerIssued(BaseModel):
    """The filed workbook: document id, digest, and how many people it lists."""

    model_config = ConfigDict(frozen=True)

    id: str
    sha256: str
    people: int


@command(
    "needs.issue_ledger",
    roles=(Role.EVALUATION_OFFICE, Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.TOWNSHIP),
    clause="ZY-59",
)
def issue_ledger(ctx: Context, *, survey: Annotated[str, Field(description="调查编号")]) -> LedgerIssued:
    """Print the survey's ledger as xlsx and file it with the survey.

    Raises ``Refusal`` ``needs.ledger_empty`` (SYS-EMPTY-LEDGER) when nobody was imported yet,
    ``needs.enrolment_unchecked`` where everybody eligible must be enrolled first (BJ-01).
    """
    with ctx.reading() as session:
        row = settled_survey(session, survey)
        people = session.exec(select(Person).where(col(Person.survey_id) == survey).order_by(col(Person.ordinal))).all()
        chosen = dict(
            session.exec(
                select(Selection.person_id, Selection.project_id)
                .join(Person, col(Person.id) == col(Selection.person_id))
                .where(col(Person.survey_id) == survey)
            ).all()
        )
        check_enrolled(session, survey=row, policy=ctx.policy(region=row.region))
    if not people:
        raise Refusal("needs.ledger_empty", rule="SYS-EMPTY-LEDGER", facts={"survey": survey})
    policy = ctx.policy(region=row.region)
    title = sentence("needs.ledger_title", {"survey": row.title})
    rows = [
        {
            **ledger_row(person, survey=row, vault=ctx.services.vault, policy=policy),
            "seq": str(number),
            "priority": "",
            "match_status": sentence("needs.selected") if person.id in chosen else "",
            "project_no": chosen.get(person.id, ""),
        }
        for number, person in enumerate(people, start=1)
    ]
    issuer = body_name(policy=policy, role=ctx.actor.role)
    view = ledger_view(title=title, survey=row, rows=rows, issuer=issuer, on=ctx.as_of)
    paper = documents.render(ctx, kind="needs_ledger_xlsx", view=view, synthetic_fields=tuple(view["synthetic_fields"]))
    with ctx.writing() as session:
        document = documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=None,
            stage="needs",
            title=title,
            issuer=view["issuer"],
        )
        return LedgerIssued(id=document.id, sha256=document.sha256, people=len(people))
