"""``lifecycle rules``: the register of every rule of the source documents, what holds it here and what proves it.

Reads packaged data only: no database, no store. How to read the register is in ``docs/rules.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from models.core.messages import sentence
from models.rules.register import STAGES, RuleEntry, Status, regions, register
from portal.cli.output import USAGE, console, print_json, say_error

_SHORT: Final = (True, False, True, True, False, True, False)
"""Which columns of the table are too short to be broken."""


def add_to(app: typer.Typer) -> None:
    """Add this command to the application."""
    app.command("rules", help="规则登记簿:每条规则在本系统中如何落实、由哪个案例证明")(list_rules)


def list_rules(
    region: Annotated[str, typer.Option("--region", help="只列一个地区(代码)")] = "",
    stage: Annotated[str, typer.Option("--stage", help="只列一个环节,例如 review")] = "",
    status: Annotated[str, typer.Option("--status", help="只列一种状态:in_force、later、not_applicable")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """List the rules that fit every filter given; exit 2 names the values a filter may have."""
    _check("register.unknown_region", region, regions(), as_json=as_json)
    _check("register.unknown_stage", stage, STAGES, as_json=as_json)
    _check("register.unknown_status", status, tuple(Status), as_json=as_json)
    found = [
        entry
        for entry in register()
        if region in {"", entry.region} and stage in {"", entry.stage} and status in {"", entry.status}
    ]
    if as_json:
        print_json([_plain(entry) for entry in found])
        return
    table = Table(box=None)
    for title, short in zip(sentence("register.columns").split("、"), _SHORT, strict=True):
        table.add_column(title, no_wrap=short, overflow="fold")
    for entry in found:
        table.add_row(*_row(entry))
    console.print(table)
    counted = Counter(entry.status.value for entry in found)
    console.print(
        sentence("register.count", {"total": len(found), **{one.value: counted[one.value] for one in Status}}),
        markup=False,
    )


def _check(code: str, given: str, known: Iterable[str], *, as_json: bool) -> None:
    if given and given not in known:
        say_error(sentence(code, {"given": given, "known": "、".join(known)}), json_wanted=as_json)
        raise typer.Exit(USAGE)


def _plain(entry: RuleEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "region": entry.region,
        "article": entry.article,
        "stage": entry.stage,
        "strength": entry.strength.value,
        "kind": entry.kind.value,
        "gist": entry.gist,
        "status": entry.status.value,
        "held_by": "、".join(entry.held_by),
        "case": entry.case,
        "case_refused": entry.case_refused,
        "reason": entry.reason,
    }


def _row(entry: RuleEntry) -> tuple[str, ...]:
    refused = sentence("register.refused_by", {"case": _short(entry.case_refused)}) if entry.case_refused else ""
    return (
        entry.id,
        sentence(f"stage.{entry.stage}"),
        sentence(f"register.kind.{entry.kind.value}"),
        sentence(f"register.strength.{entry.strength.value}"),
        entry.gist,
        sentence(f"register.status.{entry.status.value}"),
        "\n".join(part for part in ("、".join(entry.held_by), _short(entry.case), refused, entry.reason) if part),
    )


def _short(case: str) -> str:
    """Leave the folders out; the whole path stands in the JSON."""
    return case.rpartition("/")[2]
