"""The leaves of S01–S09, from the need to the issued plan; ``sections`` says how they are read.

Called by ``sections`` only. Must never hold a value: values live in ``regions/<code>/<stage>.yaml``.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.policy.values import (
    Codes,
    Count,
    Counts,
    Flag,
    Groups,
    Labels,
    Months,
    Points,
    Ratio,
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
    elderly_from_years: Years | None = None  # completed years from which a person is elderly
    adult_from_years: Years | None = None  # completed years below which a person is a minor
    strata: Counts | None = None  # stratum code → persons to select
    stratum_names: Labels | None = None
    strata_adjustable: Flag | None = None  # a stratum may differ when a reason is noted
    served_min: Count | None = None  # distinct persons served by the end
    special_tags: Labels | None = None  # special difficulties a recipient may be tagged with (BJ-09)


@dataclass(frozen=True, kw_only=True)
class Lists:
    """The three lists (三项清单), what a service may be matched to, and what a referral hands over."""

    resource_kinds: Labels  # what a resource is (FZ-23)
    resource_sources: Labels  # government, social
    social_funds: Codes  # those of ``funding.sources`` that are not the government's
    support_channels: Labels  # through which a matched need gets its money (ZY-01)
    referral_parts: Labels  # what the packet of a referral hands over (FZ-37)
    referral_accept_working_days: WorkingDays  # within which the named receiver accepts it
    purchase_domains: Labels | None = None  # fields a purchase item may belong to (AH-01)
    priority_services: Labels | None = None  # what is bought first (AH-02)
    participation_points: Labels | None = None  # where residents take part (AH-04)


@dataclass(frozen=True, kw_only=True)
class Library:
    """S02. Entry to the project library; its dispatch calendar is ``duties.planning``."""

    origins: Labels  # who proposed: township, village, social_org …
    cooperation_modes: Labels
    service_list_columns: Labels  # all filled in a row of the service list
    list_payer_classes: Labels
    design_items: Labels  # six points every design answers (ZY-04)
    entry_links: Codes  # what a library entry must link to: need, policy
    entry_fields: Labels | None = None  # what an entry must also state (ZY-39, ZY-45, ZY-46, FZ-01)
    policy_list_consults: Labels | None = None  # who is consulted on a policy list (ZY-35)
    links_checked: Flag | None = None  # need and policy links name registered things, not words
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
    formality_types: Groups  # payer class → formalities such a project needs
    risk_levels: Labels  # likelihood and impact in the register of risks
    decision_set: Labels  # one report, one opinion, one set of formalities
    opinion_issuer: Text  # role that issues the review opinion
    government_duties: Labels  # what may never be purchased
    costing_inputs: Labels | None = None
    costing_consultees: Labels | None = None
    costing_comparators_min: Count | None = None
    purchase_items: Groups | None = None  # class → items that may be purchased (BJ-10, BJ-11)
    purchase_names: Labels | None = None  # names of those classes and items


@dataclass(frozen=True, kw_only=True)
class Review:
    """S05. Panel, recusal, scoring."""

    convener: Text  # role
    panel_size: Count
    panel_odd: Flag
    panel_categories: Labels
    panel_category_min: Count  # members per category
    quorum: Count  # valid sheets without which no round closes; a category may never be missing (ZY-20)
    dimensions: Labels
    dimension_weights: Weights  # relative weights; equal numbers mean equal weights
    score_max: Points
    pass_mark: Points  # weighted mean on the scale 0..score_max, passing when ≥
    scoring_working_days: WorkingDays  # how long a round stays open
    signing_working_days: WorkingDays  # for the members to sign the final opinion, where a rule asks for it (ZY-23)
    recusal_years: Years  # ties this recent exclude an expert
    recusal_ties: Labels
    outlier_points: Points  # a total this far from the median of its item is shown as an outlier
    trim_each_side: Count  # sheets the trimmed mean leaves out at either end
    open_within_working_days: WorkingDays | None = (
        None  # the sweep opens a round this long after a project is candidate
    )


@dataclass(frozen=True, kw_only=True)
class Publicity:
    """S06. How long, where, and what is masked. Mask styles: clear, surname, first3_last4, last4, village,
    omit (not printed at all)."""

    working_days: WorkingDays
    person_list_working_days: WorkingDays  # when the notice names persons
    channels: Labels
    channels_min: Count
    objection_working_days: WorkingDays  # to answer an objection
    after_rejection: Text  # the clock after an objection is rejected: restart, extend (days given back), none
    anonymous_objections: Flag  # an objection without a name is taken in
    outage_extends: Flag  # days on which no channel could be read do not count
    disclosure_working_days: WorkingDays  # to publish government information that is proactive
    disclosure_items: Labels
    published_items: Labels | None = None  # what the project itself publishes at its end
    pre_award_items: Labels | None = None  # public before a contractor is selected (BJ-30)
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
    authority_codes: Labels  # role → its code (机关代字) in a document number
    meeting_chair: Text  # role that leads the mechanism's meetings (ZY-11)
    meeting_matters: Labels  # what the mechanism decides in a meeting
    office_members: Labels  # who may sit in the mechanism's office (ZY-12)
    office_lead: Text  # kind of the member that leads it
    office_required: Codes  # kinds of which at least one member is needed
    modification_voids: Groups  # kind of change → what it voids of what a project has earned
    start_formalities: Labels | None = None  # complete before the start (ZY-76)


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
    carry_over: Codes  # channels whose unreserved balance goes into the next year; others give it back
    donation_project_months: Months | None = None  # a donated project longer than this tells of itself as it goes on
    donation_report_months: Months | None = None  # interim disclosure of donated projects
    donation_final_months: Months | None = None  # full disclosure after the end
    forbidden_sources: Labels | None = None  # money that may not be drawn upon (FZ-49)
    plan_scenarios: Groups  # scenario → what counts in it (coverage, score, performance, social_share)
    plan_scenario_names: Labels
    plan_grade_weights: Weights  # grade of the last acceptance → factor of the next batch
    plan_least_share: Ratio  # a new project is arranged at least this share of its phase, or not at all
    plan_floor_projects: Count  # projects a unit should have in a batch (soft)
    plan_floor_weight: Ratio  # a missing one costs this many times the worthiest candidate
    plan_social_penalty: Ratio  # a missing fen costs this many times the average worth of a fen
    plan_gap_limit: Ratio  # of the solver
    plan_solver_seed: Count
    social_org_ratio_min: Ratio | None = None  # of newly arranged purchases; warns (AH-19)
