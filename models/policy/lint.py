"""``python -m models.policy.lint [--write-lock]``: is the shipped policy data whole, coherent, untampered and read?

Called by ``make check``. Prints its findings in Chinese and exits 1 when there is any; ``--write-lock`` first adds the
values not yet locked and takes leaves that code reads by now off the list of awaited ones. Must never change a pack.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from models.core.errors import DataFault, Detail
from models.core.messages import sentence
from models.policy import lock, usage
from models.policy.coherence import check_book
from models.policy.loader import Pack, load_packs
from models.policy.resolver import PolicyBook
from models.policy.schema import Status


def run(*, root: Traversable, lock_path: Path, write_lock: bool) -> tuple[int, tuple[str, ...]]:
    """Check the packs below ``root`` and return the exit code (0 clean, 1 faults) and the lines to print."""
    try:
        packs = load_packs(root)
    except DataFault as fault:
        return 1, _report(fault.details)
    faults = [*check_book(PolicyBook(packs)), *lock.check_lock(packs, path=lock_path)]
    lines: list[str] = []
    if write_lock and not faults:
        lines.append(sentence("policy.lint.written", {"count": lock.write_lock(packs, path=lock_path)}))
    faults.extend(lock.as_details(lock.unlocked(packs, path=lock_path)))
    if faults:
        return 1, (*lines, *_report(tuple(faults)))
    return 0, (*lines, _summary(packs))


def _unread(*, write: bool) -> tuple[Detail, ...]:
    read = usage.read_leaves()
    if write:
        usage.drop_read(read=read)
    return usage.check_usage(read=read, awaiting=usage.awaited())


def _report(faults: tuple[Detail, ...]) -> tuple[str, ...]:
    head = sentence("policy.lint.faults", {"count": len(faults)})
    rows = (f"- {item.field} {item.problem}" + (f"(应为:{item.expected})" if item.expected else "") for item in faults)
    return (head, *rows)


def _summary(packs: dict[str, Pack]) -> str:
    entries = [entry for pack in packs.values() for leaf in pack.leaves.values() for entry in leaf]
    facts = {
        "regions": len(packs),
        "leaves": len({key for pack in packs.values() for key in pack.leaves}),
        "entries": len(entries),
        "locked": sum(entry.status is not Status.PROPOSED for entry in entries),
        "proposed": sum(entry.status is Status.PROPOSED for entry in entries),
    }
    return sentence("policy.lint.clean", facts)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the lint on the shipped packs."""
    parser = argparse.ArgumentParser(prog="python -m models.policy.lint")
    parser.add_argument("--write-lock", action="store_true")
    options = parser.parse_args(argv)
    code, lines = run(
        root=resources.files(__package__) / "regions", lock_path=lock.LOCK_PATH, write_lock=options.write_lock
    )
    unread = _unread(write=options.write_lock)
    code, lines = (1, (*lines, *_report(unread))) if unread else (code, lines)
    sys.stdout.write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
