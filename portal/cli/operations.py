"""``lifecycle do | query``: every verb the doors know, from the command line."""

from __future__ import annotations

import json
import uuid
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.bootstrap import open_services
from infra.orchestrator import LocalLauncher
from infra.relay import Drained, drain
from infra.settings import Settings
from models.commands.door import ask, execute
from models.context import Services
from models.core.actors import Actor, Role, is_account
from models.core.errors import LifecycleError
from models.core.messages import sentence
from models.core.registry import OperationKind, operations
from portal.cli.output import console, errors, print_json, usage
from portal.cli.progress import progress_bar
from portal.replay.runner import as_plain
from portal.uploads import dry, store_uploads

Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]
With = Annotated[str, typer.Option("--with", help="参数(JSON 对象)")]
As = Annotated[str, typer.Option("--as", help="办理人,格式 角色:账号,例如 evaluation_office:u-office")]
AsOf = Annotated[str, typer.Option("--as-of", help="办理日期,例如 2016-01-04;默认为当日")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command("do", help="办理一项命令")(do)
    app.command("query", help="查询")(ask_query)


def do(
    name: Annotated[str, typer.Argument(help="命令名,例如 library.enter_project")],
    as_: As,
    with_: With = "{}",
    as_of: AsOf = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查,不留下任何改动")] = False,
    command_id: Annotated[str, typer.Option("--command-id", help="命令编号;同一编号只办一次,重发得首次结果")] = "",
    as_json: Json = False,
) -> None:
    """Call one command on the installation's own database; its outbox messages leave through the relay."""
    arguments, actor, day = _parsed(name, OperationKind.COMMAND, with_, as_, as_of, as_json=as_json)
    if command_id and not is_account(command_id):
        raise usage("cli.bad_command_id", {}, as_json=as_json)
    settings = Settings()
    with open_services(settings, for_policy=name.startswith("policy.")) as opened:
        services = dry(opened) if dry_run else opened
        on = day or services.clock.now().date()
        given = store_uploads(services, name=name, arguments=arguments, base=Path.cwd(), as_of=on)
        with progress_bar():
            result = execute(
                services,
                name=name,
                arguments=given,
                actor=actor,
                as_of=on,
                command_id=command_id or f"cmd-{uuid.uuid4().hex}",
                dry_run=dry_run,
                once=bool(command_id),
            )
        drained, later = (Drained(), "") if dry_run else _follow_up(services, on)
    flows = [{"deployment": item.deployment, **item.summary} for item in drained.sent]
    if as_json:
        told = {"ok": True, "dry_run": dry_run, "result": as_plain(result), "flows": flows}
        print_json(told | ({"follow_up": later} if later else {}))
        return
    said = sentence("cli.dry_run" if dry_run else "cli.done", {"command": sentence(f"command.{name}")})
    console.print(said, markup=False)
    print_json(as_plain(result))
    if later:
        errors.print(later, markup=False)


def _follow_up(services: Services, on: date) -> tuple[Drained, str]:
    """Send what is due; the command is done, so what fails here is told in one line and tried again later."""
    try:
        drained = drain(services, LocalLauncher(recorded=False), as_of=on)
    except LifecycleError as fault:  # the outbox itself is out of reach
        return Drained(), sentence("cli.follow_up_later", {"what": fault.message})
    if not drained.unsent:
        return drained, ""
    what = "、".join(f"{item.deployment}({item.incident or item.code})" for item in drained.unsent)
    return drained, sentence("cli.follow_up_later", {"what": what})


def ask_query(
    name: Annotated[str, typer.Argument(help="查询名,例如 project.status")],
    with_: With = "{}",
    as_: As = "evaluation_office:u-office",
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Answer one query from the installation's own database."""
    arguments, actor, day = _parsed(name, OperationKind.QUERY, with_, as_, as_of, as_json=as_json)
    with open_services(Settings(), for_policy=name.startswith("policy.")) as services:
        on = day or services.clock.now().date()
        result = ask(services, name=name, arguments=arguments, actor=actor, as_of=on)
    print_json({"ok": True, "result": as_plain(result)} if as_json else as_plain(result))


def _parsed(
    name: str, kind: OperationKind, with_: str, as_: str, as_of: str, *, as_json: bool
) -> tuple[dict[str, Any], Actor, date | None]:
    operation = operations().get(name)
    if operation is None or operation.kind is not kind:
        raise usage("cli.unknown_operation", {"name": name}, as_json=as_json)
    try:
        arguments = json.loads(with_)
    except json.JSONDecodeError as err:
        place = sentence("cli.json_place", {"line": err.lineno, "column": err.colno})
        raise usage("cli.bad_json", {"reason": place}, as_json=as_json) from err
    except (ValueError, RecursionError) as err:  # a number of thousands of digits; brackets without end
        raise usage("cli.bad_json", {"reason": sentence("cli.json_beyond")}, as_json=as_json) from err
    if not isinstance(arguments, dict):
        raise usage("cli.bad_json", {"reason": sentence("cli.not_an_object")}, as_json=as_json)
    role, _, account = as_.partition(":")
    if role not in set(Role):
        raise usage("case.unknown_role", {"role": role, "known": "、".join(Role)}, as_json=as_json)
    account = account or f"u-{role}"
    if not is_account(account):
        raise usage("door.actor_id", {}, as_json=as_json)
    try:
        day = date.fromisoformat(as_of) if as_of else None
    except ValueError as err:
        raise usage("cli.bad_date", {"text": as_of}, as_json=as_json) from err
    return arguments, Actor(Role(role), account), day
