"""The known policy leaves: one frozen section per stage whose fields ARE the leaf keys ``<stage>.<name>``.

Owns the names, types and units of every parameter; the loader refuses a YAML key that is not a field here. Called by
the loader, the resolver and every rule (``policy.review.panel_size``). Must never hold a value: values live in
``regions/<code>/<stage>.yaml``.

A field typed ``X`` is guaranteed for every shipped region from ``resolver.COVERED_FROM`` on (the lint checks it); a
field typed ``X | None`` may be unset at a date: read it with ``policy.need("stage.name")`` where the act cannot go on
without it. ``Labels`` map a code to its Chinese name in printing order; codes are what is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import get_args, get_type_hints

from models.policy.values import (
    Codes,
    Count,
    Counts,
    Days,
    DaysList,
    Flag,
    Groups,
    Kind,
    Labels,
    Minutes,
    Months,
    Points,
    PointsByCode,
    Ratio,
    Share,
    Text,
    Weights,
    WorkingDays,
    Years,
    Yuan,
)


@dataclass(frozen=True, kw_only=True)
class Needs:
    """S01. Who counts, how a need is assessed, what a selection must look like."""

    identity_classes: Labels
    historic_identity_classes: Labels | None = None  # what a case before the present classes calls them
    dimensions: Labels  # seven, all answered (ZY-55)
    demand_required: Flag  # the service demand is answered beside the dimensions
    hardship_types: Labels  # eight
    hardship_levels: Labels  # NONE, MILD, MODERATE, SEVERE: from lightest to heaviest
    hardship_anchors: Groups  # hardship type → description of MILD, MODERATE, SEVERE
    discovery_sources: Labels
    overlap_policies: Labels  # existing benefits a service must not repeat, person by person (ZY-08)
    file_unit: Text  # "person" or "household": which file is kept first
    reassess_months: Months  # soft: warns
    survey_months: Months  # how often the full survey recurs
    priority_order: Codes  # sort keys of the waiting list, strongest first
    strata: Counts | None = None  # stratum code → persons to select
    stratum_names: Labels | None = None
    strata_adjustable: Flag | None = None  # a stratum may differ when a reason is noted
    served_min: Count | None = None  # distinct persons served by the end


@dataclass(frozen=True, kw_only=True)
class Library:
    """S02. Entry to the project library and the dispatch calendar."""

    origins: Labels  # who proposed: township, village, social_org …
    cooperation_modes: Labels
    service_list_columns: Labels  # all filled in a row of the service list
    list_payer_classes: Labels
    design_items: Labels  # six points every design answers (ZY-04)
    entry_links: Codes  # what a library entry must link to: need, policy
    dispatch_months: Counts | None = None  # who → every how many months (city_bureau 1, city_government 6 …)
    dispatch_consults_social_orgs: Codes | None = None  # those of the above who must consult social organisations
    brand_theme: Text | None = None


@dataclass(frozen=True, kw_only=True)
class Application:
    """S03. The guide, the form, the team and the office's own time limits."""

    form_parts: Labels
    team_roles: Labels  # each held by at least one person
    guide_items: Labels  # configured before a guide version opens
    step_limits: Counts  # step → working days the office has (binds the office, not the applicant)
    plan_book_parts: Labels | None = None
    requirement_items: Labels | None = None  # what the requirement specification states


@dataclass(frozen=True, kw_only=True)
class Feasibility:
    """S04. Appraisal, report, county opinion, formalities, content review and costing."""

    before_review: Flag  # feasibility precedes the panel
    appraisal_findings: Labels  # all positive to proceed
    assessments: Labels  # attached to the appraisal
    stability_for_major: Flag  # a major project needs a social-stability assessment
    major_project_amount: Yuan | None = None  # at or above this a project is major
    report_chapters: Labels
    formalities: Labels  # the statutory-formality checklist
    decision_set: Labels  # one report, one opinion, one set of formalities
    opinion_issuer: Text  # role that issues the review opinion
    government_duties: Labels  # what may never be purchased
    costing_inputs: Labels | None = None
    costing_consultees: Labels | None = None
    costing_comparators_min: Count | None = None


