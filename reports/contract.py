"""The summary of a purchase contract (合同要点, D14) for publication and file; the contract itself is an upload."""

from __future__ import annotations

from reports.paper import Fact, Figure, Line, Paper, PaperKind, Paragraph, View


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


KINDS = (PaperKind("contract_summary", ContractSummary, "contract_summary.typ"),)
