"""The rows of feasibility as they are handed in (S04): items to be bought, lines of the balance table, risks.

Used by ``commands.feasibility`` and ``commands.feasibility_report``; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from models.commands.ledger import Bounded
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.feasibility_content import ContentItem
from models.rules.feasibility_report import BalanceLine, Risk, check_balance, check_risks


class PurchaseItem(BaseModel):
    """One item to be bought. ``duty``: true, or the code of the government duty the reviewer found it to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Annotated[str, Field(min_length=1, max_length=60, description="内容代码")]
    name: Annotated[str, Field(min_length=1, max_length=200, description="内容名称")]
    duty: Annotated[bool | str, Field(description="是否属于政府职责")] = False
    item_class: Annotated[str, Field(max_length=60, description="事项类别")] = ""
    domain: Annotated[str, Field(max_length=60, description="购买领域")] = ""
    reason: Annotated[str, Field(max_length=500, description="其他事项的理由")] = ""
    standard: Annotated[str, Field(max_length=2_000, description="可考核的服务标准")] = ""
    beyond_basic: Annotated[bool, Field(description="是否超出维持基本生活的需要")] = False
    covered_by_material: Annotated[bool, Field(description="是否已由物质救助覆盖")] = False

    def content(self) -> ContentItem:
        """Return the item as the rules take it."""
        return ContentItem(
            code=self.code,
            name=self.name,
            is_duty=bool(self.duty),
            duty_code=self.duty if isinstance(self.duty, str) else "",
            item_class=self.item_class,
            domain=self.domain,
            reason=self.reason,
            standard=self.standard,
            beyond_basic=self.beyond_basic,
            covered_by_material=self.covered_by_material,
        )


class BalanceRow(BaseModel):
    """What one channel brings in a year, and what each purpose takes of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    year: Annotated[int, Field(ge=2000, le=2100, description="年度")]
    channel: Annotated[str, Field(min_length=1, max_length=60, description="资金渠道")]
    sources: Annotated[Bounded, Field(description="资金来源")]
    uses: Annotated[dict[str, Bounded], Field(max_length=50, description="资金使用(用途: 金额)")]

    def kept(self) -> dict[str, Any]:
        """Return the line as it is stored; amounts in fen."""
        return {
            "year": self.year,
            "channel": self.channel,
            "sources": self.sources.fen,
            "uses": {purpose: amount.fen for purpose, amount in self.uses.items()},
        }


class RiskRow(BaseModel):
    """One row of the register of risks; the owner is a post or a unit, never a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(max_length=200, description="风险")]
    likelihood: Annotated[str, Field(max_length=60, description="可能性")]
    impact: Annotated[str, Field(max_length=60, description="影响程度")]
    measure: Annotated[str, Field(max_length=2_000, description="措施")]
    owner: Annotated[str, Field(max_length=200, description="责任单位(岗位)")]


def line_of(kept: Mapping[str, Any]) -> BalanceLine:
    """Return a stored line of a balance table (fen) as the rules take it."""
    uses = {purpose: Money(fen) for purpose, fen in kept["uses"].items()}
    return BalanceLine(kept["year"], kept["channel"], Money(kept["sources"]), uses)


def check_tables(balance: Iterable[BalanceRow], risks: Iterable[RiskRow], *, policy: Policy) -> None:
    """Raise what ``rules.check_balance`` and ``rules.check_risks`` raise."""
    check_balance(lines=tuple(line_of(row.kept()) for row in balance), policy=policy)
    check_risks(risks=tuple(Risk(**row.model_dump()) for row in risks), policy=policy)
