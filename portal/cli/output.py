"""How the command line speaks: one JSON object with ``--json``, else Chinese text; faults with way out and clause."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import typer
from rich.console import Console

from models.core.errors import LifecycleError
from models.core.messages import sentence
from models.ports import StoreProbe

USAGE: Final = 2
NOT_AS_EXPECTED: Final = 1
BUG: Final = 70

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """Print one JSON document to standard output."""
    console.print(json.dumps(value, ensure_ascii=False, indent=2, default=str), markup=False)


def fail(fault: LifecycleError, *, json_wanted: bool) -> int:
    """Render a fault and return its exit code."""
    if json_wanted:
        print_json({"ok": False, "error": fault.as_json()})
        return fault.exit_code
    rule = f"〔{fault.rule}〕" if fault.rule else ""
    errors.print(sentence("cli.not_done", {"rule": rule, "message": fault.message}), markup=False)
    if fault.way_out:
        errors.print(sentence("cli.way_out", {"way_out": fault.way_out}), markup=False)
    for detail in fault.details[:20]:
        place = " ".join(
            str(part)
            for part in (
                detail.sheet,
                sentence("cli.row", {"row": detail.row}) if detail.row else None,
                detail.column,
                detail.field,
            )
            if part
        )
        errors.print(f"  · {place}:{detail.problem}" + (f"〔{detail.rule}〕" if detail.rule else ""), markup=False)
    if len(fault.details) > 20:
        errors.print(f"  · {sentence('cli.more_details', {'count': len(fault.details)})}", markup=False)
    return fault.exit_code


def say_probe(probe: StoreProbe) -> None:
    """Print whether the document store keeps its locks."""
    facts = {"server": probe.server, "findings": "、".join(sentence(code) for code in probe.findings)}
    console.print(sentence("storage.probed.honest" if probe.honest else "storage.probed.lying", facts), markup=False)


def say_error(text: str, *, json_wanted: bool, facts: Mapping[str, Any] | None = None) -> None:
    """Print a usage error or an incident."""
    if json_wanted:
        print_json({"ok": False, "error": {"message": text, **(facts or {})}})
    else:
        errors.print(text, markup=False)


def usage(code: str, facts: Mapping[str, object], *, as_json: bool) -> typer.Exit:
    """Print a usage error by its message code and return the exit that ends the call."""
    say_error(sentence(code, facts), json_wanted=as_json)
    return typer.Exit(USAGE)
