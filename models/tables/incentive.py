"""Tables of what results lead to (S16, S19): effects traced to their conclusion, and the agreed allocation by unit.

All are append-only: a later table of the same batch is its next version, an effect that no longer holds is followed by
another. Written by ``commands.effects`` and ``commands.incentive``.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel


class EvaluationEffect(SQLModel, table=True):
    """One thing a conclusion changed: ``kind`` (payment, next_batch, tie_break, star, ban, incentive) of a target.

    ``before`` and ``after`` are texts (a share, a weight, a level, a day); ``source_id`` is the record that carries the
    effect: the conclusion itself, a rating, a bar, a row of the incentive table.
    """

    __tablename__ = "evaluation_effect"
    __table_args__ = (UniqueConstraint("conclusion_id", "kind", "target_id", "source_id"),)

    id: str = Field(primary_key=True)
    conclusion_id: str = Field(foreign_key="acceptance_conclusion.id", index=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    kind: str
    target_kind: str
    target_id: str = Field(index=True)
    before: str
    after: str
    rule: str
    source_id: str
    recorded_on: date


class IncentiveTable(SQLModel, table=True):
    """One agreed allocation of a batch (ZY-109): who took part (role, body), from what money, with its minutes."""

    __tablename__ = "incentive_table"
    __table_args__ = (UniqueConstraint("quarter", "batch", "version"),)

    id: str = Field(primary_key=True)
    region: str
    quarter: str
    batch: int
    version: int
    participants: list[dict[str, str]] = Field(sa_type=JSON)
    fiscal_fen: int = Field(sa_type=BigInteger)
    donation_fen: int = Field(sa_type=BigInteger)
    agreed_on: date
    minutes_id: str
    document_id: str
    policy_digest: str


class IncentiveRow(SQLModel, table=True):
    """One unit of a table: conditions met, effect, base × weight = amount, the reason, the conclusion it cites."""

    __tablename__ = "incentive_row"
    __table_args__ = (UniqueConstraint("table_id", "unit_code"),)

    id: str = Field(primary_key=True)
    table_id: str = Field(foreign_key="incentive_table.id")
    unit_code: str
    met: list[Any] = Field(sa_type=JSON)
    effect: str
    base_fen: int = Field(sa_type=BigInteger)
    weight: str
    amount_fen: int = Field(sa_type=BigInteger)
    donor_view: str
    reason: str
    conclusion_id: str | None = Field(default=None, foreign_key="acceptance_conclusion.id")
