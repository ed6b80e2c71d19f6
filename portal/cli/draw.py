"""``lifecycle draw verify``: anybody re-runs a random draw from its published protocol, offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from models.core.messages import sentence
from models.rules.draw import verify
from portal.cli.output import NOT_AS_EXPECTED, USAGE, console, print_json, say_error

app = typer.Typer(help="随机抽取")


@app.callback()
def _group() -> None:
    """随机抽取的核验。"""


@app.command("verify", help="按公布的抽取记录重新抽取并比对")
def verify_file(
    file: Annotated[Path, typer.Argument(help="抽取记录(JSON)")],
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """Re-run the draw of a protocol file; exit 1 with the differences when it does not come out the same."""
    try:
        protocol = json.loads(file.read_text("utf-8"))
        found = verify(protocol)
    except (OSError, ValueError, TypeError) as err:  # ValueError: no UTF-8, no JSON, or JSON that is no object
        say_error(sentence("cli.draw.unreadable", {"name": file.name}), json_wanted=as_json)
        raise typer.Exit(USAGE) from err
    if as_json:
        print_json({"ok": not found, "differences": list(found)})
    else:
        console.print(sentence("cli.draw.differs" if found else "cli.draw.same"), markup=False)
        for difference in found:
            console.print(f"  · {difference}", markup=False)
    if found:
        raise typer.Exit(NOT_AS_EXPECTED)
