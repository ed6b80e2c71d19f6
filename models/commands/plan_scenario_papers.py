"""The view of the scenarios of a quarterly plan side by side (方案比选表), printed as xlsx.

Called by ``commands.plan_proposal`` before its transaction. Words figures, decides nothing.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from models.context import Context
from models.core.actors import Role
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.queries.plan_proposal import ScenarioView, view_of
from models.rules.bodies import batch_name, body_name
from models.rules.plan_programme import POINT, WHOLE, Candidate, Instance, Plan
from models.tables.kernel import Project
from models.tables.plan import PlanProposal

_HEADS = ("project_no", "project", "unit", "people", "score", "factor", "carry_over", "effect", "cites")
_NOTHING = "—"


def scenario_view(
    session: Session, ctx: Context, *, instance: Instance, plans: tuple[Plan, ...], row: PlanProposal, policy: Policy
) -> dict[str, Any]:
    """Return the view: first the totals of each scenario, then each candidate with what it gets in each."""
    views = [view_of(plan, policy) for plan in plans]
    rows = session.exec(select(Project).where(col(Project.id).in_([one.project for one in instance.candidates]))).all()
    projects = {one.id: one for one in rows}
    got = [{line.project: Money.total(line.money.values()) for line in view.lines} for view in views]
    return {
        "title": sentence("funding.scenarios.title", {"batch": batch_name(row.quarter, row.batch)}),
        "issuer": body_name(policy=policy, role=Role.EVALUATION_OFFICE),
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": [sentence("funding.scenarios.made_up")] if any(one.synthetic for one in rows) else [],
        "rows": [],
        "heads": [*(sentence(f"funding.scenarios.head.{head}") for head in _HEADS), *(view.name for view in views)],
        "lines": [
            *_totals(views, policy),
            *(
                [*_candidate(one, projects[one.project], policy), *(_amount(lines.get(one.project)) for lines in got)]
                for one in instance.candidates
            ),
        ],
    }


def _totals(views: list[ScenarioView], policy: Policy) -> list[list[str]]:
    channels = sorted({code for view in views for code in view.money})
    figures: list[tuple[str, list[str]]] = [
        (sentence("funding.scenarios.objective"), [f"{view.objective:,.2f}" for view in views]),
        (sentence("funding.scenarios.bound"), [f"{view.bound:,.2f}" for view in views]),
        (sentence("funding.scenarios.gap"), [str(view.gap) for view in views]),
        (sentence("funding.scenarios.projects"), [str(view.projects) for view in views]),
        (sentence("funding.scenarios.people"), [str(view.people) for view in views]),
        *(
            (
                sentence("funding.scenarios.channel", {"channel": policy.funding.sources.get(code, code)}),
                [_amount(view.money.get(code)) for view in views],
            )
            for code in channels
        ),
        (sentence("funding.scenarios.floors"), ["、".join(view.floors_missed) or _NOTHING for view in views]),
        (sentence("funding.scenarios.social"), [str(view.social_ratio) for view in views]),
        (sentence("funding.scenarios.social_short"), [_amount(view.social_short) for view in views]),
    ]
    return [["", name, *([""] * (len(_HEADS) - 2)), *values] for name, values in figures]


def _candidate(one: Candidate, project: Project, policy: Policy) -> list[str]:
    def assumed(name: str, text: str) -> str:
        return sentence("funding.scenarios.assumed", {"text": text}) if name in one.assumed else text

    effect = policy.incentive.effects.get(one.effect, "")
    return [
        one.project,
        project.name,
        one.unit,
        assumed("people", str(one.people)),
        assumed("score", str(Decimal(one.score) / POINT)),
        str(Decimal(one.factor) / WHOLE),
        sentence("funding.scenarios.carry_over") if one.carry_over else "",
        f"{effect}：{one.reason}" if one.reason else effect,
        one.cites or sentence("funding.scenarios.no_conclusion"),
    ]


def _amount(amount: Money | None) -> str:
    return str(amount) if amount else _NOTHING
