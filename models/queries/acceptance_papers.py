"""Views of the papers of acceptance (S15): the contractor's self-check (D21) and the comprehensive conclusion (D22)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, func, select

from models.core.actors import ROLE_NAMES
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.queries import papers
from models.queries.acceptance import Judged, NeedsChange
from models.queries.evaluation import omission_sentence, omissions_of
from models.queries.provenance import Marks
from models.rules import acceptance as rules
from models.tables.acceptance import SelfCheck
from models.tables.contract import Contract

SOURCES = (
    "acceptance.submit_self_check",
    "acceptance.conclude",
    "evaluation.record_third_party",
    "delivery.record_services",
    "procurement.register_bid",
)
_SCORED = {
    "third_party": "evaluation.record_third_party.scores",
    "purchaser": "acceptance.conclude.purchaser_scores",
    "recipient": "acceptance.conclude.recipient_scores",
}
_SERVED = "delivery.record_services"
_CHECK = "acceptance.submit_self_check"
CHECK_SOURCES = (_CHECK, "library.enter_project", "procurement.register_bid", "contract.sign")


def contracted(session: Session, *, project: str) -> Money:
    """Return the prices of a project's contracts that were not terminated, together."""
    prices = select(func.coalesce(func.sum(Contract.price_fen), 0)).where(
        col(Contract.project_id) == project, col(Contract.state) != "terminated"
    )
    return Money(int(session.exec(prices).one()))


def self_check_view(
    *,
    sheet: papers.Sheet,
    policy: Policy,
    check: SelfCheck,
    price: Money,
    contractors: Sequence[str],
    issuer: str,
) -> dict[str, Any]:
    """Return the view of the paper ``self_check_report``."""
    cell = sheet.marks.cell
    spent = Money(check.spent_fen)
    share = rules.ratio(target=str(price.fen), actual=str(spent.fen))
    known = policy.acceptance.self_check_instruments
    return {
        **papers.head(sheet=sheet, title="acceptance.paper.self_check_title", issuer=issuer),
        "facts": papers.facts(
            sheet=sheet,
            stage="acceptance",
            lines=(
                ("project", sheet.project.name, "library.enter_project.name"),
                ("contractor", "、".join(contractors), "procurement.register_bid.organisation"),
                ("round", check.round, ""),
                ("days_late", check.days_late, ""),
            ),
        ),
        "indicators": [
            _indicator(sheet.marks, index, row) | {"evidence": row["evidence"]}
            for index, row in enumerate(check.indicators)
        ],
        "money": [
            {"label": sentence("acceptance.paper.price"), "value": cell(price, "contract.sign.price")},
            {"label": sentence("acceptance.paper.spent"), "value": cell(spent, f"{_CHECK}.spent")},
            {
                "label": sentence("acceptance.paper.spent_share"),
                "value": cell(None if share is None else f"{share}%", f"{_CHECK}.spent"),
            },
        ],
        "instruments": [
            _instrument(name, check.instruments.get(code, ""))
            for code, name in known.items()
            if code in check.instruments or code in check.attached
        ],
    }


def _instrument(name: str, version: str) -> str:
    if version in {"", name}:
        return name
    return sentence("acceptance.paper.instrument", {"name": name, "version": version})


