"""Clocks: the system's, and the driven one of a rehearsal. The only module that asks what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlmodel import Session

from models.tables.kernel import Rehearsal

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class SystemClock:
    """The machine's time in Asia/Shanghai."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(SHANGHAI)


@dataclass(frozen=True)
class DrivenClock:
    """A rehearsal's clock: nine in the morning of the day its database says it is."""

    engine: Engine

    def now(self) -> datetime:
        """Return 09:00 of the rehearsal's present day."""
        return datetime.combine(today_of(self.engine), time(9), tzinfo=SHANGHAI)


def today_of(engine: Engine) -> date:
    """Return the rehearsal's present day. Raises ``LookupError`` when the database is not a driven rehearsal."""
    with Session(engine) as session:
        row = session.get(Rehearsal, 1)
        if row is None:
            raise LookupError("this database has no driven clock")
        return row.today


def is_driven(engine: Engine) -> bool:
    """Say whether the database carries a driven clock."""
    with Session(engine) as session:
        return session.get(Rehearsal, 1) is not None
