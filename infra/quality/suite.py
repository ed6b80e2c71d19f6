"""The suites as data: each check of ``suites/<gate>.yaml`` is one expectation, its rule, its Chinese sentence.

Read by ``gate``; a suite that names an unknown field, table or severity is a bug and raises when it is loaded. The
version of a suite is its number and the digest of the file, so a result always tells which checks it stands for.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from models.core.hashing import sha256_hex

GATES = ("needs_ledger", "application_form", "service_records")
_DIGEST_PLACES = 12


class Check(BaseModel):
    """One expectation on one or several columns of one table.

    ``aspect`` picks what of a column is looked at: empty = the cell as text, ``value`` = what it reads as, ``fault`` =
    the code of what is wrong with it, or a derived column. ``arguments`` go to the expectation; ``$choices`` stands for
    the column's dictionary. Without ``message`` the sentence is that of the fault code in the cell.
    ``facts`` are whole-number columns that fill the sentence. Only errors fail a gate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    rule: str
    table: str
    columns: tuple[str, ...] = ()
    aspect: str = ""
    expectation: str
    arguments: dict[str, Any] = {}
    message: str = ""
    expected: str | None = None
    severity: Literal["error", "warning"] = "error"
    facts: tuple[str, ...] = ()


class Suite(BaseModel):
    """All checks of one gate. ``parameters`` are numbers of the checks, each with its source beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate: str
    number: int
    parameters: dict[str, int] = {}
    checks: tuple[Check, ...]
    version: str = ""


@cache
def load_suite(gate: str) -> Suite:
    """Return the suite of a gate. Raises ``KeyError`` for an unknown gate, ``ValueError`` for a broken suite."""
    if gate not in GATES:
        raise KeyError(gate)
    text = resources.files("infra.quality").joinpath("suites", f"{gate}.yaml").read_bytes()
    suite = Suite.model_validate(yaml.safe_load(text))
    names = [check.id for check in suite.checks]
    if suite.gate != gate or len(set(names)) != len(names):
        raise ValueError(f"the suite {gate} names another gate, or a check twice")
    return suite.model_copy(update={"version": f"{suite.number}-{sha256_hex(text)[:_DIGEST_PLACES]}"})
