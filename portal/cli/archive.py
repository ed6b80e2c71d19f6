"""``lifecycle archive``: verifying a bundle with nothing but the bundle, listing, exporting, linking the
stored ones, and the receipts of those who audit them."""

from __future__ import annotations

import uuid
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from infra.bootstrap import open_services
from infra.bundle_check import BundleCheck, check_bundle
from infra.settings import Settings
from models.commands.door import ask, execute
from models.context import Services
from models.core.actors import Actor, Role
from models.core.messages import sentence
from models.queries.archive import Package
from portal.cli.output import NOT_AS_EXPECTED, USAGE, console, print_json, say_error
from portal.uploads import store_uploads

app = typer.Typer(help=sentence("archive.help"))
Json = Annotated[bool, typer.Option("--json", help=sentence("archive.help.json"))]
As = Annotated[str, typer.Option("--as", help=sentence("archive.help.as"))]
Version = Annotated[int | None, typer.Option("--version", min=1, help=sentence("archive.help.version"))]
_READER: Final = Actor(Role.AUDIT_BODY, "cli")
_AUDITOR: Final = "audit_body:cli"


@app.callback(help=sentence("archive.help.group"))
def _group() -> None:
    """Verify, list and export archive bundles."""


@app.command("verify", help=sentence("archive.help.verify"))
def verify(
    path: Annotated[Path, typer.Argument(help=sentence("archive.help.path"))],
    id_: Annotated[str, typer.Option("--id", help=sentence("archive.help.id"))] = "",
    ca: Annotated[
        Path | None, typer.Option("--ca", exists=True, dir_okay=False, help=sentence("archive.help.ca"))
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a bundle; exit 1 with every finding when it is not intact."""
    check = check_bundle(path, expected_id=id_ or None, ca_pem=ca.read_bytes() if ca else None)
    show(check, as_json=as_json)
    if not check.ok:
        raise typer.Exit(NOT_AS_EXPECTED)


def show(check: BundleCheck, *, as_json: bool) -> None:
    """Print the outcome of a bundle check: verdict, identity, counts, every finding, every note."""
    if as_json:
        print_json(check.as_json())
        return
    console.print(sentence("archive.intact" if check.ok else "archive.not_intact"), markup=False)
    console.print(sentence("archive.bundle_id", {"id": check.bundle_id or "—"}), markup=False)
    if check.counts:
        console.print(sentence("archive.counts", check.counts), markup=False)
    for name, holds in check.properties.items():
        words = sentence("archive.holds" if holds else "archive.broken")
        console.print(sentence(f"archive.property.{name}", {"holds": words}), markup=False)
    for finding in check.findings:
        facts = {"place": f"{finding.path} " if finding.path else "", "message": finding.message}
        console.print(sentence("archive.finding", facts), markup=False)
    for note in check.notes:
        console.print(sentence("archive.note", {"message": note.message}), markup=False)


@app.command("list", help=sentence("archive.help.list"))
def list_packages(as_json: Json = False) -> None:
    """List the bundles of all closed projects, the one closed last at the end."""
    with open_services(Settings()) as services:
        packages = stored_packages(services, on=services.clock.now().date())
    if as_json:
        print_json([package.model_dump(mode="json") for package in packages])
    elif not packages:
        console.print(sentence("archive.none"), markup=False)
    else:
        for package in packages:
            console.print(sentence("archive.listed", package.model_dump(mode="json")), markup=False)


@app.command("export", help=sentence("archive.help.export"))
def export(
    project: Annotated[str, typer.Argument(help=sentence("archive.help.project"))],
    to: Annotated[Path, typer.Option("--to", file_okay=False, help=sentence("archive.help.to"))] = Path(),
    version: Version = None,
    as_: As = _AUDITOR,
    as_json: Json = False,
) -> None:
    """Write a project's stored bundle, its signature and its certificate into a folder."""
    with open_services(Settings()) as services:
        package = _do(services, "archive.download", {"project": project, "version": version}, as_).package
        target = write_package(services, package, to=to)
    if as_json:
        print_json({"ok": True, "path": str(target), **package.model_dump(mode="json")})
    else:
        console.print(sentence("archive.exported", {"path": target}), markup=False)
        console.print(sentence("archive.bundle_id", {"id": package.bundle_id}), markup=False)


@app.command("link", help=sentence("archive.help.link"))
def link(
    project: Annotated[str, typer.Argument(help=sentence("archive.help.project"))],
    hours: Annotated[int, typer.Option("--hours", min=1, max=168, help=sentence("archive.help.hours"))] = 24,
    version: Version = None,
    as_: As = _AUDITOR,
    as_json: Json = False,
) -> None:
    """Issue a link to a project's stored bundle that expires; who asked for it is recorded."""
    with open_services(Settings()) as services:
        issued = _do(services, "archive.issue_link", {"project": project, "hours": hours, "version": version}, as_)
    if as_json:
        print_json({"ok": True, **issued.model_dump(mode="json")})
    else:
        console.print(sentence("archive.linked", issued.model_dump(mode="json")), markup=False, soft_wrap=True)


@app.command("receipt", help=sentence("archive.help.receipt"))
def receipt(
    project: Annotated[str, typer.Argument(help=sentence("archive.help.project"))],
    body: Annotated[str, typer.Option("--body", help=sentence("archive.help.body"))],
    number: Annotated[str, typer.Option("--no", help=sentence("archive.help.no"))],
    on: Annotated[str, typer.Option("--on", help=sentence("archive.help.on"))],
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help=sentence("archive.help.file"))
    ] = None,
    as_: As = _AUDITOR,
    as_json: Json = False,
) -> None:
    """Record the receipt of one body; with both on file the project is audited and the bundle may be closed."""
    given: dict[str, Any] = {"project": project, "body": body, "receipt_no": number, "received_on": on}
    with open_services(Settings()) as services:
        recorded = _do(services, "audit.record_receipt", given | ({"file": str(file)} if file else {}), as_)
    if as_json:
        print_json({"ok": True, **recorded.model_dump(mode="json")})
        return
    missing = "、".join(recorded.missing) or sentence("archive.nothing_missing")
    console.print(sentence("archive.receipted", {"id": recorded.id, "missing": missing}), markup=False)


