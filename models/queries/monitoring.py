"""Reads of monitoring (S13): which lines of supervision have records, and the view of one record's paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.messages import sentence
from models.core.registry import query
from models.policy.schema import Policy
from models.queries import papers
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, project_of
from models.rules import monitoring as rules
from models.rules.bodies import body_name
from models.tables.contract import Contract
from models.tables.evaluation import ThirdPartyEvaluation
from models.tables.monitoring import Supervision
from models.tables.procurement import Organisation

SOURCES = ("monitoring.record_supervision", "procurement.register_bid", "procurement.award")
_PATH = "monitoring.record_supervision"


class LineCoverage(BaseModel):
    """One line of supervision: its name and how many records it has."""

    model_config = ConfigDict(frozen=True)

    name: str
    records: int


class Coverage(BaseModel):
    """Records a line while the contract runs, and what is still missing. ``complete`` when no line is missing.

    A third-party evaluation counts as a record of the third-party line. ``phases_missing`` is about all three phases.
    """

    model_config = ConfigDict(frozen=True)

    project: str
    complete: bool
    lines: dict[str, LineCoverage]
    missing: tuple[str, ...]
    phases: dict[str, int]
    phases_missing: tuple[str, ...]
    fund_checks: int
    fund_checks_min: int
    satisfaction_surveys: int
    satisfaction_surveys_min: int


@query("monitoring.coverage", roles=EVERYONE_INSIDE, clause="HS-29")
def coverage(reader: Reader, *, project: str) -> Coverage:
    """Return how many records each line and phase of supervision has, and which have none."""
    row = project_of(reader.session, project)
    policy = reader.policies.resolve(region=row.region, on=reader.as_of)
    found = coverage_of(reader.session, project=project, policy=policy)
    return Coverage(
        project=project,
        complete=not found.missing,
        lines={
            line: LineCoverage(name=policy.monitoring.lines[line], records=count) for line, count in found.lines.items()
        },
        missing=found.missing,
        phases=dict(found.phases),
        phases_missing=found.phases_missing,
        fund_checks=found.fund_checks,
        fund_checks_min=found.fund_checks_min,
        satisfaction_surveys=found.satisfaction_surveys,
        satisfaction_surveys_min=found.satisfaction_surveys_min,
    )


def coverage_of(session: Session, *, project: str, policy: Policy) -> rules.Coverage:
    """Return the coverage of a project as the rules count it."""
    rows = session.exec(select(Supervision).where(col(Supervision.project_id) == project)).all()
    records = [rules.Inspection(row.line, row.phase, frozenset(row.findings)) for row in rows]
    phases = session.exec(
        select(ThirdPartyEvaluation.phase).where(col(ThirdPartyEvaluation.project_id) == project)
    ).all()
    during = {"mid": "implementation"}
    records += [rules.Inspection("third_party", during.get(phase, "acceptance"), frozenset()) for phase in phases]
    return rules.coverage(records=records, policy=policy)


def contractors_of(session: Session, *, project: str) -> list[Organisation]:
    """Return the contractors of a project's contracts, oldest contract first."""
    rows = session.exec(
        select(Organisation)
        .join(Contract, col(Contract.organisation_id) == col(Organisation.id))
        .where(col(Contract.project_id) == project)
        .order_by(col(Contract.signed_on), col(Contract.id))
    ).all()
    return list({row.id: row for row in rows}.values())


def contractor_names(session: Session, *, project: str) -> tuple[str, ...]:
    """Return the names of a project's contractors, oldest contract first."""
    return tuple(one.name for one in contractors_of(session, project=project))


def record_view(
    *,
    sheet: papers.Sheet,
    policy: Policy,
    line: str,
    method: str,
    findings: Mapping[str, str],
    role: Role,
    on_behalf: str,
    phase: str,
    contractors: tuple[str, ...],
    purchaser: str | None,
) -> dict[str, Any]:
    """Return the view of the paper ``supervision_record`` for one record."""
    name = policy.monitoring.lines[line]
    issuer = body_name(policy=policy, role=role, purchaser=purchaser)
    names = rules.finding_names(line=line, policy=policy)
    told = (f"{names[code]}：{text}" for code, text in findings.items())
    lines = [
        ("project", sheet.project.name, "library.enter_project.name"),
        ("contractor", "、".join(contractors), "procurement.register_bid.organisation"),
        ("phase", policy.monitoring.phases.get(phase, phase), ""),
    ]
    if on_behalf:
        lines.append(("on_behalf", on_behalf, f"{_PATH}.on_behalf"))
    return {
        **papers.head(sheet=sheet, title="monitoring.paper.title", issuer=issuer, subtitle=name),
        "facts": papers.facts(sheet=sheet, stage="monitoring", lines=lines),
        "inspections": [
            {
                "line": name,
                "method": rules.methods_of(line=line, policy=policy)[method],
                "date": sheet.on.isoformat(),
                "inspectors": issuer,
                "findings": "；".join(told),
                "order": "",
                "due": {"stated": False},
                "closed_on": {"stated": False},
            }
        ],
        "conclusion": [sentence("monitoring.paper.conclusion", {"line": name})],
    }
