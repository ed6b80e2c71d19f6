"""Rules around decision and approval: shares and sub-ledgers, meetings, office, modifications, formalities."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.core.actors import Role
from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.rules import decision_records as rules
from models.rules.decision_records import Share
from models.rules.feasibility_order import earned

HUANGSHI = load_policy_book().resolve(region="420200", on=date(2016, 3, 1))
ZUNYI = load_policy_book().resolve(region="520300", on=date(2025, 3, 3))
CITY = Share("government", "合成市民政局", "", "", "local_budget", "合成财政分账", Money.yuan("400.00"))
FIRM = Share("enterprise", "合成企业", "52420200MJH000000Y", "u-firm", "donation", "合成企业分账", Money.yuan("100.00"))
APPLIED = {"local_budget": Money.yuan("400.00"), "donation": Money.yuan("100.00")}
MEMBERS = [("service_centre", True), ("charity", False), ("caring_enterprise", False)]
DAY = date(2025, 3, 3)
EVERYTHING = ("feasibility", "review", "publicity", "decision", "approval")


def _refused(code: str, rule: str | None) -> pytest.RaisesExc[Refusal]:
    return pytest.RaisesExc(Refusal, check=lambda fault: (fault.code, fault.rule) == (code, rule))


def test_a_joint_project_has_each_partys_share_in_a_sub_ledger_of_its_own() -> None:
    rules.check_shares(shares=[CITY, FIRM], payer="joint", applied=APPLIED, policy=ZUNYI)
    rules.check_shares(shares=[CITY, FIRM], payer="joint", applied={}, policy=ZUNYI)


@pytest.mark.parametrize(
    ("payer", "shares", "rule"),
    [
        ("joint", [CITY], "ZY-73"),
        ("government", [CITY, FIRM], "ZY-71"),
        ("enterprise", [CITY], "ZY-72"),
        ("enterprise", [FIRM, replace(FIRM, name="另一合成企业", sub_ledger="另一分账")], "ZY-72"),
    ],
)
def test_the_payers_are_those_of_the_payer_class(payer: str, shares: list[Share], rule: str) -> None:
    with _refused("decision.share_parties", rule):
        rules.check_shares(shares=shares, payer=payer, applied={}, policy=ZUNYI)


def test_money_of_two_channels_is_never_pooled_in_one_sub_ledger() -> None:
    pooled = replace(FIRM, sub_ledger=CITY.sub_ledger)
    with _refused("decision.sub_ledger_shared", "ZY-10"):
        rules.check_shares(shares=[CITY, pooled], payer="joint", applied=APPLIED, policy=ZUNYI)


def test_the_shares_of_each_channel_are_what_was_applied_for_in_it() -> None:
    less = replace(FIRM, amount=Money.yuan("99.99"))
    with _refused("decision.shares_differ", "ZY-10"):
        rules.check_shares(shares=[CITY, less], payer="joint", applied=APPLIED, policy=ZUNYI)


@pytest.mark.parametrize("lacking", [replace(FIRM, credit_code=""), replace(FIRM, account="")])
def test_an_enterprise_is_named_with_its_code_and_its_account(lacking: Share) -> None:
    with _refused("decision.enterprise_unnamed", "ZY-72"):
        rules.check_shares(shares=[lacking], payer="enterprise", applied={}, policy=ZUNYI)


def test_only_the_enterprise_of_the_project_decides_on_it() -> None:
    call = {"shares": [FIRM], "payer": "enterprise", "role": Role.DONOR, "policy": ZUNYI}
    rules.check_enterprise(account="u-firm", **call)  # type: ignore[arg-type]  # one call, two accounts
    with _refused("decision.other_enterprise", "ZY-72"):
        rules.check_enterprise(account="u-other", **call)  # type: ignore[arg-type]


@pytest.mark.parametrize(("payer", "rule"), [("enterprise", "ZY-72"), ("joint", "ZY-73")])
def test_enterprise_money_is_decided_on_only_with_shares_on_record(payer: str, rule: str) -> None:
    rules.check_shares_recorded(shares=[FIRM], payer=payer, policy=ZUNYI)
    rules.check_shares_recorded(shares=[], payer="government", policy=ZUNYI)
    rules.check_shares_recorded(shares=[], payer=payer, policy=HUANGSHI)
    with _refused("decision.shares_missing", rule):
        rules.check_shares_recorded(shares=[], payer=payer, policy=ZUNYI)


def _meeting(
    *,
    chaired_by: Role = Role.CITY_BUREAU,
    attending: tuple[Role, ...] = (Role.CITY_BUREAU, Role.EVALUATION_OFFICE),
    matters: tuple[str, ...] = ("project_decision",),
    held_on: date = DAY,
) -> None:
    rules.check_meeting(
        chaired_by=chaired_by, attending=attending, matters=matters, held_on=held_on, on=DAY, policy=ZUNYI
    )


def test_the_city_bureau_leads_the_mechanisms_meeting_and_is_there() -> None:
    _meeting()
    with _refused("decision.meeting_chair", "ZY-11"):
        _meeting(chaired_by=Role.EVALUATION_OFFICE)
    with _refused("decision.meeting_chair", "ZY-11"):
        _meeting(attending=(Role.EVALUATION_OFFICE,))


def test_a_meeting_has_known_matters_and_has_been_held() -> None:
    for matters in ((), ("合成议题",)):
        with _refused("decision.unknown_matter", "SYS-CODE-LIST"):
            _meeting(matters=matters)
    with _refused("decision.meeting_in_future", "SYS-DATE"):
        _meeting(held_on=date(2025, 3, 4))


def test_the_service_centre_leads_an_office_with_a_charity_and_a_caring_enterprise() -> None:
    rules.check_office(members=[*MEMBERS, ("other", False)], policy=ZUNYI)


@pytest.mark.parametrize(
    "members",
    [
        MEMBERS[:2],
        [MEMBERS[0], MEMBERS[2]],
        [("service_centre", False), *MEMBERS[1:]],
        [("service_centre", False), ("charity", True), MEMBERS[2]],
        [MEMBERS[0], ("charity", True), MEMBERS[2]],
    ],
)
def test_an_office_otherwise_composed_is_refused(members: list[tuple[str, bool]]) -> None:
    with _refused("decision.office_composition", "ZY-12"):
        rules.check_office(members=members, policy=ZUNYI)


@pytest.mark.parametrize(
    ("kinds", "voided"),
    [
        (["name"], ("approval",)),
        (["period"], ("approval",)),
        (["name", "budget"], EVERYTHING),
        (["payer"], EVERYTHING),
        (["content"], EVERYTHING),
    ],
)
def test_a_modification_voids_exactly_what_policy_lists(kinds: list[str], voided: tuple[str, ...]) -> None:
    assert rules.voided_parts(kinds=kinds, earned=EVERYTHING, policy=ZUNYI) == voided
    listed = {part for kind in kinds for part in ZUNYI.decision.modification_voids[kind]}
    assert set(voided) == listed


@pytest.mark.parametrize(
    ("state", "lost"),
    [
        ("candidate", ("feasibility",)),
        ("reviewed", ("feasibility", "review")),
        ("on_publicity", ("feasibility", "review", "publicity")),
        ("decided", ("feasibility", "review", "publicity", "decision")),
        ("approved", EVERYTHING),
    ],
)
def test_a_modification_voids_only_what_the_project_has_earned(state: str, lost: tuple[str, ...]) -> None:
    had = earned(state=state, entered=ZUNYI)

    assert rules.voided_parts(kinds=["content"], earned=had, policy=ZUNYI) == lost
    assert rules.voided_parts(kinds=["name"], earned=had, policy=ZUNYI) == tuple({"approval"} & set(had))


def test_what_policy_voids_leaves_nothing_standing_that_rests_on_it() -> None:
    """In the order of every region: what is earned after the first voided part is voided with it."""
    for region in ("420200", "520300", "110000", "350503", "340000"):
        policy = load_policy_book().resolve(region=region, on=DAY)
        had = earned(state="approved", entered=policy)
        for kind in policy.decision.modification_voids:
            voided = rules.voided_parts(kinds=[kind], earned=had, policy=policy)
            assert voided == had[len(had) - len(voided) :], (region, kind)


def test_nothing_is_changed_while_a_notice_runs() -> None:
    rules.check_no_notice(running=False)
    with _refused("decision.notice_running", "SYS-PUBLICITY"):
        rules.check_no_notice(running=True)


def test_a_formality_on_file_is_replaced_with_a_reason_only() -> None:
    rules.check_replaced(recorded=False, reason="")
    rules.check_replaced(recorded=True, reason="原件有误")
    with _refused("decision.formality_recorded", "SYS-UNIQUE"):
        rules.check_replaced(recorded=True, reason=" ")


def test_a_modification_without_a_change_is_refused() -> None:
    with _refused("decision.nothing_changed", "SYS-MODIFICATION"):
        rules.voided_parts(kinds=(), earned=EVERYTHING, policy=ZUNYI)


def test_a_number_is_voided_once() -> None:
    rules.check_number_stands(doc_no="评审办批〔2025〕1号", voided_on=None)
    with _refused("decision.number_voided", "SYS-NUMBER"):
        rules.check_number_stands(doc_no="评审办批〔2025〕1号", voided_on=DAY)


def test_a_start_in_zunyi_waits_for_every_formality_of_the_list() -> None:
    codes = list(ZUNYI.decision.start_formalities or {})
    rules.check_start_formalities(completed=codes, policy=ZUNYI)
    rules.check_start_formalities(completed=(), policy=HUANGSHI)
    for code in codes:
        with _refused("decision.formalities_open", "ZY-76"):
            rules.check_start_formalities(completed=set(codes) - {code}, policy=ZUNYI)


def test_a_formality_is_one_of_the_list() -> None:
    assert rules.check_formality(code="implementation_plan", policy=ZUNYI) == "项目实施方案"
    with _refused("decision.unknown_formality", "SYS-CODE-LIST"):
        rules.check_formality(code="合成手续", policy=ZUNYI)