def stored_packages(services: Services, *, on: date) -> tuple[Package, ...]:
    """Return the bundles of all closed projects, the one closed last at the end."""
    projects = _ask(services, "archive.closed_projects", {}, on)
    return tuple(stored_package(services, project=project, on=on) for project in projects)


def stored_package(services: Services, *, project: str, on: date) -> Package:
    """Return where the bundle of a project lies. Raises ``Refusal`` ``archive.not_closed``."""
    package: Package = _ask(services, "archive.package", {"project": project}, on)
    return package


def write_package(services: Services, package: Package, *, to: Path) -> Path:
    """Write ``<name>.zip`` with its detached ``.zip.p7s`` and ``.zip.pem`` beside it; return the zip's path."""
    to.mkdir(parents=True, exist_ok=True)
    target = to / package.zip_name
    for suffix, sha256 in (
        ("", package.sha256),
        (".p7s", package.signature_sha256),
        (".pem", package.certificate_sha256),
    ):
        data = services.documents.get(zone=package.zone, sha256=sha256)
        target.with_name(target.name + suffix).write_bytes(data)
    return target


def _ask(services: Services, name: str, arguments: dict[str, Any], on: date) -> Any:
    return ask(services, name=name, arguments=arguments, actor=_READER, as_of=on)


def _do(services: Services, name: str, arguments: dict[str, Any], as_: str) -> Any:
    """Call a command today as whom ``--as`` names, files taken from the present folder."""
    role, _, account = as_.partition(":")
    on = services.clock.now().date()
    if role not in set(Role):
        say_error(sentence("case.unknown_role", {"role": role, "known": "、".join(Role)}), json_wanted=False)
        raise typer.Exit(USAGE)
    return execute(
        services,
        name=name,
        arguments=store_uploads(services, name=name, arguments=arguments, base=Path.cwd(), as_of=on),
        actor=Actor(Role(role), account or f"u-{role}"),
        as_of=on,
        command_id=f"cmd-{uuid.uuid4().hex}",
    )
