"""Commands of the key-supervision list (S13): who is on it and why, since when and until when, and why somebody left.

What follows is policy: a project on the list is drawn at a higher rate (``monitoring.risk_rates``). Read it with
``monitoring.key_projects``.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import events
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Conflict
from models.core.periods import add_months
from models.core.registry import command
from models.queries.inspection import key_rows
from models.queries.reader import found, project_of
from models.rules.force import binding
from models.rules.masking import check_impersonal
from models.tables.monitoring import KeySupervision

_RULE: Final = "SYS-KEY-SUPERVISION"
_KEEPERS: Final = (*CIVIL_AFFAIRS, Role.FINANCE_BUREAU)
_Reason = Annotated[str, Field(min_length=4, max_length=300, description="理由(不写个人信息)")]


class KeyListed(BaseModel):
    """The entry of the list and how long it stands (half-open)."""

    model_config = ConfigDict(frozen=True)

    id: str
    project: str
    since_on: date
    until_on: date
    ended_on: date | None


@command("monitoring.list_key", roles=_KEEPERS, clause=_RULE)
def list_key(
    ctx: Context,
    *,
    project: Annotated[str, Field(description="项目编号")],
    reason: _Reason,
    source: Annotated[str, Field(max_length=80, description="来源(核查结果、整改要求或结论编号)")] = "",
) -> KeyListed:
    """Put a project under key supervision for the months policy says.

    Raises ``Conflict`` ``monitoring.on_key_list``.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = project_of(session, project)
        if any(one.project_id == project for one in key_rows(session, on=ctx.as_of)):
            raise Conflict("monitoring.on_key_list", rule="SYS-ALREADY-DONE")
        return _listed(session, ctx, project=project, region=row.region, reason=reason, source=source, rule=_RULE)


def list_poor(session: Session, ctx: Context, *, project: str, region: str, reason: str, source: str) -> None:
    """Put a project whose conclusion does not pass on the list (ZY-106), once; called by ``commands.effects``."""
    if all(one.project_id != project for one in key_rows(session, on=ctx.as_of)):
        rule = binding(policy=ctx.policy(region=region), rules=("ZY-106", _RULE)) or _RULE
        _listed(session, ctx, project=project, region=region, reason=reason, source=source, rule=rule)


def _listed(
    session: Session, ctx: Context, *, project: str, region: str, reason: str, source: str, rule: str
) -> KeyListed:
    months = ctx.policy(region=region).monitoring.key_months
    entry = KeySupervision(
        id=ctx.new_id("key", project),
        project_id=project,
        reason=reason,
        source=source,
        since_on=ctx.as_of,
        until_on=add_months(ctx.as_of, months=months),
    )
    return _kept(session, ctx, entry, "monitoring.key_listed", rule=rule)


@command("monitoring.unlist_key", roles=_KEEPERS, clause=_RULE)
def unlist_key(ctx: Context, *, entry: Annotated[str, Field(description="名单编号")], reason: _Reason) -> KeyListed:
    """Take a project off the list before its time. Raises ``Conflict`` ``monitoring.off_key_list``.

    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = found(session.get(KeySupervision, entry, with_for_update=True), kind="key_supervision", id=entry)
        if row.ended_on is not None:
            raise Conflict("monitoring.off_key_list", rule="SYS-ALREADY-DONE")
        row.ended_on, row.end_reason = ctx.as_of, reason
        return _kept(session, ctx, row, "monitoring.key_unlisted")


def _kept(session: Session, ctx: Context, row: KeySupervision, type_: str, *, rule: str = _RULE) -> KeyListed:
    session.add(row)
    session.flush()
    payload: dict[str, Any] = {
        "entry": row.id,
        "source": row.source,
        "since_on": row.since_on.isoformat(),
        "until_on": row.until_on.isoformat(),
        "rule": rule,
    }
    events.on_project(session, ctx, row.project_id, type_, payload)
    return KeyListed(
        id=row.id, project=row.project_id, since_on=row.since_on, until_on=row.until_on, ended_on=row.ended_on
    )
