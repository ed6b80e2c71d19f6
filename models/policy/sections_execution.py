"""The leaves of S10–S19 and SX, and how alerts and rules are applied; ``sections`` says how they are read.

Called by ``sections`` only. Must never hold a value: values live in ``regions/<code>/<stage>.yaml``.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.policy.supervision import ScheduleTable
from models.policy.values import (
    Amounts,
    Codes,
    Count,
    Counts,
    Days,
    DaysList,
    Flag,
    Groups,
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
class Procurement:
    """S10. Methods, thresholds, clocks, draw, failed tender, agency records."""

    methods: Labels
    statutory_methods: Codes | None = None  # above the purchase floor nothing else stands (BJ-31)
    objects: Labels  # goods, services, works
    open_tender_threshold: Yuan | None = None  # services: set by province or city and date
    open_tender_table: Amounts | None = None  # "<level>.<object>" → amount, where a province tells levels apart
    purchase_floor_table: Amounts | None = None  # "<level>.<object>" → amount from which a statutory method is a must
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
    negative_list: Labels | None = None  # what may not be purchased, by date
    precheck_aspects: Labels | None = None  # checked before the notice (ZY-80, FZ-36)
    template_required: Flag | None = None  # tender documents follow the unified template (ZY-81)
    tender_template: Labels  # sections of tender documents
    intent_days: Days | None = None  # intent public so long before the notice; warn
    checkpoints: Labels  # before, during, after
    checkpoint_parties: Labels  # whose conduct is checked (ZY-85)
    rectification_working_days: WorkingDays  # to mend what a check found (ZY-84)
    sampling_months: Months  # how often new tender documents are sampled (ZY-83)
    agency_record: Flag
    tender_sampling_rate: Ratio | None = None
    low_price_average_ratio: Ratio | None = None
    low_price_second_ratio: Ratio | None = None
    low_price_ceiling_ratio: Ratio | None = None
    low_price_reply_minutes: Minutes | None = None
    credit_levels: Labels | None = None  # stars of social organisations (AH-32)
    credit_measures: Labels | None = None  # level → what follows in later choices (AH-33)
    steps: Labels | None = None  # event that marks a step of the purchase → its name, in order (BJ-24)
    level_item_classes: Groups | None = None  # who mainly purchases what, by level (AH-08, AH-09)


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
    assisting_parties: Flag | None = None  # a village or community body may be named as third party (AH-05)


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
    schedules: ScheduleTable | None = None  # what is owed, how often, by whom
    inspection_days: Days  # to carry out the inspections of a round, from its draw
    risk_rates: Weights  # stratum of higher risk → share of it drawn; the rest goes by inspection_rate
    risk_findings: Count  # so many open findings or orders make a project one of higher risk
    key_months: Months  # a project stays on the key-supervision list so long
    follow_up_rate: Ratio  # share of the people served who are asked
    follow_up_min: Count  # at least so many are asked, everybody where there are fewer
    follow_up_days: Days  # to finish a follow-up
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

    volumes: Labels  # stage → volume, in the order of the archive
    project_retention_years: Years
    procurement_retention_years: Years  # statutory floor, never below ``procurement.file_retention_years``
    volume_retention_years: Counts  # volume → years; a volume not named is kept as long as the project
    impact_assessment_years: Years | None = None  # statutory floor of whatever says how personal data were processed
    filing_working_days: WorkingDays  # after the last receipt
    link_hours_max: Count  # an address that opens a bundle without an account lasts so long at most


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

    kinds: Labels  # what misuse is
    ladder: Labels  # in order
    repay_days: Days
    receipt_working_days: WorkingDays  # for the body a case was handed over to
    fraud_fine_min: Ratio | None = None  # multiples of what was obtained
    fraud_fine_max: Ratio | None = None
    diversion_fine_max: Ratio | None = None  # multiple of the illegal gain
    diversion_fine_kinds: Codes | None = None  # kinds of misuse that article names


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """Reminders before a due date and after it: to whoever must act, to the supervisor, and what mends the sending."""

    ladder_days: DaysList  # days before the due date, falling; 0 is the day itself
    overdue_repeat_days: Days
    digest_days: Days  # whoever has something overdue gets one list of it so often
    supervisor_days: Days  # so long after it was told to be overdue, the supervisor is told
    supervisors: Labels  # role that must act → role whose supervisor is told; a role not named has its own
    mend_working_days: WorkingDays  # to put right what could not be delivered


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How the rule catalogue is applied here."""

    blocking_strengths: Codes  # strengths of domain.md §2 whose gates block