@dataclass(frozen=True, kw_only=True)
class Review:
    """S05. Panel, recusal, scoring."""

    convener: Text  # role
    panel_size: Count
    panel_odd: Flag
    panel_categories: Labels
    panel_category_min: Count  # members per category
    dimensions: Labels
    dimension_weights: Weights  # relative weights; equal numbers mean equal weights
    score_max: Points
    pass_mark: Points  # weighted mean on the scale 0..score_max, passing when ≥
    scoring_working_days: WorkingDays  # how long a round stays open
    recusal_years: Years  # ties this recent exclude an expert
    recusal_ties: Labels


@dataclass(frozen=True, kw_only=True)
class Publicity:
    """S06. How long, where, and what is masked. Mask styles: clear, surname, first3_last4, village, omit."""

    working_days: WorkingDays
    person_list_working_days: WorkingDays  # when the notice names persons
    channels: Labels
    channels_min: Count
    objection_working_days: WorkingDays  # to answer an objection
    disclosure_working_days: WorkingDays  # to publish government information that is proactive
    disclosure_items: Labels
    published_items: Labels | None = None  # what the project itself publishes at its end
    mask_public: Labels  # field → style on anything anybody may read
    mask_internal: Labels  # field → style on lists inside the bureaus
    mask_expert: Labels  # field → style on what experts see
    exclude_minors: Flag  # never on a public list


@dataclass(frozen=True, kw_only=True)
class Decision:
    """S07–S08. Who decides follows who pays."""

    payer_classes: Labels  # government, enterprise, joint
    authorities: Labels  # payer class → role that issues the decision opinion
    before_approval: Flag  # opinion dated on or before the approval
    override_needs_citation: Flag  # a national or provincial decision rule overrides, with its citation
    approval_issuer: Text  # role


@dataclass(frozen=True, kw_only=True)
class Funding:
    """S09. Sources, plan batches, payment basis."""

    sources: Labels
    channels_separate: Flag
    budget_before_purchase: Flag
    plan_months: Months  # a batch every this many months
    plan_co_issuers: Codes  # roles that sign a batch together
    plan_preparation_day: Count  # day of the quarter on which drafting starts (1 = first day)
    payment_basis: Labels  # all linked before money moves
    project_table_with_reply: Flag  # the purchase-project table goes out with the budget reply
    dedicated_account: Flag  # registered before the first payment
    no_over_budget: Flag
    donation_report_months: Months | None = None  # interim disclosure of donated projects
    donation_final_months: Months | None = None  # full disclosure after the end


