"""The three lists (三项清单), the outcome of a matching and its gaps as sheets; the packet of a referral as a paper.

Views and columns only; called by the renderer. Computes no figure; personal data arrive masked.
"""

from __future__ import annotations

from reports.columns import Column
from reports.needs import MaskedRow
from reports.paper import Fact, Figure, Ledger, LedgerKind, Paper, PaperKind, Paragraph, Row


class ServiceListRow(Row):
    """One row of the service list (L03)."""

    seq: Figure
    category: Figure
    item: Figure
    target: Figure
    standard: Figure
    supplier: Figure
    payer_class: Figure
    funding: Figure
    service_years: Figure
    channel: Figure
    overlap: Figure
    policy_ref: Figure
    remark: Figure


class ServiceList(Ledger):
    """服务清单."""

    rows: tuple[ServiceListRow, ...]


class ResourceListRow(Row):
    """One row of the resource list (L02); the contact is not printed."""

    seq: Figure
    provider: Figure
    credit_code: Figure
    kind: Figure
    source: Figure
    items: Figure
    capacity: Figure
    areas: Figure
    valid_from: Figure
    valid_until: Figure
    submitted_by: Figure
    remark: Figure


class ResourceList(Ledger):
    """资源清单."""

    rows: tuple[ResourceListRow, ...]


class ProjectListRow(Row):
    """One row of the project list: each contributor's share stands apart."""

    seq: Figure
    title: Figure
    needs: Figure
    services: Figure
    resources: Figure
    payer_class: Figure
    shares: Figure
    total: Figure
    responsible: Figure
    cooperating: Figure
    domain: Figure
    brand: Figure
    remark: Figure


class ProjectList(Ledger):
    """项目清单."""

    rows: tuple[ProjectListRow, ...]


class MatchListRow(MaskedRow):
    """One need and what became of it."""

    seq: Figure
    person_name: Figure
    id_number: Figure
    street: Figure
    item: Figure
    result: Figure
    reason: Figure
    basis: Figure
    provider: Figure
    rank: Figure
    answer: Figure


class MatchList(Ledger):
    """匹配结果."""

    rows: tuple[MatchListRow, ...]


class GapListRow(Row):
    """One missing or weak service (ZY-02)."""

    seq: Figure
    item: Figure
    weakness: Figure
    persons: Figure
    reasons: Figure
    purchase_need: Figure


class GapList(Ledger):
    """服务缺口."""

    rows: tuple[GapListRow, ...]


SERVICE_COLUMNS: tuple[Column, ...] = (
    Column("seq", "序号", width=6),
    Column("category", "服务类别", width=12),
    Column("item", "服务项目", width=14),
    Column("target", "对象范围", width=28),
    Column("standard", "服务标准", width=30),
    Column("supplier", "供给主体", width=22),
    Column("payer_class", "出资分类", width=16),
    Column("funding", "服务资金投入（元/年）", width=16),
    Column("service_years", "服务年限（年）", width=10),
    Column("channel", "资金资源渠道", width=16),
    Column("overlap", "已有政策核对", width=26),
    Column("policy_ref", "政策依据", width=24),
    Column("remark", "备注", width=20),
)
RESOURCE_COLUMNS: tuple[Column, ...] = (
    Column("seq", "序号", width=6),
    Column("provider", "提供单位", width=26),
    Column("credit_code", "统一社会信用代码", width=22),
    Column("kind", "资源类别", width=14),
    Column("source", "资源来源", width=10),
    Column("items", "可提供的服务", width=30),
    Column("capacity", "每期可服务人数", width=12),
    Column("areas", "服务区域", width=20),
    Column("valid_from", "有效期起", width=12),
    Column("valid_until", "有效期止", width=12),
    Column("submitted_by", "报送单位", width=20),
    Column("remark", "备注", width=20),
)
PROJECT_COLUMNS: tuple[Column, ...] = (
    Column("seq", "序号", width=6),
    Column("title", "项目名称", width=28),
    Column("needs", "对应需求", width=20),
    Column("services", "对应服务", width=24),
    Column("resources", "对应资源", width=24),
    Column("payer_class", "出资分类", width=16),
    Column("shares", "各渠道出资（元）", width=32),
    Column("total", "合计（元）", width=16),
    Column("responsible", "责任单位", width=20),
    Column("cooperating", "配合单位", width=20),
    Column("domain", "购买领域", width=20),
    Column("brand", "品牌标识", width=16),
    Column("remark", "备注", width=20),
)
MATCH_COLUMNS: tuple[Column, ...] = (
    Column("seq", "序号", width=6),
    Column("person_name", "姓名", width=10),
    Column("id_number", "身份证号（遮盖）", width=21),
    Column("street", "街道", width=14),
    Column("item", "服务诉求", width=14),
    Column("result", "匹配结果", width=10),
    Column("reason", "原因", width=36),
    Column("basis", "依据", width=14),
    Column("provider", "提供单位", width=24),
    Column("rank", "轮候名次", width=8),
    Column("answer", "确认情况", width=12),
)
GAP_COLUMNS: tuple[Column, ...] = (
    Column("seq", "序号", width=6),
    Column("item", "服务项目", width=14),
    Column("weakness", "缺口类别", width=12),
    Column("persons", "涉及人数", width=10),
    Column("reasons", "原因及人数", width=36),
    Column("purchase_need", "有购买服务需求", width=12),
)


class ReferralPacket(Paper):
    """What the receiving department is handed (D20): masked person, reason, policy, information and resources."""

    facts: tuple[Fact, ...]
    terms: tuple[Paragraph, ...]


KINDS = (
    LedgerKind("service_list_xlsx", ServiceList, "服务清单", SERVICE_COLUMNS),
    LedgerKind("resource_list_xlsx", ResourceList, "资源清单", RESOURCE_COLUMNS),
    LedgerKind("project_list_xlsx", ProjectList, "项目清单", PROJECT_COLUMNS),
    LedgerKind("match_ledger_xlsx", MatchList, "匹配结果", MATCH_COLUMNS),
    LedgerKind("service_gap_xlsx", GapList, "服务缺口", GAP_COLUMNS),
    PaperKind("referral_packet", ReferralPacket, "referral_packet.typ"),
)
