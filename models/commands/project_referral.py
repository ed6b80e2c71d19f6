"""The command by which a project that cannot be completed ends in referral (S15, ZY-28).

Who decided the project decides it; everybody it serves has gone to another unit by name before. What becomes of
contracts, purchases and money is ``commands.ending``; the file goes on to audit and archive.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import demands, ending, project_papers, transition
from models.commands.demands import Demand
from models.commands.ledger import locked
from models.commands.midterm_decision import DECIDERS, Heard, check_decider
from models.context import Context
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.bodies import acting_body
from models.queries.papers import facts, head
from models.queries.reader import project_of
from models.queries.succession import not_referred, recipients
from models.rules import lifecycle
from models.rules import midterm as rules
from models.rules.force import is_binding
from models.rules.lifecycle import Thing
from models.rules.masking import check_impersonal
from models.tables.kernel import Project

_STAGE: Final = "delivery"
_SOURCES: Final = ("delivery.refer_project",)


class ProjectReferred(BaseModel):
    """The project that ended: people handed over before, contracts ended, money released and claimed, the paper."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    recipients: int
    contracts: int
    released: Money
    demanded: Money
    document: str


@command("delivery.refer_project", roles=DECIDERS, clause="ZY-28")
def refer_project(
    ctx: Context,
    *,
    project: str,
    basis: Annotated[str, Field(min_length=2, max_length=2000, description="不能完成的情况和转介依据")],
    consulted: Annotated[tuple[Heard, ...], Field(max_length=50, description="会商情况")] = (),
    recover: Annotated[tuple[Demand, ...], Field(max_length=50, description="应追回的资金")] = (),
) -> ProjectReferred:
    """End a project that cannot be completed: its people are with other units, its money goes back or is claimed.

    Raises ``Refusal`` ``midterm.recipients_left`` (ZY-28), ``midterm.wrong_authority``, ``midterm.not_consulted``
    (ZY-104, where a re-decision is due), ``midterm.over_demand``, ``SYS-STATE``.
    """
    check_impersonal(reason=basis)
    with ctx.reading() as session:
        row = project_of(session, project)
        people = _check(session, ctx, row, consulted)
        view = _view(session, ctx, row, basis, consulted, people, demands.check(session, recover))
    printed = project_papers.printed(ctx, kind="project_referral", view=view)
    with ctx.writing() as session:
        row = locked(session, Project, project, kind="project")
        people = _check(session, ctx, row, consulted)
        policy = ctx.policy(region=row.region)
        demanded = demands.claim(session, ctx, recover, policy=policy)
        ended = ending.end(session, ctx, row, reason=sentence("delivery.referral_reason"), policy=policy)
        document = project_papers.filed(session, ctx, project=project, stage=_STAGE, printed=printed)
        told = {"contracts": ended.contracts, "recipients": people, "document": document}
        payload = {
            **told,
            "released_fen": ended.released.fen,
            "demanded_fen": demanded.fen,
            "consulted": len(consulted),
            "content_digest": digest([basis, [one.model_dump() for one in consulted]]),
        }
        event = transition.apply(session, ctx, row, payload=payload)
        ending.settle(session, ctx, event, row, successor=None)
        state = f"project.{row.state}"
        return ProjectReferred(id=project, state=state, released=ended.released, demanded=demanded, **told)


def _check(session: Session, ctx: Context, row: Project, consulted: tuple[Heard, ...]) -> int:
    """Check that a project may end in referral; return how many people it handed over."""
    policy = ctx.policy(region=row.region)
    lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
    check_decider(session, ctx, row, policy)
    if is_binding(policy=policy, rule="ZY-104"):
        rules.check_consulted(kinds={one.kind for one in consulted}, policy=policy)
    left = not_referred(session, row.id, ctx.as_of)
    rules.check_owned(unowned=len(left), successor=False, team=False, policy=policy)
    return len(recipients(session, row.id))


def _view(
    session: Session,
    ctx: Context,
    row: Project,
    basis: str,
    consulted: tuple[Heard, ...],
    people: int,
    demanded: Money,
) -> dict[str, Any]:
    policy: Policy = ctx.policy(region=row.region)
    sheet = project_papers.sheet(session, ctx, row, sources=_SOURCES)
    lines: list[tuple[str, object | None, str]] = [
        ("referred", people, ""),
        ("demanded", demanded, "delivery.refer_project.recover"),
    ]
    heard = [sentence("midterm.paper.heard_line", one.model_dump()) for one in consulted]
    return {
        **head(
            sheet=sheet,
            title="delivery.paper.referral_title",
            issuer=acting_body(session, role=ctx.actor.role, policy=policy, project=row.id),
        ),
        "facts": facts(sheet=sheet, stage=_STAGE, lines=lines),
        "body": [
            {"level": "h1", "text": sentence("delivery.paper.basis")},
            basis,
            {"level": "h1", "text": sentence("delivery.paper.heard")},
            *(heard or [sentence("midterm.paper.none")]),
        ],
    }
