"""Tables of tickets (办事工单): a matter brought to a window or told on the telephone, and where it was handed on.

Written by ``commands.ticket``. Matter, contact and answers are sealed: who asks for help is nobody else's business.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel


class Ticket(SQLModel, table=True):
    """One matter. ``owner`` is the account that was asked first and answers for it, ``backup`` its second.

    ``project_id`` is the project the matter is about, where it is about one. ``notified_on`` is the day of the
    one notice of all that is missing; ``contact_hash`` finds the same caller again.
    """

    __tablename__ = "ticket"

    id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    rule: str
    unit_code: str = Field(index=True)
    owner: str
    backup: str = ""
    matter_sealed: str
    contact_sealed: str
    contact_hash: str = Field(index=True)
    opened_on: date
    due_on: date
    provisional: bool
    notified_on: date | None = None
    missing_items: int = 0
    missing_sealed: str | None = None
    answered_on: date | None = None
    answer_sealed: str | None = None
    closed_on: date | None = None
    late: bool = False
    project_id: str | None = Field(default=None, foreign_key="project.id", index=True)
    policy_digest: str
    synthetic: bool


class TicketTransfer(SQLModel, table=True):
    """One hand-over to another department: the receiver by name (sealed) and account, and when it was taken over.

    One that nobody took over may be withdrawn by the sender: the row stays, with the day and the reason (sealed).
    """

    __tablename__ = "ticket_transfer"
    __table_args__ = (UniqueConstraint("ticket_id", "ordinal"),)

    id: str = Field(primary_key=True)
    ticket_id: str = Field(index=True)
    ordinal: int
    department: str
    receiver_account: str
    receiver_sealed: str
    sent_on: date
    accepted_on: date | None = None
    withdrawn_on: date | None = None
    withdrawn_reason_sealed: str | None = None
