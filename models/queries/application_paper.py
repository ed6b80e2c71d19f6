"""What the papers of an application say (S03): the application as submitted, and the notice of acceptance or of gaps.

Called by ``commands.application_record`` and ``commands.application_intake``. Names arrive masked as the public reads
them; no phone is ever read here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.queries.papers import Sheet, facts, head
from models.rules.masking import masked
from models.tables.application import Application
from models.tables.guide import ApplicationGuide


@dataclass(frozen=True)
class Submission:
    """A checked submission before it is written: the gate's row, design points, attachments, revision, pinned guide."""

    entry: Mapping[str, Any]
    design: Mapping[str, str]
    attachments: Sequence[Mapping[str, str]]
    revision: int
    guide: ApplicationGuide
    total: Money


def paper_view(*, sheet: Sheet, submission: Submission, policy: Policy, command: str) -> dict[str, Any]:
    """Return the view of the application as submitted."""
    entry, book = submission.entry, f"{command}.plan_book"
    names = {item["code"]: item["name"] for item in submission.guide.content["attachments"]}
    parts = policy.application.plan_book_parts or policy.application.form_parts
    aliases = {"steps": "plan"}
    return {
        **head(sheet=sheet, title="application.paper.title", issuer=entry["applicant"]),
        "facts": facts(
            sheet=sheet,
            stage="application",
            lines=(
                ("project", sheet.project.name, "library.enter_project.name"),
                ("applicant", entry["applicant"], f"{book}.applicant"),
                ("credit_code", entry["credit_code"], f"{book}.credit_code"),
                ("guide", guide_named(submission.guide), ""),
                ("revision", sentence("application.revision", {"revision": submission.revision}), ""),
                ("starts_on", entry["starts_on"], f"{book}.starts_on"),
                ("ends_on", entry["ends_on"], f"{book}.ends_on"),
            ),
        ),
        "parts": [
            {"label": label, "value": sheet.marks.cell(entry[aliases.get(code, code)], f"{book}.{code}")}
            for code, label in parts.items()
            if code != "budget"
        ],
        "design": [
            {"label": label, "value": sheet.marks.cell(submission.design[code], f"{command}.design.{code}")}
            for code, label in policy.library.design_items.items()
            if submission.design.get(code)
        ],
        **_tables(sheet=sheet, submission=submission, policy=policy, book=book),
        "attachments": [names.get(item["kind"], item["name"]) for item in submission.attachments],
    }


def _tables(*, sheet: Sheet, submission: Submission, policy: Policy, book: str) -> dict[str, Any]:
    entry, cell = submission.entry, sheet.marks.cell
    roles, sources = policy.application.team_roles, policy.funding.sources
    styles = policy.publicity.mask_public
    return {
        "budget": [
            {
                "category": cell(line["category"], f"{book}.budget"),
                "channel": cell(sources[line["source"]], f"{book}.budget"),
                "amount": cell(Money(line["amount"]).plain(), f"{book}.budget"),
            }
            for line in entry["budget"]
        ],
        "total": cell(submission.total.plain(), f"{book}.total"),
        "team": [
            {
                "role": roles.get(member["role"], sentence("application.role.other")),
                "name": masked(field="name", text=member["person_name"], styles=styles),
                "qualification": member["qualification"] or "",
            }
            for member in entry["team"]
        ],
    }


def notice_view(
    *,
    sheet: Sheet,
    application: Application,
    guide: ApplicationGuide | None,
    issuer: str,
    gaps: Sequence[str],
) -> dict[str, Any]:
    """Return the notice to the applicant: accepted, or (``gaps``) everything that is missing, told at once."""
    kind = "returned" if gaps else "accepted"
    told = {"applicant": application.applicant or sentence("application.notice.applicant"), "count": len(gaps)}
    return {
        **head(sheet=sheet, title=f"application.notice.{kind}.title", issuer=issuer),
        "facts": facts(
            sheet=sheet,
            stage="application",
            lines=(
                ("project", sheet.project.name, "library.enter_project.name"),
                ("applicant", application.applicant, "application.submit.plan_book.applicant"),
                ("submitted_on", application.submitted_on.isoformat(), "application.submit.on"),
                ("revision", sentence("application.revision", {"revision": application.revision}), ""),
                ("guide", guide_named(guide) if guide else sentence("application.no_guide"), ""),
            ),
        ),
        "paras": [sentence(f"application.notice.{kind}.body", told)],
        "gaps": list(gaps),
        "closing": [sentence(f"application.notice.{kind}.closing")],
    }


def guide_named(guide: ApplicationGuide) -> str:
    """Return a guide version as people call it, with the day from which it holds."""
    day = guide.in_force_from
    return sentence("application.guide_version", {"version": guide.version, "day": day.isoformat() if day else ""})
