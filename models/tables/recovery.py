"""Tables of recovery (SX1): cases of misused money, the steps taken on them, the fines decided (ZY-113–117).

Written by ``commands.recovery*`` only. Whose conduct a case is about stands in its papers, never in a row: ``unit`` is
a body, not a person.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Column, UniqueConstraint
from sqlmodel import Field, SQLModel


class MisuseCase(SQLModel, table=True):
    """One case of a project. ``plan_line_id`` and ``contract_id`` say under what the money was paid, both or neither.

    ``step`` is the last step taken. ``event_on`` is the day of the conduct: fines follow the law of that day.
    """

    __tablename__ = "misuse_case"

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    kind: str
    unit: str
    amount_fen: int = Field(sa_type=BigInteger)
    repaid_fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, default=0))
    plan_line_id: str | None = Field(default=None, foreign_key="plan_line.id")
    contract_id: str | None = Field(default=None, foreign_key="contract.id")
    event_on: date
    found_on: date
    officer_involved: bool
    step: str = Field(index=True)
    due_on: date | None = None
    closed_on: date | None = None
    policy_digest: str
    synthetic: bool


class MisuseStep(SQLModel, table=True):
    """One step on a case, in order, with its paper, the day it sets, the money that came, the number it bears."""

    __tablename__ = "misuse_step"
    __table_args__ = (UniqueConstraint("case_id", "ordinal"),)

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="misuse_case.id")
    ordinal: int
    step: str
    taken_on: date
    document_id: str | None = None
    due_on: date | None = None
    amount_fen: int | None = Field(default=None, sa_type=BigInteger)
    number: str | None = None


class MisuseFine(SQLModel, table=True):
    """One fine on a case: so many times the sum unlawfully had (``multiple`` as decimal text), and the article it rests
    on, chosen by the day of the conduct."""

    __tablename__ = "misuse_fine"
    __table_args__ = (UniqueConstraint("case_id", "number"),)

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="misuse_case.id")
    number: str
    authority: str
    base_fen: int = Field(sa_type=BigInteger)
    multiple: str
    amount_fen: int = Field(sa_type=BigInteger)
    clause: str
    decided_on: date
