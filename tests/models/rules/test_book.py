"""Books: what a row must hold, what is kept with a warning, what a unit lacks; refusals name the rule that asks."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from models.core.actors import Role
from models.core.calendar import load_calendar
from models.core.errors import Refusal
from models.policy.books import BookTable
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.book import Clean, book_of, books_of, check_unit, clean, clock_of, gaps_of, published_book
from models.rules.units import Unit

PACKS = load_policy_book()
DAY = date(2025, 3, 3)


def _policy(region: str) -> Policy:
    return PACKS.resolve(region=region, on=DAY)


TODAY = date(2026, 12, 31)
BEIJING, FENGZE, ZUNYI, ANHUI = (_policy(code) for code in ("110000", "350503", "520300", "340000"))
STREET = Unit("t1", "合成街道", "township", "c1")

_ISSUE = {"number": "合成1号", "title": "合成问题", "owner": "合成部门", "status": "open"}
_ISSUE |= {"raised_on": "2025-03-01", "due_on": "2025-03-20"}
_BJ: dict[str, dict[str, Any]] = {
    "guidance_centre": {"name": "合成指导中心", "address": "合成路1号", "coordinates": "统筹资源"},
    "hub": {"name": "合成平台", "functions": ("resources", "information")},
    "stations": {"name": "合成服务所", "operator": "合成机构"},
    "premises": {"name": "合成社区服务中心", "kind": "community_centre"},
    "windows": {
        "name": "合成窗口",
        "address": "合成路2号",
        "signage": True,
        "standard": "合成标准",
        "staff_a": "合甲",
        "staff_b": "合乙",
    },
    "workload_basis": {"year": 2025, "scope": "合成范围", "recipients": 120, "economy": "合成水平"},
    "posts": {"year": 2025, "approved": 4, "filled": 4},
    "newcomers": {"name": "合丙", "started_on": "2025-03-01", "qualification": "college"},
    "village_tasks": {"task": "survey", "person": "合丁"},
    "allowances": {
        "person": "合戊",
        "village": "v1",
        "month": "2025-02",
        "amount": "300.00",
        "paid_on": date(2025, 3, 3),
    },
    "commendations": {"kind": "tolerated", "matter": "合成事由", "decided_on": "2025-03-01"},
    "accountability": {"kind": "delay", "matter": "合成事由", "measure": "合成处理", "decided_on": "2025-03-01"},
    "scores": {"year": 2025, "score": 90},
    "duty_matrix": {"department": "finance", "duty": "资金监管", "contact": "合己"},
    "selections": {"year": 2025, "kind": "project", "name": "合成项目"},
    "coordination": _ISSUE | {"departments": "one"},
}
_FZ: dict[str, dict[str, Any]] = {
    "hub": {
        "name": "合成枢纽",
        "address": "合成路1号",
        "functions": ("policy", "incubation", "layout", "workforce", "consultation"),
    },
    "platforms": {
        "name": "合成平台",
        "address": "合成路2号",
        "functions": ("intake", "survey", "linking", "delivery"),
    },
    "stations": {
        "name": "合成站",
        "address": "合成路3号",
        "community": "合成社区",
        "many_needy": True,
        "functions": ("visiting", "discovery", "errands", "follow_up"),
    },
    "bases": {
        "name": "合成场所",
        "address": "合成路4号",
        "qualified": True,
        "willing": True,
        "batch": "第一批",
        "confirmed_on": "2025-03-01",
    },
    "hotline": {"number": "0595-00000000", "hours": "工作日"},
    "disclosure": {
        "item": "policy",
        "title": "合成方案",
        "attribute": "active",
        "formed_on": "2025-02-27",
        "site": "合成网站",
        "published_on": "2025-03-03",
    },
    "standards": {"service": "合成服务", "title": "合成标准", "version": "1"},
    "mechanism": {"link": "assess", "arrangement": "合成制度", "responsible": "合成单位"},
    "set_aside": {"year": 2025, "channel": "local_budget", "total": 10000, "basic_living": 6000, "special": 0},
}
_ELSEWHERE: dict[str, tuple[Policy, dict[str, dict[str, Any]]]] = {
    "ZY": (
        ZUNYI,
        {
            "hotline": {"number": "0851-00000000", "hours": "工作日"},
            "disclosure": {"item": "standards", "title": "合成标准", "formed_on": "2025-03-01"},
            "typical_cases": {"title": "合成案例", "project": "prj-1", "deidentified": True},
            "standards": {"service": "visit", "title": "合成标准", "version": "1"},
            "issues": _ISSUE | {"kind": "operational"},
            "project_contacts": {"project": "p", "side": "department", "unit_name": "合成部门", "contact": "合庚"},
        },
    ),
    "AH": (
        ANHUI,
        {
            "standards": {"title": "合成地方标准", "version": "1"},
            "cycle": {"project": "prj-1", "phase": "match", "done_on": "2025-03-01", "record": "合成文件"},
            "adjustments": {"parameter": "合成参数", "value": "10", "reason": "合成理由"},
            "asset_use": {
                "asset": "合成办公用房",
                "owner": "合成单位",
                "user": "合成机构",
                "mode": "OTHER",
                "mode_reason": "合成说明",
                "value": 120000,
            },
            "facilities": {"facility": "合成设施", "mode": "entrusted", "operator": "合成机构"},
            "fund_inventory": {
                "fund": "合成资金",
                "year": 2025,
                "amount": 10000,
                "use_mode": "合成补助",
                "direction": "合成购买",
            },
            "delegation": {
                "task": "合成任务",
                "to_unit": "合成街道",
                "funds": "together",
                "amount": 100,
                "authority": "合成权限",
            },
            "grassroots_channel": {"drop": "合成资金", "place": "合成社区", "party_organisation": "合成党支部"},
            "incubation": {
                "organisation": "合成社会组织",
                "year": 2025,
                "founded_on": "2025-01-01",
                "amount": 100,
                "source": "合成资金",
            },
        },
    ),
}
CASES = [
    *((BEIJING, code, row) for code, row in _BJ.items()),
    *((FENGZE, code, row) for code, row in _FZ.items()),
    *((policy, code, row) for policy, rows in _ELSEWHERE.values() for code, row in rows.items()),
]
IDS = [f"{policy.region}-{code}" for policy, code, _ in CASES]


def _clean(policy: Policy, code: str, row: dict[str, Any], **changes: Any) -> Clean:
    book = book_of(policy, code)
    given = {key: value for key, value in (row | changes).items() if value is not None}
    return clean(book=book, given=given, units=("v1",), policy=policy, document=book.document == "required", on=TODAY)


def _refusal(policy: Policy, code: str, row: dict[str, Any], **changes: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        _clean(policy, code, row, **changes)
    return caught.value


def test_every_book_of_every_region_has_a_row_that_holds_here() -> None:
    shipped = {(policy.region, code) for policy, _, _ in CASES for code in books_of(policy)}

    assert {(policy.region, code) for policy, code, _ in CASES} == shipped


@pytest.mark.parametrize(("policy", "code", "row"), CASES, ids=IDS)
def test_a_full_row_of_a_book_is_kept_without_warnings(policy: Policy, code: str, row: dict[str, Any]) -> None:
    assert _clean(policy, code, row).warnings == ()


@pytest.mark.parametrize(("policy", "code", "row"), CASES, ids=IDS)
def test_a_row_that_leaves_something_out_is_refused_under_the_rule_that_asks(
    policy: Policy, code: str, row: dict[str, Any]
) -> None:
    book = book_of(policy, code)
    for name, field in book.fields.items():
        if field.required:
            assert _refusal(policy, code, row, **{name: None}).rule == (field.rule or book.rule)


@pytest.mark.parametrize(
    ("field", "value"),
    [("year", "x"), ("year", True), ("approved", -1), ("unheard", "x")],
)
def test_a_value_of_another_kind_is_refused(field: str, value: Any) -> None:
    assert _refusal(BEIJING, "posts", _BJ["posts"], **{field: value}).code == "book.row_wrong"


@pytest.mark.parametrize("month", ["2025-13", "2025", "三月", 202503])
def test_a_month_is_written_as_a_month(month: Any) -> None:
    assert _refusal(BEIJING, "allowances", _BJ["allowances"], month=month).rule == "BJ-67"


@pytest.mark.parametrize(("amount", "fen"), [("300", 30000), ("0.01", 1), (5, 5)])
def test_money_is_kept_in_fen(amount: Any, fen: int) -> None:
    assert _clean(BEIJING, "allowances", _BJ["allowances"], amount=amount).fields["amount"] == fen


@pytest.mark.parametrize("amount", ["1.005", "-1", "x", -1, True])
def test_an_amount_that_is_none_is_refused(amount: Any) -> None:
    assert _refusal(BEIJING, "allowances", _BJ["allowances"], amount=amount).rule == "BJ-67"


def test_every_fault_of_a_row_is_told_at_once() -> None:
    fault = _refusal(BEIJING, "windows", _BJ["windows"], standard=None, staff_b=None, signage=None)

    assert sorted(detail.rule or "" for detail in fault.details) == ["BJ-55", "BJ-55", "BJ-56"]


def test_one_person_cannot_be_both_posts_of_a_window() -> None:
    assert _refusal(BEIJING, "windows", _BJ["windows"], staff_b="合甲").rule == "BJ-56"


def test_names_are_personal_and_kept_apart() -> None:
    kept = _clean(BEIJING, "windows", _BJ["windows"])

    assert dict(kept.personal) == {"staff_a": "合甲", "staff_b": "合乙"}
    assert not set(kept.personal) & set(kept.fields)


def test_a_personal_number_in_an_open_field_is_refused() -> None:
    assert _refusal(BEIJING, "selections", _BJ["selections"], name="电话13800138000").code == "book.row_wrong"


def test_fewer_people_than_posts_is_kept_with_a_warning() -> None:
    assert _clean(BEIJING, "posts", _BJ["posts"], filled=3).warnings == ("BJ-60",)


def test_a_newcomer_without_diploma_or_certificate_is_kept_with_a_warning() -> None:
    assert _clean(BEIJING, "newcomers", _BJ["newcomers"], qualification="assistant_social_worker").warnings == ()
    assert _clean(BEIJING, "newcomers", _BJ["newcomers"], qualification="none").warnings == ("BJ-68",)


@pytest.mark.parametrize("missing", ["qualified", "willing"])
def test_a_place_that_is_not_qualified_or_willing_is_no_base(missing: str) -> None:
    row = _FZ["bases"] | {missing: False}

    assert _refusal(FENGZE, "bases", row).rule == "FZ-42"
    assert _clean(FENGZE, "bases", row, batch=None, confirmed_on=None).warnings == ()


@pytest.mark.parametrize("attribute", ["on_request", "withheld"])
def test_what_is_not_for_the_public_cannot_be_published(attribute: str) -> None:
    assert _refusal(FENGZE, "disclosure", _FZ["disclosure"], attribute=attribute).rule == "FZ-01"
    kept = _clean(FENGZE, "disclosure", _FZ["disclosure"], attribute=attribute, site=None, published_on=None)
    assert kept.fields["attribute"] == attribute


def test_another_kind_needs_its_reason() -> None:
    row = _ELSEWHERE["AH"][1]["asset_use"]

    assert _refusal(ANHUI, "asset_use", row, mode_reason=None).rule == "AH-23"
    assert _refusal(ANHUI, "facilities", _ELSEWHERE["AH"][1]["facilities"], mode="OTHER").rule == "AH-24"


def test_a_document_that_proves_the_row_is_asked_for() -> None:
    book = book_of(BEIJING, "accountability")
    with pytest.raises(Refusal) as caught:
        clean(book=book, given=_BJ["accountability"], units=(), policy=BEIJING, document=False, on=TODAY)
    assert caught.value.rule == "BJ-73"


def test_a_unit_lacks_rows_and_values_until_they_are_there() -> None:
    stations = book_of(FENGZE, "stations")
    bare = gaps_of(book=stations, unit="t1", rows=(), policy=FENGZE)
    part = gaps_of(book=stations, unit="t1", rows=[{"functions": ["visiting"]}], policy=FENGZE)

    assert [(gap.rule, gap.rows, len(gap.values)) for gap in bare] == [("FZ-40", 1, 0), ("FZ-41", 0, 4)]
    assert [(gap.rule, gap.values) for gap in part] == [("FZ-41", ("discovery", "errands", "follow_up"))]
    assert gaps_of(book=stations, unit="t1", rows=[_FZ["stations"]], policy=FENGZE) == ()


def test_a_window_without_its_sign_does_not_count() -> None:
    windows = book_of(BEIJING, "windows")

    assert gaps_of(book=windows, unit="t1", rows=[_BJ["windows"]], policy=BEIJING) == ()
    assert [gap.rule for gap in gaps_of(book=windows, unit="t1", rows=[{"signage": False}], policy=BEIJING)] == [
        "BJ-55"
    ]


@pytest.mark.parametrize(
    ("policy", "code", "rule", "values"),
    [
        (BEIJING, "village_tasks", "BJ-66", 6),
        (BEIJING, "duty_matrix", "BJ-76", 4),
        (FENGZE, "mechanism", "FZ-07", 5),
        (FENGZE, "disclosure", "FZ-78", 3),
        (ZUNYI, "disclosure", "ZY-120", 3),
    ],
)
def test_each_value_a_book_covers_is_missed(policy: Policy, code: str, rule: str, values: int) -> None:
    (gap,) = gaps_of(book=book_of(policy, code), unit="u", rows=(), policy=policy)

    assert (gap.rule, len(gap.values)) == (rule, values)


@pytest.mark.parametrize(
    ("policy", "code", "rule"),
    [
        (BEIJING, "guidance_centre", "BJ-02"),
        (BEIJING, "hub", "BJ-62"),
        (BEIJING, "stations", "BJ-63"),
        (BEIJING, "posts", "BJ-60"),
        (FENGZE, "hub", "FZ-38"),
        (FENGZE, "platforms", "FZ-39"),
        (FENGZE, "hotline", "FZ-77"),
        (ZUNYI, "hotline", "ZY-119"),
    ],
)
def test_a_unit_without_the_row_it_owes_is_found(policy: Policy, code: str, rule: str) -> None:
    assert rule in {gap.rule for gap in gaps_of(book=book_of(policy, code), unit="u", rows=(), policy=policy)}


def test_each_project_goes_through_all_phases() -> None:
    cycle = book_of(ANHUI, "cycle")
    rows = [{"project": "p1", "phase": phase} for phase in ("publish", "match", "serve", "evaluate", "improve")]

    assert gaps_of(book=cycle, unit="340000", rows=(), policy=ANHUI) == ()
    assert gaps_of(book=cycle, unit="340000", rows=rows, policy=ANHUI) == ()
    (gap,) = gaps_of(book=cycle, unit="340000", rows=[*rows, {"project": "p2", "phase": "publish"}], policy=ANHUI)
    assert (gap.rule, gap.group, len(gap.values)) == ("AH-13", "p2", 4)


def test_what_is_public_must_be_out_within_twenty_working_days() -> None:
    book, calendar = book_of(FENGZE, "disclosure"), load_calendar()
    row = _FZ["disclosure"] | {"formed_on": "2025-03-03", "published_on": ""}

    due = clock_of(book=book, values=row, policy=FENGZE, calendar=calendar)
    assert due is not None
    assert due.date == date(2025, 3, 31)
    done = row | {"published_on": "2025-03-20"}
    assert clock_of(book=book, values=done, policy=FENGZE, calendar=calendar) is None
    withheld = row | {"attribute": "withheld"}
    assert clock_of(book=book, values=withheld, policy=FENGZE, calendar=calendar) is None


def test_only_published_books_have_a_roster() -> None:
    assert published_book(FENGZE, "stations").published == "FZ-43"
    with pytest.raises(Refusal, match="对外公布"):
        published_book(BEIJING, "newcomers")


def test_a_book_is_kept_by_who_it_belongs_to_and_at_its_level() -> None:
    book = book_of(BEIJING, "windows")
    check_unit(book=book, unit=STREET, role=Role.TOWNSHIP, offices=())
    with pytest.raises(Refusal) as level:
        check_unit(book=book, unit=Unit("c1", "合成区", "county", "110000"), role=Role.TOWNSHIP, offices=())
    with pytest.raises(Refusal) as role:
        check_unit(book=book, unit=STREET, role=Role.VILLAGE_COMMITTEE, offices=())
    assert (level.value.rule, role.value.rule) == ("BJ-55", "SYS-ROLE")


_BOOK = {"rule": "ZY-01", "title": "合成", "strength": "M", "lead": {"county": "county_bureau"}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"fields": {"a": {"label": "甲", "type": "enum"}}},
        {"fields": {"a": {"label": "甲", "values": {"x": "某"}}}},
        {"fields": {"a": {"label": "甲"}}, "key": ["b"]},
        {"fields": {"a": {"label": "甲"}}, "covers": "a"},
        {"fields": {"a": {"label": "甲", "type": "date", "personal": True}}},
        {"fields": {"a": {"label": "甲"}}, "forbid": [{"when": {"a": ["x"]}}]},
        {"fields": {"a": {"label": "甲"}}, "unheard": 1},
        {"fields": {"a": {"label": "甲"}}, "lead": {}},
    ],
)
def test_a_book_that_makes_no_sense_is_no_policy(wrong: dict[str, Any]) -> None:
    read = BookTable.__metadata__[0].read  # type: ignore[attr-defined]
    assert read({"b": _BOOK | {"fields": {"a": {"label": "甲"}}}})
    with pytest.raises((ValueError, KeyError)):
        read({"b": _BOOK | wrong})


def test_a_grassroots_drop_names_its_party_organisation() -> None:
    """AH-22; AH-21: a task handed down without money is kept with a warning."""
    rows = _ELSEWHERE["AH"][1]

    assert _refusal(ANHUI, "grassroots_channel", rows["grassroots_channel"], party_organisation=None).rule == "AH-22"
    assert _clean(ANHUI, "delegation", rows["delegation"], funds="apart").warnings == ("AH-21",)
    assert _refusal(ANHUI, "fund_inventory", rows["fund_inventory"], use_mode=None).rule == "AH-18"
