"""Commands of delivery (S12, S15) by which people, or a difficulty of theirs, go from a project to somebody else.

A difficulty that is handed on leaves the person where they are; who is handed over whole, or needs no service any more,
is recorded by name (``commands.succession``). Reasons are sealed.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events, succession
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES, Role
from models.core.messages import sentence
from models.core.registry import Once, command
from models.core.uploads import Upload
from models.queries.reader import project_of
from models.rules import lifecycle
from models.rules.delivery import check_referral
from models.rules.lifecycle import Thing
from models.rules.succession import SERVING, check_declined, check_named
from models.tables.delivery import DeliveryReferral
from models.tables.needs import Selection

_BEFORE_SERVICE: Final = ("planned",)
_REPORTERS: Final = (*CIVIL_AFFAIRS, Role.PURCHASER, Role.CONTRACTOR, Role.TOWNSHIP, Role.VILLAGE_COMMITTEE)

Cause = Literal["deceased", "moved_away", "institution", "no_need", "declined"]


class ReferralLogged(BaseModel):
    """The new referral."""

    model_config = ConfigDict(frozen=True)

    id: str
    persons: int


class ServiceEnded(BaseModel):
    """The project and how many of its recipients get no service of it any more."""

    model_config = ConfigDict(frozen=True)

    id: str
    persons: int
    cause: str


def selected(session: Session, project: str) -> dict[str, str]:
    """Return the ledger id of each selected person, by that id and by the id of the selection."""
    rows = session.exec(select(Selection.id, Selection.person_id).where(col(Selection.project_id) == project)).all()
    return {code: person for selection, person in rows for code in (selection, person)}


@command("delivery.log_referral", roles=_REPORTERS, clause="HS-51", once_a_day=Once.BY_SENDER)
def log_referral(
    ctx: Context,
    *,
    project: str,
    from_: Annotated[str, Field(min_length=2, max_length=120, description="转出单位")],
    to: Annotated[str, Field(min_length=2, max_length=120, description="转入单位")],
    reason: Annotated[str, Field(min_length=2, max_length=500, description="转介原因")],
    persons: Annotated[tuple[str, ...] | Annotated[int, Field(ge=1, le=10**12)], Field(description="编号,或只有人数")],
    whole: Annotated[bool, Field(description="对象整体移交:转入单位接续全部服务")] = False,
) -> ReferralLogged:
    """Log that a difficulty found while serving was handed on (HS-51), or (``whole``) the people, by name (ZY-28).

    Raises ``Refusal`` ``delivery.referral_unknown`` (SYS-SELECTED-ONLY), ``delivery.handover_unnamed`` (ZY-28),
    ``lifecycle.not_in_state``.
    """
    with ctx.writing() as session:
        row = project_of(session, project)
        allowed = (*_BEFORE_SERVICE, *SERVING) if whole else SERVING
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=allowed)
        given = () if isinstance(persons, int) else persons
        count = persons if isinstance(persons, int) else len(given)
        people = _known(session, project, given, count=count)
        check_named(whole=whole, named=len(people), policy=ctx.policy(region=row.region))
        referral = DeliveryReferral(
            id=ctx.new_id("ref", project),
            project_id=project,
            from_unit=from_,
            to_unit=to,
            reason_sealed=ctx.services.vault.seal(reason),
            person_ids=people,
            persons=len(people) or count,
            referred_on=ctx.as_of,
            whole=whole,
        )
        session.add(referral)
        session.flush()
        if whole:
            succession.refer(session, ctx, referral)
        payload = {"referral_id": referral.id, "persons": referral.persons, "whole": whole}
        events.on_project(session, ctx, project, "delivery.referred", payload)
        return ReferralLogged(id=referral.id, persons=referral.persons)


@command("delivery.end_service", roles=_REPORTERS, clause="ZY-28", once_a_day=Once.BY_SENDER)
def end_service(
    ctx: Context,
    *,
    project: str,
    persons: Annotated[tuple[str, ...], Field(min_length=1, description="对象编号")],
    cause: Annotated[
        Cause,
        Field(description="原因:去世 deceased、迁出 moved_away、入住机构 institution、不再需要 no_need、谢绝 declined"),
    ],
    statement: Annotated[Upload | None, Field(description="对象或者代理人签字的书面说明")] = None,
) -> ServiceEnded:
    """Record by name who needs or wants nothing of the project any more; nobody is referred for having died.

    Who declines signs so. Raises ``Refusal`` ``delivery.referral_unknown`` (SYS-SELECTED-ONLY),
    ``delivery.unsigned_end`` (SYS-END-SERVICE), ``lifecycle.not_in_state``.
    """
    check_declined(cause=cause, signed=statement is not None)
    with ctx.writing() as session:
        row = project_of(session, project)
        allowed = (*_BEFORE_SERVICE, *SERVING)
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=allowed)
        people = _known(session, project, persons, count=len(persons))
        succession.let_go(session, ctx, project, people, cause=cause)
        document = None if statement is None else _file(session, ctx, project, statement)
        payload = {"persons": len(people), "cause": cause, "document_id": document}
        events.on_project(session, ctx, project, "delivery.service_ended", payload)
        return ServiceEnded(id=project, persons=len(people), cause=cause)


def _known(session: Session, project: str, given: tuple[str, ...], *, count: int) -> list[str]:
    """Return the ledger ids of the people given, each once."""
    known = selected(session, project)
    check_referral(unknown=sum(code not in known for code in given), persons=count)
    return list(dict.fromkeys(known[code] for code in given))


def _file(session: Session, ctx: Context, project: str, statement: Upload) -> str:
    return documents.file_upload(
        session,
        ctx,
        stored=statement,
        project_id=project,
        stage="delivery",
        kind="service_ended",
        title=sentence("delivery.paper.ended_title"),
        issuer=ROLE_NAMES[ctx.actor.role],
    ).id
