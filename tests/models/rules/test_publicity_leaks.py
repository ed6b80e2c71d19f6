"""The scan of what goes public: it finds, names the place, and never tells the value. All people are made up."""

from __future__ import annotations

import pytest

from models.core.errors import DataFault
from models.rules.publicity_leaks import blotted, check_no_leak, check_printed, leaks

ID_NUMBER = "11010519491231002X"  # the specimen of GB 11643, nobody's
NAMES = frozenset({"合成甲某", "高明"})


def test_a_clean_notice_passes() -> None:
    view = {
        "contact": ["民政局3号楼2单元501室 0714-6234567"],
        "lines": [{"unit": {"text": "合成单位", "stated": True}}],
    }

    check_no_leak(view=view, names=NAMES)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (ID_NUMBER, "身份证号"),
        ("13912345678", "手机号"),
        ("6222021234567890128", "银行卡号"),
        ("合成甲某", "救助对象姓名"),
        ("3号楼2单元501室", "家庭住址"),
        ("二组15号", "家庭住址"),
    ],
)
def test_personal_data_stops_the_notice_and_the_fault_names_the_place_not_the_value(text: str, kind: str) -> None:
    view = {"paras": ["公示如下。"], "lines": [{"unit": {"text": f"第一行\n合成{text}"}}]}

    with pytest.raises(DataFault) as stopped:
        check_no_leak(view=view, names=NAMES)

    (detail,) = stopped.value.details
    assert (detail.field, detail.row, detail.column, detail.value_class) == ("lines.0.unit.text", 2, "3", kind)
    assert "lines.0.unit.text 第2行第3字" in stopped.value.message
    assert text not in str(stopped.value.as_json())


def test_a_short_name_inside_other_words_is_nobody_and_alone_it_is_somebody() -> None:
    assert leaks("提高明确度", names=NAMES) == []
    assert [leak.kind for leak in leaks("高明", names=NAMES)] == ["name"]
    assert [leak.kind for leak in leaks("名单:高明、王*", names=NAMES)] == ["name"]


def test_a_masked_name_is_no_finding() -> None:
    assert leaks("合*、高*", names=NAMES) == []


def test_a_longer_name_is_found_across_a_line_end_of_the_printed_paper() -> None:
    with pytest.raises(DataFault) as stopped:
        check_printed(part="publicity_notice", text="服务对象合成\n甲某", names=NAMES)

    assert stopped.value.details[0].field == "publicity_notice"


def test_the_office_address_in_a_printed_paper_is_no_finding() -> None:
    check_printed(part="publicity_notice", text="市民政局3号楼501室", names=NAMES)


def test_an_answer_is_printed_with_everything_personal_blotted_out() -> None:
    assert blotted(f"合成甲某({ID_NUMBER})已核实", names=NAMES) == f"{'＊' * 4}({'＊' * 18})已核实"
