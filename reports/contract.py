"""The papers of a purchase contract (D14): its summary, its supplements, its publication.

The contract itself is an upload.
"""

from __future__ import annotations

from reports.paper import Fact, Figure, Line, Paper, PaperKind, Paragraph, View
from reports.procurement import PurchasePaper


class Payment(View):
    """One payment node: when it falls due, on which condition, what share and amount."""

    node: Line
    condition: Line
    share: Figure
    amount: Figure


class ContractSummary(Paper):
    """Parties, scope, price, term as facts; payments; rights and duties as paragraphs.

    ``payment_note`` is the payment clause in words; ``payments`` lists the instalments where they are kept apart.
    """

    facts: tuple[Fact, ...]
    amount_unit: Line
    payments: tuple[Payment, ...]
    payment_note: Line
    terms: tuple[Paragraph, ...]


class ContractAmendment(Paper):
    """A supplement: term and price before and after as facts, its reason, the clauses as they read now."""

    facts: tuple[Fact, ...]
    reason: Line
    terms: tuple[Paragraph, ...]


KINDS = (
    PaperKind("contract_summary", ContractSummary, "contract_summary.typ"),
    PaperKind("contract_amendment", ContractAmendment, "contract_amendment.typ"),
    PaperKind("contract_notice_html", PurchasePaper, "procurement_notice.html"),
)
