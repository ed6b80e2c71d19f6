"""``lifecycle commands``: what can be done here, by whom, by which clause, and what each operation wants to be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from infra.orchestrator import Deployments, LocalLauncher
from models.core.actors import ROLE_NAMES, Role
from models.core.messages import sentence
from models.core.registry import described, operations
from models.rules.citing import written_clause
from portal.cli.output import console, print_json, usage

_KINDS: Final = ("command", "query", "flow")
Json = Annotated[bool, typer.Option("--json", help=sentence("cli.catalogue.help.json"))]


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("commands", help=sentence("cli.catalogue.help"))(list_commands)


def list_commands(
    what: Annotated[str, typer.Argument(metavar="NAME", help=sentence("cli.catalogue.help.what"))] = "",
    role: Annotated[str, typer.Option("--role", help=sentence("cli.catalogue.help.role"))] = "",
    as_json: Json = False,
) -> None:
    """List commands, queries and flows: all, those of a stage or role, or one with all it wants to be told."""
    if role not in {"", *Role}:
        raise usage("case.unknown_role", {"role": role, "known": "、".join(Role)}, as_json=as_json)
    every = [*_operations(), *_flows()]
    found = [item for item in every if _asked_for(item, what) and (not role or role in item["roles"])]
    if not found:
        raise usage("cli.unknown_operation", {"name": what or role}, as_json=as_json)
    if as_json:
        print_json(found)
    elif len(found) == 1 and found[0]["name"] == what:
        _show(found[0])
    else:
        _list(found)


def _asked_for(item: Mapping[str, Any], what: str) -> bool:
    name = str(item["name"])
    return what in {"", name} or name.startswith((f"{what}.", f"{what}-"))


def _operations() -> Iterator[dict[str, Any]]:
    for name, operation in sorted(operations().items()):
        yield {
            "name": name,
            "kind": operation.kind.value,
            "label": sentence(f"command.{name}"),
            "summary": operation.summary,
            "clause": operation.clause,
            "roles": sorted(operation.roles),
            "rehearsal_only": operation.rehearsal_only,
            "arguments": operation.schema(),
        }


def _flows() -> Iterator[dict[str, Any]]:
    launcher = LocalLauncher(recorded=False)
    for name, declared in sorted(Deployments().by_name.items()):
        yield {
            "name": name,
            "kind": "flow",
            "label": declared.get("description", name),
            "summary": declared["entrypoint"],
            "clause": "SYS-FLOW",
            "roles": [Role.SYSTEM.value],
            "rehearsal_only": False,
            "schedules": declared.get("schedules", []),
            "arguments": described(launcher.parameter_schema(deployment=name)),
        }


def _list(found: list[dict[str, Any]]) -> None:
    """Print one line an operation, whole names so that they can be copied, in the order of the stages."""
    for stage, items in groupby(sorted(found, key=_stage), key=_stage):
        console.print(stage, style="bold", markup=False)
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for item in items:
            table.add_row(item["name"], item["label"])
        console.print(table)
    console.print(sentence("cli.catalogue.more"), markup=False)


def _stage(item: Mapping[str, Any]) -> str:
    stage, dot, _ = str(item["name"]).partition(".")
    return sentence(f"stage.{stage}" if dot else "cli.catalogue.flows")


def _show(item: Mapping[str, Any]) -> None:
    """Print one operation: what it does, its clause, who may, and each argument with its kind and meaning."""
    kind = sentence(f"cli.catalogue.kind.{item['kind']}")
    console.print(f"{item['name']}  {item['label']}({kind})", style="bold", markup=False)
    console.print(sentence("cli.catalogue.clause", {"clause": written_clause(item["clause"])}), markup=False)
    who = "、".join(f"{ROLE_NAMES[Role(role)]} {role}" for role in item["roles"])
    console.print(sentence("cli.catalogue.who", {"who": who}), markup=False)
    table = Table(box=None, padding=(0, 2, 0, 0))
    names, *others = sentence("cli.catalogue.columns").split("、")
    table.add_column(names, no_wrap=True)  # to be copied
    for title in others:
        table.add_column(title, overflow="fold")
    for row in _arguments(item["arguments"], item["arguments"].get("$defs", {})):
        table.add_row(*row)
    if table.rows:
        console.print(table)
    else:
        console.print(sentence("cli.catalogue.no_arguments"), markup=False)


def _arguments(group: Mapping[str, Any], named: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, ...]]:
    """Yield name, needed or not, kind and meaning of each argument; those inside a group come right after it."""
    for name, argument in group.get("properties", {}).items():
        told, many = _resolved(argument, named)
        needed = sentence("cli.catalogue.required" if name in group.get("required", ()) else "cli.catalogue.optional")
        kind = sentence("cli.catalogue.type.array", {"of": _kind(told)}) if many else _kind(told)
        yield f"{within}{name}", needed, kind, argument.get("description", told.get("title", ""))
        if not _is_file(told):
            yield from _arguments(told, named, within=f"{within}{name}{'[]' if many else ''}.")


def _resolved(told: Mapping[str, Any], named: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Return what an argument is made of, and whether it is a list of such: references followed, ``null`` left out."""
    if "$ref" in told:
        return _resolved(named[str(told["$ref"]).rsplit("/", 1)[-1]], named)
    choices = [choice for choice in told.get("anyOf", ()) if choice.get("type") != "null"]
    if choices and not _is_money(told):
        return _resolved(choices[0], named)
    if told.get("type") == "array":
        return _resolved(told.get("items", {}), named)[0], True
    return told, False


def _is_money(told: Mapping[str, Any]) -> bool:
    return any("fen" in str(choice.get("description", "")) for choice in told.get("anyOf", ()))


def _is_file(told: Mapping[str, Any]) -> bool:
    return "sha256" in told.get("properties", {})


def _kind(told: Mapping[str, Any]) -> str:
    """Return the kind of value in words: one of some codes, an amount, a file, a date, text …"""
    if "enum" in told:
        return "|".join(str(code) for code in told["enum"])
    known = {"money": _is_money(told), "file": _is_file(told), "date": told.get("format") == "date"}
    kind = next((name for name, holds in known.items() if holds), str(told.get("type", "object")))
    return sentence(f"cli.catalogue.type.{kind}")
