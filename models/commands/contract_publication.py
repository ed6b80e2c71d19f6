"""A contract after its signing, before the public and the supervision (S11): published, and its copy filed, in time.

``owe`` is called where a contract or a supplement is signed: it opens both clocks. What is printed for the public is
scanned for personal data first.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, work
from models.commands.ledger import locked
from models.commands.procurement_papers import marked, winner_path
from models.commands.publicity_papers import Printer
from models.commands.purchase_papers import notice_view
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.contract import agreed_on
from models.queries.procurement import organisation_of
from models.queries.provenance import Marks, marks
from models.queries.publicity_history import published_names
from models.queries.reader import found, project_of
from models.rules.procurement import check_sites
from models.tables.contract import Contract
from models.tables.kernel import Project
from models.tables.procurement import Organisation, Procurement

PUBLISH: Final = "contract.publish"
FILE: Final = "contract.file"
_KIND: Final = "contract_notice_html"
_SHOWN: Final = (
    "library.enter_project",
    "contract.sign",
    "contract.amend",
    "procurement.plan",
    "procurement.register_bid",
    "procurement.award",
)
_PUBLISHERS: Final = (Role.PURCHASER, Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.TENDER_AGENCY)
_FILERS: Final = (Role.PURCHASER, Role.CITY_BUREAU, Role.COUNTY_BUREAU)


class ContractPublished(BaseModel):
    """The contract and the public paper; ``late`` when it came after its day."""

    model_config = ConfigDict(frozen=True)

    id: str
    document: str
    late: bool


class ContractFiled(BaseModel):
    """The contract whose copy is on file with the supervision."""

    model_config = ConfigDict(frozen=True)

    id: str
    document: str | None
    late: bool


def owe(session: Session, ctx: Context, row: Contract, policy: Policy) -> None:
    """Open the clocks of a signed contract or supplement: made public, and its copy filed (LAW-ZFCGTL-50,
    LAW-ZFCG-47). A supplement sets both anew.
    """
    row.published_on = row.filed_on = None
    session.add(row)
    for kind, leaf, resolves_with in (
        (PUBLISH, "contract.publish_working_days", "contract.publish"),
        (FILE, "contract.file_working_days", "contract.file"),
    ):
        due = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.leaf(leaf).value)
        work.open_item(
            session,
            ctx,
            kind=kind,
            role=Role.PURCHASER,
            subject_kind="contract",
            subject_id=row.id,
            due_on=due.date,
            clause=policy.clause(leaf),
            resolves_with=resolves_with,
            project_id=row.project_id,
            provisional=due.provisional,
        )
        work.move_item(session, ctx, kind=kind, subject_id=row.id, due_on=due.date, provisional=due.provisional)


@command("contract.publish", roles=_PUBLISHERS, clause="LAW-ZFCGTL-50")
def publish(
    ctx: Context,
    *,
    contract: str,
    sites: Annotated[tuple[str, ...], Field(description="公开网站")],
    withheld: Annotated[tuple[str, ...], Field(max_length=50, description="不予公开的条款代码")] = (),
) -> ContractPublished:
    """Make a contract public on every required site; the printed page is scanned for personal data first.

    The text of ``withheld`` clauses is left out, and the page says so.
    Raises ``Refusal`` ``procurement.site_missing`` (HS-47, LAW-ZFCGTL-8), ``contract.published_already``; ``DataFault``
    ``publicity.leak`` (SYS-PUBLIC-LEAK).
    """
    with ctx.reading() as session:
        row = _unpublished(found(session.get(Contract, contract), kind="contract", id=contract))
        project = project_of(session, row.project_id)
        policy = ctx.policy(region=project.region)
        check_sites(sites=sites, policy=policy)
        purchase = found(session.get(Procurement, row.procurement_id), kind="procurement", id=row.procurement_id)
        view = _view(session, ctx, row, project=project, purchaser=purchase.purchaser, withheld=withheld)
        firm = organisation_of(session, row.organisation_id).name
        public = (*published_names(session, project.id), purchase.purchaser, firm)
        paper = Printer.of(session, ctx).knowing(*public).paper(_KIND, view)
    with ctx.writing() as session:
        row = _unpublished(locked(session, Contract, contract, kind="contract"))
        late = _close(session, ctx, row, kind=PUBLISH, leaf="publish_working_days", policy=policy)
        row.published_on = ctx.as_of
        session.add(row)
        title, issuer = view["title_lines"][0], view["issuer"]
        filed = documents.file_paper(
            session, ctx, paper=paper, project_id=row.project_id, stage="contract", title=title, issuer=issuer
        )
        _note(
            session,
            ctx,
            row,
            "contract.published",
            {"sites": list(sites), "withheld": len(withheld), "document_id": filed.id, "late": late},
        )
        return ContractPublished(id=row.id, document=filed.id, late=late)


def _unpublished(row: Contract) -> Contract:
    if row.published_on is not None:
        facts = {"on": row.published_on.isoformat()}
        raise Refusal("contract.published_already", rule="SYS-PUBLISH-ONCE", facts=facts)
    return row


def _view(
    session: Session, ctx: Context, row: Contract, *, project: Project, purchaser: str, withheld: tuple[str, ...]
) -> dict[str, Any]:
    winner = found(session.get(Organisation, row.organisation_id), kind="organisation", id=row.organisation_id)
    seen = marks(session, project.id, pending=ctx.synthetic, command=ctx.command)
    view = notice_view(
        ctx,
        title=sentence("contract.paper.public_title", {"project": project.name}),
        issuer=purchaser,
        facts=(
            ("project", marked(project.name, seen, "library.enter_project.name")),
            ("purchaser", marked(purchaser, seen, "procurement.plan.purchaser")),
            ("contractor", marked(winner.name, seen, winner_path(seen))),
            ("price", marked(str(Money(row.price_fen)), seen, "contract.sign.price")),
            ("signed_on", marked(row.signed_on.isoformat(), seen, "contract.sign.on")),
            ("starts_on", marked(row.starts_on.isoformat(), seen, "contract.sign.starts_on")),
            ("ends_on", marked(row.ends_on.isoformat(), seen, "contract.sign.ends_on")),
        ),
        columns=("clause_name", "text"),
        rows=_rows(row, withheld, seen, ctx.policy(region=project.region)),
        stage="contract",
    )
    made_up = seen.labels(*_SHOWN) if ctx.services.rehearsal else []
    return {**view, "synthetic_fields": sorted({*view["synthetic_fields"], *made_up})}


def _rows(row: Contract, withheld: tuple[str, ...], seen: Marks, policy: Policy) -> list[list[str]]:
    names = policy.contract.clauses
    left_out = sentence("contract.paper.withheld")
    told = {code: marked(text, seen, f"contract.sign.clauses.{code}") for code, text in row.clauses.items()}
    return [[names.get(code, code), left_out if code in withheld else text] for code, text in told.items()]


@command("contract.file", roles=_FILERS, clause="LAW-ZFCG-47")
def file(
    ctx: Context,
    *,
    contract: str,
    body: Annotated[str, Field(min_length=2, max_length=80, description="备案部门")],
    receipt_no: Annotated[str, Field(max_length=60, description="备案号")] = "",
    receipt: Annotated[Upload | None, Field(description="备案回执")] = None,
) -> ContractFiled:
    """Record that the copy of a contract was filed with the supervision of purchases.

    Raises ``Refusal`` ``contract.filed_already``.
    """
    with ctx.writing() as session:
        row = locked(session, Contract, contract, kind="contract")
        if row.filed_on is not None:
            raise Refusal("contract.filed_already", rule="SYS-ALREADY-DONE", facts={"on": row.filed_on.isoformat()})
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        late = _close(session, ctx, row, kind=FILE, leaf="file_working_days", policy=policy)
        row.filed_on = ctx.as_of
        session.add(row)
        document = _file_receipt(session, ctx, row, receipt, body=body, receipt_no=receipt_no) if receipt else None
        _note(session, ctx, row, "contract.filed", {"receipt": bool(receipt_no), "document_id": document, "late": late})
        return ContractFiled(id=row.id, document=document, late=late)


def _file_receipt(session: Session, ctx: Context, row: Contract, receipt: Upload, *, body: str, receipt_no: str) -> str:
    return documents.file_upload(
        session,
        ctx,
        stored=receipt,
        project_id=row.project_id,
        stage="contract",
        kind="contract_receipt",
        title=sentence("contract.paper.receipt"),
        issuer=body,
        doc_no=receipt_no or None,
    ).id


def _close(session: Session, ctx: Context, row: Contract, *, kind: str, leaf: str, policy: Policy) -> bool:
    """Close a clock and say whether its day had passed."""
    days = policy.leaf(f"contract.{leaf}").value
    due = ctx.services.calendar.add_working_days(agreed_on(session, row), days=days)
    work.close_item(session, ctx, kind=kind, subject_id=row.id)
    return ctx.as_of > due.date


def _note(session: Session, ctx: Context, row: Contract, type: str, payload: dict[str, Any]) -> None:
    events.on_project(session, ctx, row.project_id, type, {"contract_id": row.id, **payload})
