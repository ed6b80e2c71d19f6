"""The LOCK file: a value that somebody relied on is superseded, never edited.

One line a value that is not a proposal: region, key, effective from, effective to, SHA-256. Called by the lint
(``make check``). ``write_lock`` only adds; it must never rewrite or drop a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from models.core.errors import Detail
from models.core.hashing import digest
from models.core.messages import sentence
from models.policy.loader import Entry, Pack
from models.policy.schema import Status
from models.policy.values import plain

LOCK_PATH: Final = Path(__file__).with_name("LOCK")
_OPEN: Final = "-"


@dataclass(frozen=True, order=True)
class LockLine:
    """One locked value; ``to`` is the end it had when it was locked, ``-`` for open."""

    region: str
    key: str
    from_: str
    to: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.region} {self.key} {self.from_} {self.to} {self.sha256}"


def lock_lines(packs: Mapping[str, Pack]) -> tuple[LockLine, ...]:
    """Return the lines that the packs as they stand would lock, sorted."""
    return tuple(
        sorted(
            _line(pack.code, key, entry)
            for pack in packs.values()
            for key, entries in pack.leaves.items()
            for entry in entries
            if entry.status is not Status.PROPOSED
        )
    )


def check_lock(packs: Mapping[str, Pack], *, path: Path = LOCK_PATH) -> tuple[Detail, ...]:
    """Return a fault for each locked value that was edited, removed, or closed without a successor.

    New entries are no fault. An open ``to`` may be set when another entry, not a proposal, starts on that very day.
    """
    locked, faults = _read(path)
    entries = _by_place(packs)
    for line in locked:
        entry = entries.get((line.region, line.key, line.from_))
        if entry is None:
            faults.append(_fault("locked_removed", line))
        elif _sha256(entry) != line.sha256:
            faults.append(_fault("locked_edited", line))
        elif _text(entry.effective.to) != line.to:
            successor = entries.get((line.region, line.key, _text(entry.effective.to)))
            lawful = line.to == _OPEN and successor is not None and successor.status is not Status.PROPOSED
            if not lawful:
                faults.append(_fault("locked_closed" if line.to == _OPEN else "locked_edited", line))
    return tuple(faults)


def unlocked(packs: Mapping[str, Pack], *, path: Path = LOCK_PATH) -> tuple[LockLine, ...]:
    """Return the values that are in force in the packs but not yet in the LOCK file, sorted."""
    known = {(line.region, line.key, line.from_) for line in _read(path)[0]}
    return tuple(line for line in lock_lines(packs) if (line.region, line.key, line.from_) not in known)


def write_lock(packs: Mapping[str, Pack], *, path: Path = LOCK_PATH) -> int:
    """Add the values not yet locked and return how many; lines already there keep their bytes."""
    new = unlocked(packs, path=path)
    if new:
        old = path.read_text("utf-8").splitlines() if path.exists() else []
        path.write_text("\n".join(sorted([*old, *(str(line) for line in new)])) + "\n", "utf-8")
    return len(new)


def _read(path: Path) -> tuple[list[LockLine], list[Detail]]:
    locked: list[LockLine] = []
    faults: list[Detail] = []
    seen: set[tuple[str, str, str]] = set()
    for number, text in enumerate(path.read_text("utf-8").splitlines() if path.exists() else (), start=1):
        parts = text.split()
        place = (parts[0], parts[1], parts[2]) if len(parts) == 5 else None
        if place is None or place in seen:
            problem = sentence("policy.fault.lock_line")
            faults.append(Detail(problem=problem, field=f"LOCK:{number}", row=number, rule="SYS-POLICY-LOCK"))
            continue
        seen.add(place)
        locked.append(LockLine(*parts))
    return locked, faults


def _by_place(packs: Mapping[str, Pack]) -> dict[tuple[str, str, str], Entry]:
    return {
        (pack.code, key, _text(entry.effective.from_)): entry
        for pack in packs.values()
        for key, entries in pack.leaves.items()
        for entry in entries
    }


def _line(region: str, key: str, entry: Entry) -> LockLine:
    return LockLine(region, key, _text(entry.effective.from_), _text(entry.effective.to), _sha256(entry))


def _sha256(entry: Entry) -> str:
    """Digest what a reader of the value relied on; the meaning may be reworded, the end is a column of its own."""
    return digest(
        {
            "value": plain(entry.value),
            "unit": entry.unit,
            "status": entry.status,
            "evidence": entry.evidence,
            "citation": vars(entry.citation),
        }
    )


def _text(day: date | None) -> str:
    return _OPEN if day is None else day.isoformat()


def _fault(code: str, line: LockLine) -> Detail:
    place = f"{line.region}:{line.key}:{line.from_}"
    return Detail(problem=sentence(f"policy.fault.{code}"), field=place, rule="SYS-POLICY-LOCK")


def as_details(lines: Iterable[LockLine]) -> tuple[Detail, ...]:
    """Return a fault for each value that still has to be added to the LOCK file."""
    return tuple(_fault("unlocked", line) for line in lines)
