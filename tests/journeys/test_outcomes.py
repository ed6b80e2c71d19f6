"""Huangshi's results: exact and approximate changes (A7), sums without a cap (A8), blanks that stay blank (A9)."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.journeys.story import END, Scene, Story, asks, changed, refused, step, words

pytestmark = pytest.mark.xdist_group("huangshi")

At = Callable[[str], Scene]
CASES = {"name": "城区信访件次", "unit": "件", "before": 120, "after": 50}
PERSONS = {"name": "城区信访人次", "unit": "人次", "before": 200, "after": 87}
WORK = {"name": "就业人数", "unit": "人", "counts": {"disabled_placed": 36, "self_employed": 32}}


def record(*outcomes: dict[str, Any], expect: dict[str, object]) -> str:
    given = {"project": "$project", "outcomes": list(outcomes)}
    return step("2017-12-22", "city_bureau:u-bureau", "evaluation.record_outcomes", expect=expect, **given)


def report_of(scene: Scene) -> str:
    return words(scene.paper("case_report"))


def stated(report: str) -> str:
    """Return the table of stated and adopted values, without what each new page repeats."""
    table = between(report, "三、原文载明值与演练采用值", "四、项目成效")
    return re.sub("—[0-9]+—演练·含合成数据字段原文载明值演练采用值", "", table)


def between(text: str, start: str, end: str) -> str:
    assert text.count(start) == 1, start
    return text.partition(start)[2].partition(end)[0]


class TestA7Changes:
    def test_are_exact_where_the_figures_are_and_about_where_they_are_not(self, after: At) -> None:
        scene = after(END)

        (found,) = scene.holds(asks("2018-03-06", "evaluation.summary", project="$project"))

        lines = {line["name"]: (line["change"], line["approximate"]) for line in found["outcomes"]}
        assert lines["城区信访件次"] == ("−58.3%", False)
        assert lines["城区信访人次"] == ("约−56%", True)
        printed = report_of(scene)
        assert "城区信访件次120件50件−58.3%" in printed
        assert "城区信访人次约200人次87人次约−56%" in printed

    def test_an_approximate_figure_called_exact_is_told_apart(self, after: At) -> None:
        report = after("publicity.disclose").tells(record(PERSONS, expect={"changes": {"城区信访人次": "约−56%"}}))

        assert not report.ok
        assert report.steps[0].mismatches == ("changes.城区信访人次:应为 约−56%,实为 −56.5%",)

    @pytest.mark.parametrize("which", ["approximate", "approximate_before", "approximate_after"])
    def test_one_approximate_figure_makes_the_change_approximate(self, after: At, which: str) -> None:
        after("publicity.disclose").holds(record(CASES | {which: True}, expect={"changes": {"城区信访件次": "约−58%"}}))

    def test_from_nothing_has_no_percentage(self, after: At) -> None:
        (found,) = after("publicity.disclose").holds(record(CASES | {"before": 0}, expect={"outcomes": 1}))

        assert found["changes"] == {}


class TestSelfCheck:
    def test_says_in_print_how_much_of_the_price_was_spent(self, after: At) -> None:
        """D21."""
        printed = words(after(END).paper("self_check_report"))

        assert "项目支出（元）648,000.00※支出占合同金额100.0%※" in printed


class TestA8Employment:
    def test_is_the_sum_of_both_groups(self, after: At) -> None:
        scene = after(END)

        (found,) = scene.holds(asks("2018-03-06", "evaluation.summary", project="$project"))

        assert next(line["total"] for line in found["outcomes"] if line["name"] == "就业人数") == 68
        assert between(report_of(scene), "就业人数", "36名残疾人经介绍就业") == "68人—"  # nothing to compare with

    def test_is_not_capped_by_the_hundred_disabled_persons_selected(self, after: At) -> None:
        counts = {"disabled_placed": 99, "self_employed": 32}

        after("publicity.disclose").holds(record(WORK | {"counts": counts}, expect={"totals": {"就业人数": 131}}))

    def test_of_less_than_nobody_is_refused(self, after: At) -> None:
        counts = {"disabled_placed": 36, "self_employed": -1}

        after("publicity.disclose").holds(record(WORK | {"counts": counts}, expect=refused("SYS-ARGUMENTS")))

    def test_without_any_figure_is_refused(self, after: At) -> None:
        after("publicity.disclose").holds(record({"name": "就业人数"}, expect=refused("SYS-OUTCOMES")))


class TestA9NotStated:
    def test_fields_are_blank_in_the_report_never_zero(self, after: At) -> None:
        printed = stated(report_of(after(END)))

        assert between(printed, "变更采购方式的批准机关", "公开招标的投标人数") == ""
        assert between(printed, "合同价款", "承接主体") == "648,000.00元※", "the source's column is blank"
        assert between(printed, "公开招标的投标人数", "服务对象满意率") == "不足2家※"
        assert between(printed, "城区低保对象", "其中60岁以上") == "1.7万人", "the run's column is blank"

    def test_fields_are_blank_while_the_run_knows_nothing_either(self, story: Story, after: At) -> None:
        scene = self.told(story, after)

        printed = stated(report_of(scene))
        fields = ("合同价款", "承接主体", "变更采购方式的批准机关", "服务对象满意率", "综合评价得分", "实际服务总人数")
        for name, following in pairwise(fields):
            assert between(printed, name, following) == "", name
        assert printed.endswith("实际服务总人数")

    def test_field_that_is_stated_is_printed(self, story: Story, after: At) -> None:
        scene = self.told(story, after, ("documents_lawful: true", "documents_lawful: true, approver: 合成批准机关"))

        assert between(stated(report_of(scene)), "变更采购方式的批准机关", "服务对象满意率") == "合成批准机关"

    def told(self, story: Story, after: At, *changes: tuple[str, str]) -> Scene:
        """Report on the project right after the change of method, when next to nothing is known."""
        facts = {
            "合同价款": "contract_price",
            "承接主体": "contractor",
            "变更采购方式的批准机关": "approver",
            "服务对象满意率": "satisfaction_pct",
            "综合评价得分": "evaluation_score",
            "实际服务总人数": "served_total",
        }
        values = [{"field": name, "fact": fact} for name, fact in facts.items()]
        office = "evaluation_office:u-office"
        scene = after("procurement.close_bidding")
        scene.holds(
            changed(story.told("procurement.approve_method_change"), *changes),
            step("2016-07-04", office, "rehearsal.record_source", project="$project", source="合成", values=values),
            step("2016-07-04", office, "rehearsal.issue_report", project="$project"),
        )
        return scene
