"""Papers of the misuse ladder (D26): notice of interview, order to pay back, start of recovery, letter of transfer.

One view serves the four; what each says is worded by the message catalogue.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reports.paper import Fact, Line, Paper, PaperKind, Paragraph


class RecoveryNotice(Paper):
    """``addressee`` is the unit, or the body a case is handed over to; ``closing`` what is expected of it."""

    addressee: Line
    paras: Annotated[tuple[Paragraph, ...], Field(min_length=1)]
    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    closing: Annotated[tuple[Paragraph, ...], Field(min_length=1)]


KINDS = (PaperKind("recovery_notice", RecoveryNotice, "recovery_notice.typ"),)
