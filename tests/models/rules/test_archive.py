"""The closing checklist follows the path a project took; files are numbered without gaps (ZY-32, DA/T 22-2015)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.core.bundle import Inspection
from models.core.errors import DataFault, Refusal
from models.policy.resolver import load_policy_book
from models.rules.archive import (
    PDF,
    SIGNATURE,
    FiledPaper,
    OnFile,
    check_complete,
    check_disclosed,
    check_properties,
    folder_number,
    missing_parts,
    register,
    retention_years,
    volumes_of,
)

BOOK = load_policy_book()
HUANGSHI = BOOK.resolve(region="420200", on=date(2017, 6, 30))
ZUNYI = BOOK.resolve(region="520300", on=date(2024, 9, 2))
BEIJING = BOOK.resolve(region="110000", on=date(2019, 3, 1))
CLOSED_ON = date(2017, 7, 20)
BOTH = frozenset({"audit_body", "discipline_supervision"})
WHOLE = OnFile(
    kinds={
        "plan_book": 1,
        "review_opinion": 1,
        "publicity_notice": 1,
        "approval_document": 1,
        "investment_plan_notice": 1,
        "procurement_record": 1,
        "contract_summary": 1,
        "acceptance_conclusion": 1,
        "evaluation_report": 3,
        "audit_handover": 2,
    },
    events={
        "project.submitted": 1,
        "feasibility.content_reviewed": 1,
        "feasibility.cost_estimated": 1,
        "project.reviewed": 1,
        "project.published": 1,
        "project.approved": 1,
        "project.planned": 1,
        "procurement.awarded": 1,
        "contract.signed": 1,
        "project.accepted": 1,
        "project.evaluated": 1,
    },
    receipts=BOTH,
)
SIGNED = replace(WHOLE, kinds={**WHOLE.kinds, SIGNATURE: 3}, signatures_due=3)
PAPER = FiledPaper(
    stage="review",
    kind="review_opinion",
    title="评审意见(合成)",
    doc_no="",
    issuer="合成市民政局",
    issued_on=date(2016, 3, 1),
    media_type=PDF,
    public=False,
    printed=True,
    synthetic=("日期",),
)


def names(on_file: OnFile) -> list[str | None]:
    return [detail.field for detail in missing_parts(on_file=on_file, policy=HUANGSHI)]


def without(kind: str) -> OnFile:
    return replace(WHOLE, kinds={name: count for name, count in WHOLE.kinds.items() if name != kind})


def test_whole_file_may_be_closed() -> None:
    check_complete(on_file=WHOLE, policy=HUANGSHI)


def test_every_missing_part_is_named_at_once() -> None:
    with pytest.raises(Refusal, match="缺 2 项") as refused:
        check_complete(
            on_file=replace(without("contract_summary"), receipts=frozenset({"audit_body"})), policy=HUANGSHI
        )

    assert refused.value.rule == "SYS-ARCHIVE-COMPLETE"
    assert [detail.field for detail in refused.value.details] == ["合同", "纪委备案审计回执"]


def test_in_its_own_region_the_refusal_rests_on_the_seed() -> None:
    fault = missing_parts(on_file=without("audit_handover"), policy=ZUNYI)

    assert [(detail.field, detail.rule) for detail in fault] == [("备案审计送件单", "ZY-32")]


def test_application_may_be_a_plan_book_or_a_form() -> None:
    form = without("plan_book")

    assert names(form) == ["项目计划书(申报书)"]
    assert names(replace(form, kinds={**form.kinds, "application_form": 1})) == []


def test_every_award_and_contract_needs_its_paper() -> None:
    events = {**WHOLE.events, "procurement.awarded": 2, "contract.signed": 2}

    assert names(replace(WHOLE, events=events)) == ["采购活动记录", "合同"]


def test_huangshi_needs_content_review_costing_and_two_evaluations() -> None:
    """HS-12, HS-23 and the policy's count bind there, whatever the project did; elsewhere they do not."""
    acts = {name: count for name, count in WHOLE.events.items() if not name.startswith("feasibility.")}
    bare = replace(WHOLE, events=acts, kinds={**WHOLE.kinds, "evaluation_report": 2})

    assert names(bare) == ["购买内容审核意见", "成本测算", "评估报告(第三方评估、结果评估)"]
    assert missing_parts(on_file=bare, policy=ZUNYI) == ()


