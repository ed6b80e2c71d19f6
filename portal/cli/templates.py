"""``lifecycle templates list | export``: the empty workbooks that the commands with files take back filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.clock import SystemClock
from infra.settings import Settings
from models.core.messages import sentence
from models.policy.resolver import load_policy_book
from models.rules.delivery import item_names
from portal.cli.output import USAGE, console, print_json, say_error
from reports.import_templates import TEMPLATES

app = typer.Typer(help="导入模板")
Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]


@app.callback()
def _group() -> None:
    """导入模板。"""


@app.command("list", help="列出全部导入模板")
def list_templates(as_json: Json = False) -> None:
    """List the templates and the command each is for."""
    listed = [
        {"kind": template.kind, "title": template.title, "command": template.command} for template in TEMPLATES.values()
    ]
    if as_json:
        print_json(listed)
        return
    for item in listed:
        console.print(sentence("cli.templates.item", item), markup=False)


@app.command("export", help="导出一份空白模板(带填写说明、下拉列表和合成示例)")
def export(
    kind: Annotated[str, typer.Argument(help="模板种类,见 lifecycle templates list")],
    to: Annotated[Path, typer.Option("--to", help="导出的文件或文件夹")] = Path(),
    as_json: Json = False,
) -> None:
    """Write one template to a new file; an existing file is never written over."""
    if kind not in TEMPLATES:
        say_error(sentence("cli.templates.unknown", {"kind": kind, "known": "、".join(TEMPLATES)}), json_wanted=as_json)
        raise typer.Exit(USAGE)
    template = TEMPLATES[kind]
    target = to / template.file_name if to.is_dir() else to
    policy = load_policy_book().resolve(region=Settings().region, on=SystemClock().now().date())
    data = template.write(item_names(policy=policy))
    try:
        with target.open("xb") as file:
            file.write(data)
    except FileExistsError as err:
        say_error(sentence("cli.templates.exists", {"path": target}), json_wanted=as_json)
        raise typer.Exit(USAGE) from err
    except OSError as err:
        say_error(sentence("cli.templates.unwritable", {"path": target}), json_wanted=as_json)
        raise typer.Exit(USAGE) from err
    if as_json:
        print_json({"ok": True, "kind": kind, "path": str(target), "size": len(data)})
    else:
        console.print(sentence("cli.templates.exported", {"title": template.title, "path": target}), markup=False)
