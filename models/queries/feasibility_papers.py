"""The views of the papers of feasibility (S04): report, county opinion, checklist; called by commands that file them.

Words figures with their marks; computes nothing but the sum of a line's uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.queries.papers import Sheet, facts, head
from models.rules.bodies import written_date
from models.tables.feasibility import Appraisal, CountyOpinion, FeasibilityReport, Formality

REPORT_SOURCES: Final = (
    "library.enter_project",
    "application.submit",
    "feasibility.appraise",
    "feasibility.compile_report",
)
OPINION_SOURCES: Final = ("library.enter_project", "feasibility.give_opinion")
FORMALITY_SOURCES: Final = (
    "library.enter_project",
    "feasibility.record_formality",
    "feasibility.complete_formalities",
)
_FISCAL: Final = "fiscal_capacity"


def report_view(
    *,
    sheet: Sheet,
    policy: Policy,
    report: FeasibilityReport,
    appraisal: Appraisal,
    applied: Money,
    issuer: str,
    attachments: Sequence[str],
) -> dict[str, Any]:
    """Return the view of ``feasibility_report`` for a report about to be filed."""
    lines = [
        ("project", sheet.project.name, "library.enter_project.name"),
        ("version", str(report.ordinal), ""),
        ("author", report.author, "feasibility.compile_report.author"),
        ("outline", report.outline_source, ""),
        ("outline_digest", report.outline_digest, ""),
        ("total", applied.plain() if applied else None, "application.submit.plan_book.budget"),
        ("major", sentence(f"feasibility.paper.{'yes' if appraisal.major else 'no'}"), "feasibility.appraise.major"),
        ("appraised_on", written_date(appraisal.appraised_on), "feasibility.appraise.on"),
    ]
    return {
        **head(sheet=sheet, title="feasibility.report.title", issuer=issuer),
        "facts": facts(sheet=sheet, stage="feasibility", lines=lines),
        "chapters": [
            {"title": title, "paras": _paragraphs(report.chapters[code])}
            for code, title in policy.feasibility.report_chapters.items()
        ],
        "conclusions": _conclusions(appraisal, policy),
        "balance": [_balance(line, sheet, policy) for line in report.balance],
        "risks": [_risk(risk, policy) for risk in report.risks],
        "stability": _paragraphs(report.stability),
        "attachments": list(attachments),
    }


def opinion_view(*, sheet: Sheet, opinion: CountyOpinion, report: FeasibilityReport, issuer: str) -> dict[str, Any]:
    """Return the view of ``county_review_opinion`` for an opinion about to be filed."""
    result = "positive" if opinion.positive else "negative"
    lines = [
        ("project", sheet.project.name, "library.enter_project.name"),
        ("version", str(report.ordinal), ""),
        ("report_sha256", opinion.report_sha256, ""),
        ("number", opinion.number, "feasibility.give_opinion.number"),
        ("given_on", written_date(opinion.given_on), "feasibility.give_opinion.on"),
    ]
    return {
        **head(sheet=sheet, title="feasibility.opinion.title", issuer=issuer),
        "doc_no": opinion.number,
        "facts": facts(sheet=sheet, stage="feasibility", lines=lines),
        "opinion": _paragraphs(opinion.opinion),
        "conditions": list(opinion.conditions),
        "conclusion": [sentence(f"feasibility.opinion.{result}", {"project": sheet.project.name})],
    }


def formalities_view(
    *,
    sheet: Sheet,
    policy: Policy,
    rows: Sequence[Formality],
    digests: Mapping[str, str],
    issuer: str,
    completed_on: date,
) -> dict[str, Any]:
    """Return the view of ``formality_set``; ``digests`` is document id → SHA-256 of its bytes."""
    payers = policy.decision.payer_classes
    lines = [
        ("project", sheet.project.name, "library.enter_project.name"),
        ("payer", payers.get(sheet.project.payer, sheet.project.payer), "library.enter_project.payer"),
        ("basis", policy.clause("feasibility.formalities"), ""),
        ("completed_on", written_date(completed_on), "feasibility.complete_formalities.on"),
    ]
    return {
        **head(sheet=sheet, title="feasibility.formalities.title", issuer=issuer),
        "facts": facts(sheet=sheet, stage="feasibility", lines=lines),
        "rows": [_formality(row, sheet, policy, digests) for row in rows],
    }


def _paragraphs(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _conclusions(appraisal: Appraisal, policy: Policy) -> list[dict[str, str]]:
    names = policy.feasibility.appraisal_findings
    rows = [
        {
            "finding": names.get(code, code),
            "verdict": _verdict(finding["positive"]),
            "reason": " ".join(_paragraphs(finding["reason"])),
        }
        for code, finding in appraisal.findings.items()
    ]
    if appraisal.fiscal_capacity_positive is not None:
        rows.append(
            {
                "finding": sentence("feasibility.paper.fiscal_capacity"),
                "verdict": _verdict(appraisal.fiscal_capacity_positive),
                "reason": " ".join(_paragraphs(appraisal.assessments[_FISCAL])),
            }
        )
    return rows


def _verdict(positive: bool) -> str:
    return sentence(f"feasibility.paper.{'positive' if positive else 'negative'}")


def _balance(line: Mapping[str, Any], sheet: Sheet, policy: Policy) -> dict[str, Any]:
    path = "feasibility.compile_report.balance"
    total = Money(sum(line["uses"].values()))
    return {
        "year": str(line["year"]),
        "channel": policy.funding.sources.get(line["channel"], line["channel"]),
        "sources": sheet.marks.cell(Money(line["sources"]).plain(), path),
        "uses": [
            sentence("feasibility.paper.use", {"purpose": purpose, "amount": Money(fen).plain()})
            for purpose, fen in line["uses"].items()
        ],
        "total": sheet.marks.cell(total.plain(), path),
    }


def _risk(risk: Mapping[str, str], policy: Policy) -> dict[str, str]:
    levels = policy.feasibility.risk_levels
    return {
        "risk": risk["name"],
        "likelihood": levels.get(risk["likelihood"], risk["likelihood"]),
        "impact": levels.get(risk["impact"], risk["impact"]),
        "measure": risk["measure"],
        "owner": risk["owner"],
    }


def _formality(row: Formality, sheet: Sheet, policy: Policy, digests: Mapping[str, str]) -> dict[str, Any]:
    held = row.document_id is not None
    path = "feasibility.record_formality"
    return {
        "name": policy.feasibility.formalities[row.code],
        "state": sentence("feasibility.paper.held")
        if held
        else sentence("feasibility.paper.not_applicable", {"reason": row.not_applicable}),
        "number": sheet.marks.cell(row.number, f"{path}.number"),
        "issued_on": sheet.marks.cell(row.issued_on.isoformat() if row.issued_on else None, f"{path}.issued_on"),
        "file": sheet.marks.cell(digests.get(row.document_id or ""), f"{path}.file"),
    }
