"""Reads of incentives (S19): the table that stands for a batch, and what it says of each unit's next plan."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.core.actors import INSIDE
from models.core.money import Money
from models.core.periods import Quarter
from models.core.registry import query
from models.queries.reader import Reader, found
from models.tables.incentive import IncentiveRow, IncentiveTable


class UnitShare(BaseModel):
    """One unit of a table; ``cites`` is the conclusion its row rests on, ``None`` for none yet (ZY-98)."""

    model_config = ConfigDict(frozen=True)

    unit: str
    met: tuple[str, ...]
    effect: str
    base: Money
    weight: str
    amount: Money
    donor_view: str
    reason: str
    cites: str | None


class Table(BaseModel):
    """The newest table of a batch."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    agreed_on: date
    participants: tuple[dict[str, str], ...]
    fiscal: Money
    donated: Money
    rows: tuple[UnitShare, ...]


@query("incentive.table", roles=INSIDE, clause="ZY-109")
def table(
    reader: Reader,
    *,
    quarter: Annotated[Quarter, Field(description="下达季度")],
    batch: Annotated[int, Field(ge=1, le=99, description="批次")],
) -> Table:
    """Return the allocation table of a batch. Raises ``Refusal`` ``kernel.not_found``."""
    row = found(
        newest_table(reader.session, quarter=str(quarter), batch=batch),
        kind="incentive_table",
        id=f"{quarter}-{batch}",
    )
    return Table(
        id=row.id,
        version=row.version,
        agreed_on=row.agreed_on,
        participants=tuple(row.participants),
        fiscal=Money(row.fiscal_fen),
        donated=Money(row.donation_fen),
        rows=tuple(
            UnitShare(
                unit=one.unit_code,
                met=tuple(one.met),
                effect=one.effect,
                base=Money(one.base_fen),
                weight=one.weight,
                amount=Money(one.amount_fen),
                donor_view=one.donor_view,
                reason=one.reason,
                cites=one.conclusion_id,
            )
            for one in rows_of(reader.session, row.id)
        ),
    )


def newest_table(session: Session, *, quarter: str, batch: int) -> IncentiveTable | None:
    """Return the newest table of a batch."""
    return session.exec(
        select(IncentiveTable)
        .where(col(IncentiveTable.quarter) == quarter, col(IncentiveTable.batch) == batch)
        .order_by(col(IncentiveTable.version).desc())
    ).first()


def rows_of(session: Session, table: str) -> tuple[IncentiveRow, ...]:
    """Return the rows of a table by unit."""
    rows = session.exec(
        select(IncentiveRow).where(col(IncentiveRow.table_id) == table).order_by(col(IncentiveRow.unit_code))
    )
    return tuple(rows)


def agreed_standings(session: Session, *, quarter: str, batch: int) -> list[dict[str, Any]]:
    """Return what the table of a batch says of each unit, as a proposal keeps it; units without an effect left out."""
    row = newest_table(session, quarter=quarter, batch=batch)
    if row is None:
        return []
    return [
        {"unit": one.unit_code, "effect": one.effect, "met": list(one.met), "reason": one.reason}
        for one in rows_of(session, row.id)
        if one.effect
    ]
