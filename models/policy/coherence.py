"""Checks that the values of one policy agree with each other, and that every region is covered on every date.

Called by the lint. Must never judge a value by itself: what a law says is the law's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from models.core.actors import Role
from models.core.errors import Detail
from models.core.messages import sentence
from models.policy.resolver import PolicyBook, missing_leaves
from models.policy.schema import Policy


def check_book(book: PolicyBook) -> tuple[Detail, ...]:
    """Return a fault for each required leaf without a value and for each disagreement, at every date of change."""
    faults: list[Detail] = []
    for region in book.regions():
        for on in book.change_dates(region):
            missing = missing_leaves(book.leaves_on(region, on), region=region, on=on)
            if missing:
                faults.extend(missing)
                continue
            for key, reason in _disagreements(book.resolve(region=region, on=on)):
                problem = sentence("policy.fault.incoherent", {"reason": reason})
                faults.append(Detail(problem=problem, field=f"{region}:{on.isoformat()}:{key}", rule="SYS-POLICY"))
    return tuple(dict.fromkeys(faults))


def _disagreements(policy: Policy) -> Iterator[tuple[str, str]]:
    yield from _codes(policy)
    yield from _numbers(policy)
    yield from _roles(policy)


def _codes(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield the lists that must speak of the same codes but do not."""
    for key, left, right in (
        ("review.dimension_weights", policy.review.dimension_weights, policy.review.dimensions),
        ("needs.hardship_anchors", policy.needs.hardship_anchors, policy.needs.hardship_types),
        ("decision.authorities", policy.decision.authorities, policy.decision.payer_classes),
        ("evaluation.party_weights", policy.evaluation.party_weights, policy.evaluation.parties),
        ("evaluation.grade_names", policy.evaluation.grade_names, policy.evaluation.grades),
        ("evaluation.pay_ratio_by_grade", policy.evaluation.pay_ratio_by_grade, policy.evaluation.grades),
        ("delivery.service_items", policy.delivery.service_items, policy.delivery.service_classes),
        ("needs.stratum_names", policy.needs.stratum_names or {}, policy.needs.strata or {}),
        ("publicity.mask_internal", policy.publicity.mask_internal, policy.publicity.mask_public),
        ("publicity.mask_expert", policy.publicity.mask_expert, policy.publicity.mask_public),
    ):
        if set(left) != set(right):
            yield key, "代码与所配的清单不同"
    unnamed = {code for codes in policy.delivery.service_items.values() for code in codes} - set(
        policy.delivery.service_item_names
    )
    if unnamed:
        yield "delivery.service_item_names", f"缺少名称:{'、'.join(sorted(unnamed))}"
    if policy.decision.approval_issuer not in policy.decision.authority_codes:
        yield "decision.authority_codes", "缺少批准文件印发机构的机关代字"
    bought = policy.feasibility.purchase_items or {}
    if {*bought, *(code for codes in bought.values() for code in codes)} - set(policy.feasibility.purchase_names or {}):
        yield "feasibility.purchase_names", "有类别或事项没有名称"
    formalities = policy.feasibility.formality_types
    if set(formalities) != set(policy.decision.payer_classes):
        yield "feasibility.formality_types", "代码与出资类别的清单不同"
    if {code for codes in formalities.values() for code in codes} - set(policy.feasibility.formalities):
        yield "feasibility.formality_types", "有不在手续清单内的手续"
    if not set(policy.procurement.failed_tender_methods) <= set(policy.procurement.methods):
        yield "procurement.failed_tender_methods", "有不在采购方式清单内的方式"
    if policy.evaluation.grade_cap_unsatisfied not in policy.evaluation.grades:
        yield "evaluation.grade_cap_unsatisfied", "不是已有的等级"
    phases = policy.evaluation.third_party_phases
    if phases is not None and len(phases) != policy.evaluation.third_party_count:
        yield "evaluation.third_party_phases", "时点数与评估次数不同"


def _numbers(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield the numbers that contradict each other."""
    review, evaluation, procurement = policy.review, policy.evaluation, policy.procurement
    seats = review.panel_category_min * len(review.panel_categories)
    for key, fine, reason in (
        ("evaluation.sheet_weights", sum(evaluation.sheet_weights.values(), Decimal(0)) == 1, "合计不为 1"),
        (
            "evaluation.satisfaction_weight",
            evaluation.sheet_weights.get("satisfaction", Decimal(0))
            >= max(evaluation.satisfaction_weight, *evaluation.sheet_weights.values()),
            "满意度权重不是最大,或低于下限",
        ),
        ("evaluation.grades", min(evaluation.grades.values()) == 0, "最低等级未从 0 分起,有分数无等级"),
        ("review.panel_size", not review.panel_odd or review.panel_size % 2 == 1, "须为单数"),
        ("review.panel_category_min", seats <= review.panel_size, "各类最少人数之和超过总人数"),
        ("review.quorum", seats <= review.quorum <= review.panel_size, "少于各类最少人数之和,或多于总人数"),
        ("review.trim_each_side", 2 * review.trim_each_side < review.panel_size, "截尾后没有评分"),
        ("review.pass_mark", review.pass_mark <= review.score_max, "高于满分"),
        (
            "procurement.debarment_years_min",
            procurement.debarment_years_min <= procurement.debarment_years_max,
            "最短长于最长",
        ),
        (
            "archive.procurement_retention_years",
            policy.archive.procurement_retention_years >= procurement.file_retention_years
            and policy.archive.project_retention_years >= procurement.file_retention_years,
            "短于采购文件的法定保存年数",
        ),
        (
            "publicity.channels_min",
            policy.publicity.channels_min <= len(policy.publicity.channels),
            "多于公示方式的个数",
        ),
    ):
        if not fine:
            yield key, reason


def _roles(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield the leaves that name a role the system does not know."""
    for key, named in (
        ("feasibility.opinion_issuer", (policy.feasibility.opinion_issuer,)),
        ("review.convener", (policy.review.convener,)),
        ("decision.authorities", tuple(policy.decision.authorities.values())),
        ("decision.approval_issuer", (policy.decision.approval_issuer,)),
        ("decision.authority_codes", tuple(policy.decision.authority_codes)),
        ("funding.plan_co_issuers", policy.funding.plan_co_issuers),
        ("audit.receipt_bodies", tuple(policy.audit.receipt_bodies)),
        ("incentive.participants", policy.incentive.participants),
    ):
        unknown = [name for name in named if name not in set(Role)]
        if unknown:
            yield key, f"未知的角色:{'、'.join(unknown)}"