def conclusion_view(
    *, sheet: papers.Sheet, policy: Policy, judged: Judged, contractors: Sequence[str], issuer: str
) -> dict[str, Any]:
    """Return the view of the paper ``acceptance_conclusion``."""
    cell = sheet.marks.cell
    satisfaction = "acceptance.conclude.satisfaction"
    rate = rules.satisfaction_percent(asked=judged.asked, satisfied=judged.satisfied)
    feeds = policy.acceptance.conclusion_feeds_next_batch
    grade_path = _made_up(sheet.marks, *(_SCORED[party] for party in judged.party_scores), satisfaction)
    return {
        **papers.head(sheet=sheet, title="acceptance.paper.title", issuer=issuer),
        "facts": _facts(sheet=sheet, policy=policy, judged=judged, contractors=contractors),
        "indicators": [_indicator(sheet.marks, index, row) for index, row in enumerate(judged.indicators)],
        "satisfaction_asked": cell(judged.asked, satisfaction),
        "satisfaction_rate": cell(f"{rate}%", satisfaction),
        "recipients_opinion": judged.opinion or sentence("acceptance.paper.opinion"),
        "grade": cell(policy.evaluation.grade_names[judged.verdict.grade], grade_path),
        "conclusion": [
            *_paragraphs(policy=policy, judged=judged),
            *_change(judged.needs_change),
            *(omission_sentence(one, policy=policy) for one in omissions_of(sheet.project)),
        ],
        "problems": [
            sentence(
                "acceptance.paper.problem", {"text": one.text, "owner": ROLE_NAMES[one.owner], "due_on": one.due_on}
            )
            for one in judged.problems
        ],
        "next_batch": sentence(f"acceptance.paper.{'next_batch' if feeds else 'not_next_batch'}"),
    }


def _made_up(marks: Marks, *paths: str) -> str:
    """Return the first path that is synthetic, so that a figure drawn from several is marked when one of them is."""
    return next((path for path in paths if marks.is_synthetic(path)), paths[0])


def _facts(*, sheet: papers.Sheet, policy: Policy, judged: Judged, contractors: Sequence[str]) -> list[dict[str, Any]]:
    cell = sheet.marks.cell
    facts = papers.facts(
        sheet=sheet,
        stage="acceptance",
        lines=(
            ("project", sheet.project.name, "library.enter_project.name"),
            ("contractor", "、".join(contractors), "procurement.register_bid.organisation"),
            ("self_check", judged.self_checked_on, ""),
            ("served", judged.reach.served, _SERVED),
            ("target", judged.reach.target, ""),
        ),
    )
    for party, score in judged.party_scores.items():
        label = sentence("acceptance.paper.party", {"party": policy.evaluation.parties[party]})
        facts.append({"label": label, "value": cell(score, _SCORED[party])})
    total_path = _made_up(sheet.marks, *(_SCORED[party] for party in judged.party_scores))
    total = {"label": sentence("acceptance.paper.total"), "value": cell(judged.verdict.total, total_path)}
    return [*facts, total]


def _indicator(marks: Marks, index: int, row: Mapping[str, Any]) -> dict[str, Any]:
    path = f"acceptance.submit_self_check.indicators.{index}"
    ratio = None if row["ratio"] is None else f"{row['ratio']}%"
    ratio_path = _made_up(marks, f"{path}.target", f"{path}.actual")
    return {
        "name": row["name"],
        "target": marks.cell(row["target"], f"{path}.target"),
        "actual": marks.cell(row["actual"], f"{path}.actual"),
        "ratio": marks.cell(ratio, ratio_path),
        "score": marks.cell(row.get("score"), f"{path}.score"),
        "note": row.get("deviation", ""),
    }


def _paragraphs(*, policy: Policy, judged: Judged) -> list[str]:
    verdict = judged.verdict
    grade = policy.evaluation.grade_names[verdict.grade]
    said = [sentence(f"acceptance.paper.{judged.outcome}", {"grade": grade})]
    if verdict.capped:
        facts = {"pass_percent": _percent(policy.acceptance.satisfaction_pass_ratio), "grade": grade}
        said.append(sentence("acceptance.paper.capped", facts))
    if judged.outcome is rules.Outcome.ACCEPTED:
        said.append(sentence("acceptance.paper.pay", {"percent": _percent(verdict.pay_ratio)}))
    return said


def _change(change: NeedsChange | None) -> list[str]:
    return [sentence("acceptance.paper.needs_change", change.model_dump())] if change is not None else []


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}"
