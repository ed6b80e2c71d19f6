"""Who an organisation is: known by its social credit code, else by its name; entered once when it is neither.

Called by the commands that meet bidders and evaluators, in their transaction.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from models.context import Context
from models.core.ids import derive_id
from models.tables.procurement import Organisation


def known(session: Session, *, name: str, uscc: str | None) -> Organisation | None:
    """Return the organisation of this code, else the one of this name (without spaces) that has no other code."""
    if uscc is not None:
        row = session.exec(select(Organisation).where(col(Organisation.uscc) == uscc)).first()
        if row is not None:
            return row
    namesakes = session.exec(
        select(Organisation).where(col(Organisation.name) == _plain(name)).order_by(col(Organisation.id))
    ).all()
    return next((one for one in namesakes if uscc is None or one.uscc is None), None)


def known_or_new(session: Session, ctx: Context, *, name: str, uscc: str | None, kind: str) -> Organisation:
    """Return the organisation, entered now when nobody knew it; a code learnt later is added to it."""
    row = known(session, name=name, uscc=uscc) or Organisation(
        id=derive_id("org", _plain(name), uscc or ""),
        name=_plain(name),
        kind=kind,
        synthetic=ctx.services.rehearsal,
    )
    row.uscc = row.uscc or uscc
    session.add(row)
    session.flush()
    return row


def _plain(name: str) -> str:
    return "".join(name.split())