def test_path_not_taken_needs_no_paper() -> None:
    """A project without a purchase owes neither record nor contract."""
    events = {name: 1 for name in WHOLE.events if name not in ("procurement.awarded", "contract.signed")}
    kinds = {name: n for name, n in WHOLE.kinds.items() if name not in ("procurement_record", "contract_summary")}

    assert names(replace(WHOLE, events=events, kinds=kinds)) == []


def test_files_are_numbered_through_and_within_their_folder() -> None:
    papers = [PAPER, replace(PAPER, kind="draw_protocol"), replace(PAPER, stage="contract", kind="unheard_of")]

    registered = register(papers=papers, fonds="420200", project="prj-1", on=CLOSED_ON, policy=HUANGSHI)

    assert [(one.folder, one.number, one.kind, one.suffix) for one in registered] == [
        ("02_评审公示", 1, "评审意见", ".pdf"),
        ("02_评审公示", 2, "抽取记录", ".pdf"),
        ("05_实施台账", 1, "材料", ".pdf"),
    ]
    assert [one.record.archival_code for one in registered] == [
        f"420200-2017-D30-prj-1-{number:04d}" for number in (1, 2, 3)
    ]
    assert [one.record.item_no for one in registered] == [1, 2, 3]


def test_record_says_what_is_public_and_what_we_printed() -> None:
    uploaded = replace(PAPER, printed=False, public=True, media_type="text/csv; charset=utf-8")

    one, other = (
        found.record
        for found in register(papers=[PAPER, uploaded], fonds="420200", project="prj-1", on=CLOSED_ON, policy=HUANGSHI)
    )

    assert (one.format, one.secrecy, one.openness, one.retention) == ("PDF/A-2a", "内部", "控制", "定期30年")
    assert (other.format, other.secrecy, other.openness) == ("CSV", "公开", "开放")
    assert one.synthetic == ("日期",)


def test_correspondence_takes_the_last_folder() -> None:
    assert [folder_number(stage=stage) for stage in ("needs", "evaluation", "audit", "rehearsal")] == [1, 8, 9, 9]


def test_procurement_files_are_never_kept_shorter_than_the_law_says() -> None:
    """政府采购法 art. 42 is a floor: it lifts a shorter project term, and does not shorten a longer one."""
    terms = {"review": 10, "contract": 10, "needs": 40}
    own = replace(HUANGSHI.archive, project_retention_years=20, volume_retention_years=terms)
    short = replace(HUANGSHI, archive=own)

    assert retention_years(stage="contract", policy=short) == 15
    assert retention_years(stage="review", policy=short) == 10
    assert retention_years(stage="library", policy=short) == 20
    assert retention_years(stage="needs", policy=short) == 40
    assert retention_years(stage="contract", policy=HUANGSHI) == 30
    longer = replace(short, procurement=replace(HUANGSHI.procurement, file_retention_years=25))
    assert retention_years(stage="procurement", policy=longer) == 25


def test_how_personal_data_were_processed_is_kept_three_years_from_the_day_the_law_says_so() -> None:
    """个人信息保护法 art. 56, in force 2021-11-01, is a floor of every volume; before that day there is none."""
    for on, years in ((date(2021, 10, 31), 1), (date(2021, 11, 1), 3)):
        policy = BOOK.resolve(region="420200", on=on)
        brief = replace(policy, archive=replace(policy.archive, volume_retention_years={"feasibility": 1}))
        assert retention_years(stage="feasibility", policy=brief) == years


def test_volumes_stand_in_their_order_each_with_the_last_day_it_is_kept() -> None:
    """Thirty years from a leap day end on the last of February; what no volume takes stands last."""
    terms = {"needs": 10, "contract": 10, "recovery": 12}
    policy = replace(HUANGSHI, archive=replace(HUANGSHI.archive, volume_retention_years=terms))
    stages = ("recovery", "contract", "needs", "procurement", "needs", "rehearsal")

    found = volumes_of(stages=stages, on=date(2024, 2, 29), policy=policy)

    assert [(one.name, one.files, one.years, one.retained_until.isoformat()) for one in found] == [
        ("需求摸底", 2, 10, "2034-02-28"),
        ("采购", 1, 30, "2054-02-28"),
        ("合同", 1, 15, "2039-02-28"),
        ("其他材料", 2, 30, "2054-02-28"),
    ]


