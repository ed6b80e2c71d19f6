"""The report of a project from first need to archive, computed from its record and its event chain.

Read by ``commands.rehearsal``. What the source states stands beside what the run used; what neither states is blank,
never zero (decision 24, A9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Final

from sqlmodel import Session, col, select

from models.core.actors import ROLE_NAMES, Role
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import operations
from models.queries.evaluation import line_of, outcomes_of
from models.queries.project_record import ProjectRecord, project_record
from models.queries.provenance import Marks, marks
from models.rules.citing import written_clause
from models.tables.delivery import DeliveryStaff
from models.tables.evaluation import Outcome
from models.tables.kernel import Event, Project
from models.tables.needs import SelectionRound
from models.tables.procurement import Bid, Procurement
from models.tables.rehearsal import SourceValue

_BLANK: Final = {"stated": False}
Fact = tuple[str | None, str]
"""A value as printed (``None`` when the run has none) and the argument path whose mark it carries."""


def facts(session: Session, project: Project) -> dict[str, Fact]:
    """Return the figures a published case is usually asked for, as the run has them, by fact code."""
    record = project_record(session, project)
    found: dict[str, Fact] = {}
    for code, (path, read) in _READERS.items():
        found[code] = (read(record), path)
    found["bidder_count"] = (_first_round_bids(session, project), "procurement.register_bid.organisation")
    found["social_workers"] = (_social_workers(session, record), "delivery.assign_staff.qualified")
    return found


def _yuan(fen: int | None) -> str | None:
    return None if fen is None else sentence("rehearsal.report.yuan", {"amount": Money(fen).plain()})


def _price(record: ProjectRecord) -> str | None:
    return _yuan(record.contracts[0].price_fen) if record.contracts else None


def _term(record: ProjectRecord) -> str | None:
    if not record.contracts:
        return None
    contract = record.contracts[0]
    return sentence("rehearsal.report.term", {"start": contract.starts_on, "end": contract.ends_on})


def _satisfaction(record: ProjectRecord) -> str | None:
    if not record.acceptances:
        return None
    last = record.acceptances[-1]
    return sentence("rehearsal.report.satisfaction", {"satisfied": last.satisfied, "asked": last.asked})


def _approver(record: ProjectRecord) -> str | None:
    return next((step.approver for one in record.procurements for step in one.method_path if step.approver), None)


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


_READERS: Final[dict[str, tuple[str, Callable[[ProjectRecord], str | None]]]] = {
    "contract_price": ("contract.sign.price", _price),
    "contractor": (
        "procurement.register_bid.organisation",
        lambda r: r.contracts[0].contractor if r.contracts else None,
    ),
    "term": ("contract.sign.starts_on", _term),
    "award_date": ("procurement.award", lambda r: _day(r.procurements[0].awarded_on) if r.procurements else None),
    "signed_date": ("contract.sign", lambda r: _day(r.contracts[0].signed_on) if r.contracts else None),
    "budget": ("funding.register_budget.amount", lambda r: _yuan(sum(b.amount_fen for b in r.budget_lines) or None)),
    "approver": ("procurement.approve_method_change.approver", _approver),
    "satisfaction_pct": ("acceptance.conclude.satisfaction", _satisfaction),
    "evaluation_score": (
        "acceptance.conclude.purchaser_scores",
        lambda r: r.acceptances[-1].total if r.acceptances else None,
    ),
    "served_total": (
        "delivery.record_services.file",
        lambda r: sentence("rehearsal.report.people", {"n": r.acceptances[-1].served}) if r.acceptances else None,
    ),
}
FACTS: Final = (*_READERS, "bidder_count", "social_workers")


def _first_round_bids(session: Session, project: Project) -> str | None:
    rows = session.exec(
        select(Bid)
        .join(Procurement, col(Procurement.id) == col(Bid.procurement_id))
        .where(col(Procurement.project_id) == project.id, col(Bid.round) == 1, col(Bid.substantive))
    ).all()
    return sentence("rehearsal.report.bidders", {"n": len(rows)}) if rows else None


def _social_workers(session: Session, record: ProjectRecord) -> str | None:
    contracts = [contract.id for contract in record.contracts]
    rows = session.exec(
        select(DeliveryStaff.ref).where(col(DeliveryStaff.contract_id).in_(contracts), col(DeliveryStaff.qualified))
    ).all()
    return sentence("rehearsal.report.workers", {"n": len(rows)}) if rows else None


def case_report_view(
    session: Session, project: Project, *, issuer: str, on: date, rehearsal: bool, source: str, dates_stated: bool
) -> dict[str, Any]:
    """Return the view of the paper ``case_report``."""
    known = marks(session, project.id)
    chain = session.exec(
        select(Event)
        .where(col(Event.stream_kind) == "project", col(Event.stream_id) == project.id)
        .order_by(col(Event.seq))
    ).all()
    closing = {"events": len(chain), "head": chain[-1].hash[:16]}
    labels = known.labels() if rehearsal else []
    if rehearsal and not dates_stated:
        labels.append(sentence("rehearsal.report.dates"))
    return {
        "title_lines": [project.name, sentence("rehearsal.report.title")],
        "issuer": issuer,
        "doc_no": "",
        "date": on.isoformat(),
        "rehearsal": rehearsal,
        "synthetic_fields": labels,
        "facts": [
            {"label": sentence("rehearsal.report.project"), "value": project.id},
            {"label": sentence("rehearsal.report.source"), "value": source},
            *_selection(session, project),
        ],
        "overview": [
            sentence("rehearsal.report.overview", {"name": project.name, "source": source}),
            sentence("rehearsal.report.synthetic"),
        ],
        "stages": list(_stages(chain, dates_made_up=rehearsal and not dates_stated)),
        "stated_values": _stated_values(session, project, known, dates_made_up=rehearsal and not dates_stated),
        "outcomes": [_outcome(row) for row in outcomes_of(session, project=project.id)],
        "closing": [sentence("rehearsal.report.closing", closing)],
    }


def _selection(session: Session, project: Project) -> list[dict[str, str]]:
    """Return how many recipients were selected, with the warning when they are fewer than must be served (HS-06)."""
    picked = session.exec(select(SelectionRound).where(col(SelectionRound.project_id) == project.id)).one_or_none()
    if picked is None:
        return []
    people = sum(picked.counts.values())
    missing = max((picked.served_min or 0) - people, 0)
    wanted = {"n": people, "served_min": picked.served_min, "missing": missing}
    code = "selected_below" if missing else "selected"
    return [
        {
            "label": sentence("rehearsal.report.selection"),
            "value": sentence(f"rehearsal.report.{code}", wanted),
        }
    ]


def _stages(chain: Iterable[Event], *, dates_made_up: bool) -> Iterable[dict[str, Any]]:
    acts: dict[str, list[dict[str, Any]]] = {}
    seen: set[tuple[str, date, str]] = set()
    for event in chain:
        name = str(event.payload["command"])
        key = (name, event.occurred_at, event.actor)
        if key in seen or name.startswith("rehearsal."):
            continue
        seen.add(key)
        operation = operations()[name]
        acts.setdefault(name.split(".", 1)[0], []).append(
            {
                "date": {"text": event.occurred_at.isoformat(), "synthetic": dates_made_up},
                "act": sentence(f"command.{name}"),
                "clause": written_clause(operation.clause),
                "actor": ROLE_NAMES[Role(event.actor.split(":", 1)[0])],
            }
        )
    titled = sorted((sentence(f"stage.{stage}"), rows) for stage, rows in acts.items())
    return ({"title": title.split(" ", 1)[-1], "acts": rows} for title, rows in titled)


def _stated_values(session: Session, project: Project, known: Marks, *, dates_made_up: bool) -> list[dict[str, Any]]:
    rows = session.exec(
        select(SourceValue).where(col(SourceValue.project_id) == project.id).order_by(col(SourceValue.ordinal))
    ).all()
    values = facts(session, project)
    lines = []
    for row in rows:
        text, path = values[row.fact] if row.fact else (None, "")
        made_up = known.is_synthetic(path) or (dates_made_up and (row.fact or "").endswith("_date"))
        lines.append(
            {
                "field": row.field,
                "original": row.stated or _BLANK,
                "adopted": _BLANK if text is None else {"text": text, "synthetic": made_up},
            }
        )
    return lines


def _outcome(row: Outcome) -> dict[str, Any]:
    line = line_of(row)
    if line.total is not None:
        return {
            "indicator": line.name,
            "before": _BLANK,
            "after": f"{line.total}{line.unit}",
            "change": "",
            "approximate": False,
            "note": line.note,
        }
    return {
        "indicator": line.name,
        "before": _figure(line.before, line.unit, approximate=row.approximate_before),
        "after": _figure(line.after, line.unit, approximate=row.approximate_after),
        "change": (line.change or "").removeprefix(sentence("evaluation.about")),
        "approximate": line.approximate,
        "note": line.note,
    }


def _figure(text: str | None, unit: str, *, approximate: bool) -> object:
    if text is None:
        return _BLANK
    return f"{sentence('evaluation.about') if approximate else ''}{text}{unit}"