@dataclass(frozen=True, kw_only=True)
class Procurement:
    """S10. Methods, thresholds, clocks, draw, failed tender, agency records."""

    methods: Labels
    open_tender_threshold: Yuan | None = None  # set by province or city and date
    open_tender_strict: Flag | None = None  # true: only amounts strictly greater force an open tender
    bidders_min: Count  # fewer qualified bidders void the tender
    failed_tender_methods: Codes  # lawful after a failed tender, with approval
    method_change_needs_approval: Flag
    negotiation_group_min: Count
    negotiation_group_odd: Flag
    negotiation_expert_share: Share  # experts ≥ this share of the group
    negotiation_suppliers_min: Count
    negotiation_suppliers_after_failure: Count | None = None  # after an approved conversion
    expert_pool: Text | None = None
    recusal_years: Years
    recusal_ties: Labels
    tender_days: Days  # notice to deadline, at least
    document_sale_working_days: WorkingDays  # at least
    amendment_days: Days  # before the deadline, at least
    consultation_days: Days | None = None
    negotiation_working_days: WorkingDays | None = None
    bid_bond_ratio: Ratio  # at most
    bid_bond_return_working_days: WorkingDays
    agency_report_working_days: WorkingDays
    winner_working_days: WorkingDays  # purchaser picks the winner
    award_notice_working_days: WorkingDays
    single_source_working_days: WorkingDays  # publicity, at least
    query_working_days: WorkingDays
    challenge_working_days: WorkingDays
    challenge_answer_working_days: WorkingDays
    complaint_working_days: WorkingDays
    complaint_decision_working_days: WorkingDays
    suspension_days: Days  # at most
    file_retention_years: Years
    public_consultation: Flag  # requirements of public services are discussed with the public
    anti_splitting: Flag
    price_only_ban: Flag
    contractor_types: Labels
    contractor_conditions: Labels
    debarment_years_min: Years
    debarment_years_max: Years
    purchaser_kinds: Labels
    notice_sites: Labels
    checkpoints: Labels  # before, during, after
    agency_record: Flag
    tender_sampling_rate: Ratio | None = None
    low_price_average_ratio: Ratio | None = None
    low_price_second_ratio: Ratio | None = None
    low_price_ceiling_ratio: Ratio | None = None
    low_price_reply_minutes: Minutes | None = None


@dataclass(frozen=True, kw_only=True)
class Contract:
    """S11. Term, clauses, changes."""

    max_years: Years  # extensions of the same contract included
    extension_conditions: Labels  # all hold when the term exceeds one year; warn (decision 19)
    sign_days: Days  # after the award notice
    publish_working_days: WorkingDays
    file_working_days: WorkingDays
    clauses: Labels
    subcontract_needs_consent: Flag
    transfer_banned: Flag
    performance_bond_ratio: Ratio  # at most
    supplement_ratio: Ratio  # all supplementary contracts together, at most


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """S12. The service taxonomy and what a record must say."""

    service_classes: Labels  # CARE, LIVING, SUPPORT, OTHER
    service_items: Groups  # class → item codes; every class ends with OTHER
    service_item_names: Labels
    nonmaterial_kinds: Labels | None = None
    record_fields: Labels
    confirmation_first: Flag  # the recipient confirms before the first service
    record_correction_days: Days  # a record may be corrected (by a successor) this long
    no_recipient_left: Flag  # a referral names a successor for every open recipient
    referral_working_days: WorkingDays  # to find a successor team
    case_plan_required: Flag | None = None
    dispatch_banned: Flag | None = None  # labour dispatch may not be purchased


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """S13. Lines, methods, random inspection, rectification."""

    lines: Labels  # each with at least one record
    methods: Labels
    aspects: Labels
    phases: Labels
    purchaser_methods: Labels | None = None
    finance_findings: Labels | None = None
    recipient_items: Labels | None = None
    fund_checks_min: Count | None = None
    satisfaction_surveys_min: Count | None = None
    community_before_after: Flag | None = None
    dual_random: Flag
    inspection_months: Months
    inspection_rate: Ratio  # share of targets drawn a round
    inspectors_per_target: Count
    publish_working_days: WorkingDays  # results of an inspection round
    rectification_days: Days
    audit_checks: Labels  # the automatic checks auditors look for


