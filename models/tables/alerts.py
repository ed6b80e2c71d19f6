"""Tables of the delivery of alerts: who is told, the messages made, and one receipt for each alert and account.

Written by ``commands.contacts`` and ``commands.alerts``. Addresses are sealed; messages hold no personal data.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class Contact(SQLModel, table=True):
    """Where an account is reached for one role and unit. ``supervises``: it is told what stays overdue, nothing else.

    ``unit`` is the code of an administrative unit, the credit code of an organisation, or the purchaser's name.
    """

    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("account", "role", "unit"),)

    id: str = Field(primary_key=True)
    account: str = Field(index=True)
    role: str = Field(index=True)
    unit: str
    supervises: bool
    address_sealed: str = Field(sa_type=Text)
    address_hash: str = Field(max_length=SHA256_LENGTH)
    registered_on: date
    until_on: date | None = None


class AlertMessage(SQLModel, table=True):
    """One message to one account: an alert before the due date, or what is overdue (``digest``: the day's list of it).

    ``status``: rendered, then sent, bounced, withdrawn (with its contact) or suppressed (nothing it tells still holds).
    ``lines`` is what it tells: {item, due_on, supervisor, stand_in, late}, with ``dropped`` why one no longer is told.
    ``unconfirmed``: an attempt was broken off before its answer was noted, so it may have gone out once more.
    """

    __tablename__ = "alert_message"
    __table_args__ = (Index("ix_alert_message_due", "status", "next_attempt_at"),)

    id: str = Field(primary_key=True)
    account: str = Field(index=True)
    contact_id: str = Field(foreign_key="contact.id")
    title: str
    body: str = Field(sa_type=Text)
    lines: list[dict[str, Any]] = Field(sa_type=JSON)
    digest: bool
    rendered_on: date
    status: str
    attempts: int = 0
    next_attempt_at: str
    lease_until: str | None = None
    unconfirmed: bool = False
    settled_on: date | None = None
    last_error: str | None = None


class AlertReceipt(SQLModel, table=True):
    """What became of one alert for one account: the message that tells it, or why there is none.

    Append-only. ``account`` is ``-`` where nobody is registered who could be told.
    """

    __tablename__ = "alert_receipt"

    alert_id: str = Field(primary_key=True, foreign_key="alert.id")
    account: str = Field(primary_key=True)
    message_id: str | None = Field(default=None, foreign_key="alert_message.id", index=True)
    suppressed: str | None = None
    written_on: date
