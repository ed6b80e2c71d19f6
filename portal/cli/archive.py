"""``lifecycle archive``: verifying a bundle with nothing but the bundle, and listing and exporting the stored ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.bootstrap import open_services
from infra.bundle_check import BundleCheck, check_bundle
from infra.settings import Settings
from models.commands.door import ask
from models.core.actors import Actor, Role
from models.core.messages import sentence
from models.ports import Zone
from portal.cli.output import NOT_AS_EXPECTED, console, print_json

app = typer.Typer(help="档案包")
Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]


@app.callback()
def _group() -> None:
    """档案包的核验与导出。"""


@app.command("verify", help="核验档案包(zip 或文件夹),不需要本系统的数据库")
def verify(
    path: Annotated[Path, typer.Argument(help="档案包 zip 或解开后的文件夹")],
    id_: Annotated[str, typer.Option("--id", help="回执或台账上印的档案包编号(SHA-256)")] = "",
    ca: Annotated[Path | None, typer.Option("--ca", help="签名方的根证书(PEM)")] = None,
    as_json: Json = False,
) -> None:
    """Check a bundle; exit 1 with every finding when it is not intact."""
    check = check_bundle(path, expected_id=id_ or None, ca_pem=ca.read_bytes() if ca else None)
    show(check, as_json=as_json)
    if not check.ok:
        raise typer.Exit(NOT_AS_EXPECTED)


def show(check: BundleCheck, *, as_json: bool) -> None:
    """Print the findings of a bundle check."""
    if as_json:
        print_json(check.as_json())
        return
    console.print(sentence("archive.intact" if check.ok else "archive.not_intact"), markup=False)
    console.print(sentence("archive.bundle_id", {"id": check.bundle_id or "—"}), markup=False)
    for finding in check.findings:
        console.print(f"  · {finding.path} {finding.message}".replace("  ", " "), markup=False)


@app.command("export", help="从存储中取出某项目的档案包")
def export(
    project: Annotated[str, typer.Argument(help="项目编号")],
    to: Annotated[Path, typer.Option("--to", help="存放的文件夹")] = Path(),
    as_json: Json = False,
) -> None:
    """Write a project's stored bundle, its signature and its receipt below a folder."""
    with open_services(Settings()) as services:
        actor = Actor(Role.AUDIT_BODY, "cli")
        on = services.clock.now().date()
        package = ask(services, name="archive.package", arguments={"project": project}, actor=actor, as_of=on)
        to.mkdir(parents=True, exist_ok=True)
        target = to / package.zip_name
        target.write_bytes(services.documents.get(zone=Zone.ARCHIVE, sha256=package.sha256))
    if as_json:
        print_json({"ok": True, "path": str(target), **package.model_dump(mode="json")})
    else:
        console.print(sentence("archive.exported", {"path": target, "id": package.bundle_id}), markup=False)
