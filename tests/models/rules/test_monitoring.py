"""Rules of monitoring: who speaks on a line, how, and what its record must find."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from models.core.actors import Role
from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.monitoring import Inspection, check_coverage, check_record, coverage, phase_of

LINES = ("purchaser", "finance", "third_party", "expert", "recipient", "community")


def huangshi() -> Policy:
    return load_policy_book().resolve(region="420200", on=date(2016, 12, 1))


def zunyi() -> Policy:
    return load_policy_book().resolve(region="520300", on=date(2025, 6, 1))


def record(policy: Policy | None = None, **changes: Any) -> None:
    given: dict[str, Any] = {
        "line": "purchaser",
        "method": "site",
        "findings": {"progress": "按计划"},
        "role": Role.PURCHASER,
        "on_behalf": "",
        "policy": policy or huangshi(),
    }
    check_record(**(given | changes))


def fault(**changes: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        record(**changes)
    return caught.value


FINANCE = {"line": "finance", "method": "records", "role": Role.FINANCE_BUREAU}
RECIPIENT = {"line": "recipient", "method": "phone", "role": Role.RECIPIENT_AGENT}
COMMUNITY = {"line": "community", "method": "on_site", "role": Role.VILLAGE_COMMITTEE}


@pytest.mark.parametrize(
    ("line", "findings", "rule"),
    [
        (FINANCE, {"regularity": "规范", "pace": "合理", "budget_execution": "正常"}, "HS-34"),
        (RECIPIENT, {"staff_professionalism": "好", "hours": "足", "effect": "好"}, "HS-39"),
        (COMMUNITY, {"before": "独居少出门", "after": "参加活动"}, "HS-40"),
    ],
)
def test_a_line_asks_for_its_findings(line: dict[str, Any], findings: dict[str, str], rule: str) -> None:
    record(**line, findings=findings)

    for code in findings:
        lacking = {name: text for name, text in findings.items() if name != code}
        assert fault(**line, findings=lacking).rule == rule


def test_a_record_without_any_finding_is_refused() -> None:
    assert fault(findings={}).code == "monitoring.findings_missing"


def test_a_finding_that_nothing_names_is_refused_with_the_list() -> None:
    found = fault(findings={"progress": "按计划", "fund": "专款专用"})

    assert (found.code, found.rule) == ("monitoring.finding_unknown", "SYS-CODE-LIST")
    assert "“fund”" in found.message
    assert "funds(项目资金)" in found.way_out
    assert "appraisal(鉴定意见)" in found.way_out


def test_each_line_has_its_speakers() -> None:
    assert fault(role=Role.CONTRACTOR).code == "monitoring.wrong_role"
    assert fault(**COMMUNITY | {"role": Role.FINANCE_BUREAU}).rule == "SYS-LINE-ROLE"


def test_the_office_files_paper_records_of_others_and_says_so() -> None:
    assert fault(role=Role.EVALUATION_OFFICE).rule == "SYS-ON-BEHALF"
    record(role=Role.EVALUATION_OFFICE, on_behalf="救助局抽查记录,纸质,代录")


def test_the_purchaser_has_methods_of_its_own() -> None:
    assert fault(method="open_covert").rule == "HS-31"
    record(policy=zunyi(), method="open_covert")
    with pytest.raises(Refusal) as caught:
        record(policy=zunyi(), method="phone")
    assert caught.value.rule == "ZY-91"


def test_lines_are_those_of_the_region() -> None:
    assert fault(line="neighbours").rule == "HS-29"
    with pytest.raises(Refusal) as caught:
        record(policy=zunyi(), **COMMUNITY, findings={"before": "甲", "after": "乙"})
    assert caught.value.rule == "SYS-CODE-LIST"


def inspections(*lines: str, phase: str = "implementation") -> list[Inspection]:
    return [Inspection(line, phase, frozenset({"funds", "satisfaction"})) for line in lines]


def test_all_six_lines_are_covered_or_named() -> None:
    check_coverage(found=coverage(records=inspections(*LINES), policy=huangshi()), policy=huangshi())

    for line in LINES:
        found = coverage(records=inspections(*(one for one in LINES if one != line)), policy=huangshi())
        assert found.missing == (line,)
        with pytest.raises(Refusal) as caught:
            check_coverage(found=found, policy=huangshi())
        assert caught.value.rule == "HS-29"


def test_a_record_from_before_the_start_covers_no_line() -> None:
    found = coverage(records=inspections("purchaser", phase="initiation"), policy=huangshi())

    assert "purchaser" in found.missing
    assert found.phases == {"initiation": 1, "implementation": 0, "acceptance": 0}


def test_the_purchaser_looks_at_the_funds() -> None:
    records = [Inspection(line, "implementation", frozenset({"progress"})) for line in LINES]

    with pytest.raises(Refusal) as caught:
        check_coverage(found=coverage(records=records, policy=huangshi()), policy=huangshi())

    assert caught.value.rule == "HS-32"


def test_the_purchaser_asks_the_recipients() -> None:
    """HS-33: at least one survey of satisfaction during the term, or no conclusion."""
    records = [Inspection(line, "implementation", frozenset({"funds"})) for line in LINES]

    with pytest.raises(Refusal) as caught:
        check_coverage(found=coverage(records=records, policy=huangshi()), policy=huangshi())

    assert caught.value.rule == "HS-33"


def test_where_no_practice_binds_nothing_blocks() -> None:
    check_coverage(found=coverage(records=[], policy=zunyi()), policy=zunyi())


def test_the_phase_follows_the_project() -> None:
    phases = [phase_of(state=state) for state in ("planned", "in_progress", "completed", "accepted")]

    assert phases == ["initiation", "implementation", "acceptance", "acceptance"]