@dataclass(frozen=True, kw_only=True)
class Midterm:
    """S14. Unset where a region has no mid-term evaluation."""

    trigger_years: Years | None = None  # strictly longer projects
    window_from_years: Years | None = None
    window_to_years: Years | None = None  # inclusive end
    findings: Labels | None = None
    dispositions: Labels | None = None


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """S15. Self-check, comprehensive acceptance, recipients' voice."""

    self_check_months: Months  # after completion, the contractor's duty
    comprehensive_months: Months  # after completion, the bureau's own due row
    months_roll: Flag  # a month period that ends on a holiday rolls to the next working day
    self_check_instruments: Labels
    satisfaction_pass_ratio: Ratio  # satisfied / answered, passing when ≥
    recipients_invited: Flag
    result_announced: Flag
    audit_before: Flag  # a final-account audit, when ordered, precedes acceptance
    conclusion_feeds_next_batch: Flag


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """S16. Voices, sheets, weights, grades, payment by result."""

    parties: Labels  # inputs of the comprehensive evaluation
    dimensions: Labels
    third_party_count: Count | None = None
    third_party_phases: Labels | None = None
    third_party_dimensions: Labels | None = None
    purchaser_items: Labels | None = None
    party_weights: Weights  # relative
    sheet_weights: Weights  # shares of the 100-point sheet; add up to 1
    satisfaction_weight: Ratio  # at least; the largest share
    score_max: Points
    grades: PointsByCode  # grade → lowest score, half-open upwards
    grade_names: Labels
    grade_cap_unsatisfied: Text  # best grade when satisfaction misses its pass mark
    pay_ratio_by_grade: Weights  # share of the result-linked instalment that is due
    closing_needs_evaluation: Flag  # closing and final payment need the comprehensive evaluation
    publish_working_days: WorkingDays


@dataclass(frozen=True, kw_only=True)
class Audit:
    """S17. Both receipts before closing."""

    receipt_bodies: Labels  # role → name
    filing_working_days: WorkingDays  # after the acceptance conclusion


@dataclass(frozen=True, kw_only=True)
class Archive:
    """S18. Volumes and retention."""

    volumes: Labels
    project_retention_years: Years
    procurement_retention_years: Years  # statutory floor
    impact_assessment_years: Years | None = None
    filing_working_days: WorkingDays  # after the last receipt


@dataclass(frozen=True, kw_only=True)
class Incentive:
    """S19. Tilt, less, none."""

    participants: Codes
    conditions: Labels  # all hold for a tilt
    effects: Labels
    tilt_factor: Ratio  # > 1
    reduce_factor: Ratio  # 0 < x < 1


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """SX1. The misuse ladder."""

    ladder: Labels  # in order
    repay_days: Days
    fine_multiple_min: Ratio | None = None
    fine_multiple_max: Ratio | None = None


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """Reminders before a due date and after it."""

    ladder_days: DaysList  # days before the due date, falling; 0 is the day itself
    overdue_repeat_days: Days


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How the rule catalogue is applied here."""

    blocking_strengths: Codes  # strengths of domain.md §2 whose gates block


SECTIONS: dict[str, type] = {
    "needs": Needs,
    "library": Library,
    "application": Application,
    "feasibility": Feasibility,
    "review": Review,
    "publicity": Publicity,
    "decision": Decision,
    "funding": Funding,
    "procurement": Procurement,
    "contract": Contract,
    "delivery": Delivery,
    "monitoring": Monitoring,
    "midterm": Midterm,
    "acceptance": Acceptance,
    "evaluation": Evaluation,
    "audit": Audit,
    "archive": Archive,
    "incentive": Incentive,
    "recovery": Recovery,
    "alerts": Alerts,
    "rules": Rules,
}


@dataclass(frozen=True)
class LeafSpec:
    """What the code knows of a leaf: its kind of value and whether every region must have it."""

    key: str
    kind: Kind
    required: bool


@cache
def leaf_specs() -> dict[str, LeafSpec]:
    """Return every known leaf by key ``<stage>.<name>``, in the order of the sections."""
    specs: dict[str, LeafSpec] = {}
    for stage, section in SECTIONS.items():
        hints = get_type_hints(section, include_extras=True)
        for item in fields(section):
            parts = get_args(hints[item.name])
            required = not isinstance(None, parts[-1]) if isinstance(parts[-1], type) else True
            kind = parts[-1] if required else get_args(parts[0])[-1]
            specs[f"{stage}.{item.name}"] = LeafSpec(f"{stage}.{item.name}", kind, required)
    return specs
