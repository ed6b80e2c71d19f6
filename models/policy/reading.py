"""Reading the parts of a policy value that is a structure of its own (duties, books, tickets).

Each raises ``ValueError`` for what does not fit; the loader says where. Must never know a value by name.
"""

from __future__ import annotations

from datetime import date


def mapping(raw: object) -> dict[object, object]:
    """Return a YAML mapping. Raises ``ValueError`` for anything else."""
    if not isinstance(raw, dict):
        raise ValueError
    return raw


def items(raw: object) -> list[object]:
    """Return a YAML list. Raises ``ValueError`` for anything else."""
    if not isinstance(raw, list):
        raise ValueError
    return raw


def text(raw: object) -> str:
    """Return a text that is not blank. Raises ``ValueError`` otherwise."""
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError
    return raw


def flag(raw: object) -> bool:
    """Return true or false. Raises ``ValueError`` for anything else."""
    if not isinstance(raw, bool):
        raise ValueError
    return raw


def one_of(raw: object, known: tuple[str, ...]) -> str:
    """Return a text that is one of ``known``. Raises ``ValueError`` otherwise."""
    given = text(raw)
    if given not in known:
        raise ValueError
    return given


def day(raw: object) -> date:
    """Return a date. Raises ``ValueError`` for anything else."""
    if type(raw) is not date:
        raise ValueError
    return raw


def count(raw: object) -> int:
    """Return a whole number of at least one. Raises ``ValueError`` otherwise."""
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 1:
        raise ValueError
    return raw
