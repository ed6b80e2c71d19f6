"""Table of referrals to another department (转介, FZ-37, BJ-58): what was handed over, who took it, what came back.

Written by ``commands.referral``. Reason, receiver and result may speak of a person's condition: they are sealed.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Text
from sqlmodel import Field, SQLModel


class DepartmentReferral(SQLModel, table=True):
    """One person's need handed to another department; ``status`` is sent, accepted, returned or closed.

    The packet is the masked paper, ``original_sealed`` the full data it was made from, for the receiver alone.
    """

    __tablename__ = "department_referral"

    id: str = Field(primary_key=True)
    region: str
    person_id: str = Field(foreign_key="person.id", index=True)
    outcome_id: str | None = Field(default=None, foreign_key="match_outcome.id")
    item: str
    from_unit: str
    department: str
    receiver_sealed: str = Field(sa_type=Text)
    reason_sealed: str = Field(sa_type=Text)
    original_sealed: str = Field(sa_type=Text)
    packet_document_id: str = Field(foreign_key="document.id")
    status: str
    sent_on: date
    accept_due_on: date
    return_due_on: date
    accepted_on: date | None = None
    returned_on: date | None = None
    outcome: str = ""
    result_sealed: str | None = Field(default=None, sa_type=Text)
    receipt_document_id: str | None = Field(default=None, foreign_key="document.id")
    closed_on: date | None = None
    policy_digest: str
