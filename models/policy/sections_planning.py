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
    """S06. How long, where, and what is masked. Mask styles: clear, surname, first3_last4, last4, village,
    omit (not printed at all)."""

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
