"""``lifecycle draw``: export the record of a random draw, and anybody's re-run of a published record, offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from infra.bootstrap import open_services
from infra.settings import Settings
from models.commands.door import ask
from models.core.actors import Actor, Role
from models.core.messages import sentence
from models.ports import Zone
from models.rules.draw import verify
from portal.cli.output import NOT_AS_EXPECTED, USAGE, console, print_json, say_error

app = typer.Typer(help=sentence("cli.draw.help"))
Json = Annotated[bool, typer.Option("--json", help=sentence("cli.draw.help.json"))]
_READER: Final = Actor(Role.AUDIT_BODY, "cli")


@app.callback(help=sentence("cli.draw.help.group"))
def _group() -> None:
    """Export and verify random draws."""


@app.command("export", help=sentence("cli.draw.help.export"))
def export(
    subject: Annotated[str, typer.Argument(metavar="ROUND", help=sentence("cli.draw.help.subject"))],
    to: Annotated[Path, typer.Option("--to", dir_okay=False, help=sentence("cli.draw.help.to"))],
    as_json: Json = False,
) -> None:
    """Write the record of a draw to a file and print the commitment that was published before it."""
    with open_services(Settings()) as services:
        on = services.clock.now().date()
        found = ask(services, name="draw.record", arguments={"subject": subject}, actor=_READER, as_of=on)
        to.write_bytes(services.documents.get(zone=Zone.DOCUMENTS, sha256=found.sha256))
    facts = found.model_dump(mode="json")
    if as_json:
        print_json({"ok": True, "path": str(to), **facts})
    else:
        console.print(sentence("cli.draw.exported", {**facts, "path": to}), markup=False)


@app.command("verify", help=sentence("cli.draw.help.verify"))
def verify_file(
    file: Annotated[Path, typer.Argument(help=sentence("cli.draw.help.file"))],
    commitment: Annotated[str, typer.Option("--commitment", help=sentence("cli.draw.help.commitment"))] = "",
    as_json: Json = False,
) -> None:
    """Re-run the draw of a record; exit 1 with the differences when it does not come out the same.

    Without ``--commitment`` it says that what was published before the draw was not compared: a record made up
    afterwards agrees with itself.
    """
    published = commitment.strip().lower()
    compared = bool(published)
    try:
        protocol = json.loads(file.read_text("utf-8"))
        found = verify(protocol, published=published)
    except (OSError, ValueError, TypeError) as err:  # ValueError: no UTF-8, no JSON, or JSON that is no object
        say_error(sentence("cli.draw.unreadable", {"name": file.name}), json_wanted=as_json)
        raise typer.Exit(USAGE) from err
    if as_json:
        print_json({"ok": not found, "differences": list(found), "commitment_compared": compared})
    else:
        console.print(sentence("cli.draw.differs" if found else "cli.draw.same"), markup=False)
        for difference in found:
            console.print(f"  · {difference}", markup=False)
        if not compared:
            console.print(sentence("cli.draw.commitment_not_compared"), markup=False)
    if found:
        raise typer.Exit(NOT_AS_EXPECTED)
