"""``lifecycle audit verify``: every event chain of the installation's database against its hashes."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.bootstrap import open_services
from infra.settings import Settings
from models.commands.door import ask
from models.core.actors import Actor, Role
from models.core.messages import sentence
from portal.cli.output import NOT_AS_EXPECTED, console, print_json

app = typer.Typer(help="审计核验")


@app.callback()
def _group() -> None:
    """审计核验。"""


@app.command("verify", help="核验全部事件链")
def verify(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False) -> None:
    """Check all chains; exit 1 naming the first bad event."""
    with open_services(Settings()) as services:
        actor = Actor(Role.AUDIT_BODY, "cli")
        check = ask(services, name="chains.verify", arguments={}, actor=actor, as_of=services.clock.now().date())
    if as_json:
        print_json(check.model_dump())
    elif check.ok:
        console.print(sentence("cli.chains.whole", {"streams": check.streams, "events": check.events}), markup=False)
    else:
        console.print(sentence("cli.chains.broken", {"where": check.first_bad}), markup=False)
    if not check.ok:
        raise typer.Exit(NOT_AS_EXPECTED)
