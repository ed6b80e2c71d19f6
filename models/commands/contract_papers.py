"""The view of the summary of a contract (D14): parties, price, term, what stands beside the clauses, the clauses.

Called by ``commands.contract`` before its transaction, on the row as it will be. Words figures, decides nothing.
"""

from __future__ import annotations

from typing import Any, Final

from sqlmodel import Session

from models.commands.procurement_papers import marked, winner_path
from models.context import Context
from models.core.messages import sentence
from models.core.money import Money, capitals
from models.policy.schema import Policy
from models.queries.papers import Sheet, facts, head
from models.queries.provenance import Marks, marks
from models.queries.reader import found
from models.tables.contract import Contract
from models.tables.kernel import Project
from models.tables.procurement import Organisation, Procurement

_PAYMENT: Final = "payment"
_CLAUSES: Final = "contract.sign.clauses"
_ASSISTING: Final = "contract.sign.attached.assisting"
_POSTS: Final = "contract.sign.attached.key_posts"
_IN_KIND: Final = "contract.sign.attached.in_kind"
_SHOWN: Final = ("contract.sign", "procurement.plan", "procurement.register_bid", "procurement.award")


def summary_view(
    session: Session, ctx: Context, *, row: Contract, purchase: Procurement, project: Project, policy: Policy
) -> dict[str, Any]:
    """Return the view of the summary of a contract about to be signed."""
    seen = marks(session, project.id, pending=ctx.synthetic, command=ctx.command)
    sheet = Sheet(project, seen, _SHOWN, ctx.as_of, ctx.services.rehearsal)
    winner = found(session.get(Organisation, row.organisation_id), kind="organisation", id=row.organisation_id)
    price = Money(row.price_fen)
    lines = (
        ("purchaser", purchase.purchaser, "procurement.plan.purchaser"),
        ("contractor", winner.name, winner_path(seen)),
        (
            "price",
            sentence("funding.paper.in_words", {"amount": price, "words": capitals(price)}),
            "contract.sign.price",
        ),
        ("signed_on", row.signed_on, "contract.sign.on"),
        ("starts_on", row.starts_on, "contract.sign.starts_on"),
        ("ends_on", row.ends_on, "contract.sign.ends_on"),
        *_attached_lines(row),
    )
    names = policy.contract.clauses
    return {
        **head(sheet=sheet, title="contract.paper.title", issuer=purchase.purchaser),
        "facts": facts(sheet=sheet, stage="contract", lines=lines),
        "amount_unit": sentence("funding.unit.yuan"),
        "payments": [],
        "payment_note": _payment_note(row, seen),
        "terms": [
            marked(sentence("contract.paper.clause", {"name": names.get(code, code), "text": text}), seen, _CLAUSES)
            for code, text in row.clauses.items()
            if code != _PAYMENT
        ],
    }


def _attached_lines(row: Contract) -> list[tuple[str, object | None, str]]:
    """Return what the contract says beside its clauses; in-kind value stands apart from cash (AH-25)."""
    helpers = [one for one in row.assisting if one["party"]]
    told = (
        ("predecessor", row.predecessor_id, "contract.sign.predecessor"),
        ("third_parties", "；".join(f"{one['body']}（{one['tasks']}）" for one in helpers), _ASSISTING),
        ("key_posts", "；".join(f"{post}（{ref}）" for post, ref in row.key_posts.items()), _POSTS),
        ("in_kind", "；".join(f"{one['item']}，折价{Money(one['value_fen'])}元" for one in row.in_kind), _IN_KIND),
        ("bond", None if row.bond_fen is None else Money(row.bond_fen), "contract.sign.attached.bond"),
    )
    return [line for line in told if line[1]]


def _payment_note(row: Contract, seen: Marks) -> str:
    """Return the payment clause as the contract words it: the source of instalments while none are kept apart."""
    text = row.clauses.get(_PAYMENT, "").strip()
    return marked(text, seen, _CLAUSES) if text else sentence("contract.paper.no_instalments")
