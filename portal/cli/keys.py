"""``lifecycle keys``: which key seals personal data, and putting everything under a new one. Never shows a key."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated

import typer
from rich.progress import Progress

from infra.bootstrap import open_services
from infra.settings import Settings
from models.commands.door import ask, execute
from models.context import Services
from models.core.actors import Actor, Role
from models.core.errors import Refusal
from models.core.messages import sentence
from portal.cli.output import console, errors, print_json

app = typer.Typer(name="keys", help="个人信息加密密钥", no_args_is_help=True)
_KEEPER = Actor(Role.SYSTEM, "key-keeper")
Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]


@app.command("status", help="查看当前密钥,以及仍用旧密钥的数据")
def status(as_json: Json = False) -> None:
    """Tell which tables still hold values under another key than the active one."""
    with open_services(Settings()) as services:
        found = ask(services, name="keys.use", arguments={}, actor=_KEEPER, as_of=services.clock.now().date())
    print_json({"ok": True, "result": found.model_dump()} if as_json else found.model_dump())


@app.command("rotate", help="换用密钥:全部加密数据改用当前密钥,中断后可接着办")
def rotate(
    new_key: Annotated[bool, typer.Option("--new-key", help="先新增一把密钥并设为当前密钥")] = False,
    as_json: Json = False,
) -> None:
    """Put every sealed value under the active key, portion by portion."""
    settings = Settings()
    if new_key:
        key = _add(settings)
        errors.print(sentence("keys.added", {"key": key}), markup=False)
    with open_services(settings) as services:
        on = services.clock.now().date()
        rows = _rotate(services, on)
        left = ask(services, name="keys.use", arguments={}, actor=_KEEPER, as_of=on)
    if as_json:
        print_json({"ok": True, "result": left.model_dump() | {"rows": rows}})
        return
    console.print(sentence("keys.done", {"key": left.key, "rows": rows}), markup=False)
    if left.kept:
        console.print(sentence("keys.kept", {"tables": "、".join(left.kept)}), markup=False)


def _add(settings: Settings) -> str:
    from infra.vault import add_key

    if settings.vault_keys:
        raise Refusal("keys.no_file", rule="SYS-VAULT-KEYS")
    return add_key(settings.home / "keys" / "vault.json")


def _rotate(services: Services, on: date) -> int:
    rows, waiting = 0, 1
    with Progress(console=errors, transient=True) as progress:
        bar = progress.add_task(sentence("keys.progress"), total=None)
        while waiting:
            done = execute(
                services,
                name="keys.reseal",
                arguments={},
                actor=_KEEPER,
                as_of=on,
                command_id=f"cmd-{uuid.uuid4().hex}",
            )
            rows, waiting = rows + done.rows, done.waiting
            progress.update(bar, completed=rows, total=rows + waiting)
    return rows
