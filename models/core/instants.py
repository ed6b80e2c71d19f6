"""How an instant is written: ISO 8601 with offset, to the second (docs/decisions/0009); such texts sort by time."""

from __future__ import annotations

from datetime import datetime


def written(instant: datetime) -> str:
    """Return ``2016-03-01T09:00:00+08:00``."""
    return instant.isoformat(timespec="seconds")