@pytest.mark.parametrize("name", ["authenticity", "integrity", "usability", "security"])
def test_a_bundle_closes_only_with_all_four_properties(name: str) -> None:
    """档案法实施条例 art. 40: 真实、完整、可用、安全, each on its own."""
    whole = dict.fromkeys(("authenticity", "integrity", "usability", "security"), True)
    check_properties(inspection=Inspection(whole, ()))
    with pytest.raises(DataFault) as caught:
        check_properties(inspection=Inspection(whole | {name: False}, (("data/x", "不符"),)))
    assert (caught.value.rule, caught.value.facts["count"]) == ("LAW-DAFTL-40", 1)
    assert [detail.field for detail in caught.value.details] == ["data/x"]


def test_beijing_closes_a_purchase_whose_seven_items_are_public_and_names_what_is_not() -> None:
    """BJ-48; what is on file does not matter here, and elsewhere nothing is asked."""
    items = dict(BEIJING.publicity.disclosure_items)
    assert len(items) == 7
    check_disclosed(on_file=replace(WHOLE, disclosed=frozenset(items)), policy=BEIJING)
    check_disclosed(on_file=WHOLE, policy=ZUNYI)
    for code, name in items.items():
        with pytest.raises(Refusal) as caught:
            check_disclosed(on_file=replace(WHOLE, disclosed=frozenset(items) - {code}), policy=BEIJING)
        assert (caught.value.code, caught.value.rule) == ("archive.undisclosed", "BJ-48")
        assert caught.value.facts == {"count": 1, "items": name}


def test_an_opinion_that_was_signed_is_archived_with_every_statement() -> None:
    """ZY-23: the statements are part of the file where signatures ended the review, and of no other."""
    check_complete(on_file=SIGNED, policy=ZUNYI)
    with pytest.raises(Refusal) as caught:
        check_complete(on_file=replace(SIGNED, kinds={**SIGNED.kinds, SIGNATURE: 2}), policy=ZUNYI)

    assert [(fault.field, fault.expected) for fault in caught.value.details] == [("评审意见签署记录", "3")]


def test_a_project_that_ended_early_owes_what_ended_it_and_no_evaluation_of_results() -> None:
    """Its path has no acceptance: the checklist names the report, the plan, the decision, and each hand-over."""
    early = ("project.accepted", "project.evaluated")
    events = {name: count for name, count in WHOLE.events.items() if name not in early}
    later = ("acceptance_conclusion", "evaluation_report")
    kinds = {name: count for name, count in WHOLE.kinds.items() if name not in later}
    stopped = replace(WHOLE, kinds=kinds, events=events | {"midterm.assessed": 1, "project.stopped": 1})
    assert set(names(stopped)) == {"重组、置换方案", "期中评估报告", "期中处置再决策意见"}
    ended = {"midterm_report": 1, "restructuring_plan": 1, "midterm_decision": 1}
    assert names(replace(stopped, kinds=kinds | ended)) == []

    referred = replace(WHOLE, kinds=kinds, events=events | {"project.referred": 1, "delivery.taken_over": 2})
    assert set(names(referred)) == {"项目转介决定", "服务对象转介单"}
    assert names(replace(referred, kinds=kinds | {"project_referral": 1, "handover_sheet": 2})) == []


def test_the_result_of_an_evaluation_that_never_was_need_not_be_public() -> None:
    """BJ-48 for a project that ended early: everything but the result."""
    items = BEIJING.publicity.disclosure_items
    known = frozenset(code for code in items if code != "evaluation_result")
    with pytest.raises(Refusal, match="1 项"):
        check_disclosed(on_file=replace(WHOLE, disclosed=known), policy=BEIJING)
    ended = replace(WHOLE, disclosed=known, events={**WHOLE.events, "project.referred": 1})
    check_disclosed(on_file=ended, policy=BEIJING)
