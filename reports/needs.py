"""The needs ledger (需求台账, L01) as a sheet: its columns, its dictionaries, its place in the workbook.

The one definition shared by the import template, the xlsx print of the ledger, and the quality gate that reads uploads.
Codes are those of the domain glossary; the historic identities (城市低保户, 农村低保户, 农村五保户) are kept because
cases of their time name them. The ledger prints masked ID numbers only. This module must
never read or judge a file: the gate does.
"""

from __future__ import annotations

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from reports.columns import Choice as Choice
from reports.columns import Column as Column
from reports.paper import Cell, Figure, Ledger, LedgerKind, Row

SHEET_NAME = "需求台账"
TITLE_ROW = 1
NOTE_ROW = 2
HEADER_ROW = 3
FIRST_DATA_ROW = 4
SEPARATOR = "、"
TEMPLATE_ID = "needs_ledger"
TEMPLATE_VERSION = "2"
MOST_DIGITS_SHOWN = 7  # of an 18-digit ID number: 110***********002X shows seven at most (decision 20)


def _choices(*pairs: tuple[str, str]) -> tuple[Choice, ...]:
    return tuple(Choice(code, label) for code, label in pairs)


YES_NO = _choices(("yes", "是"), ("no", "否"))
SEXES = _choices(("male", "男"), ("female", "女"))
IDENTITIES = _choices(
    ("TEKUN", "特困人员"),
    ("DIBAO", "最低生活保障对象"),
    ("DIBAO_EDGE", "低保边缘家庭成员"),
    ("RIGID_EXPENSE", "刚性支出困难家庭成员"),
    ("ANTI_RETURN", "防止返贫监测对象"),
    ("SPECIAL_GROUP", "特殊群体"),
    ("URBAN_DIBAO", "城市低保户"),
    ("RURAL_DIBAO", "农村低保户"),
    ("RURAL_WUBAO", "农村五保户"),
)
HARDSHIP_LEVELS = _choices(("NONE", "无"), ("MILD", "轻度"), ("MODERATE", "中度"), ("SEVERE", "重度"))
HARDSHIPS = _choices(
    ("disease", "疾病困境"),
    ("disability", "残疾困境"),
    ("education", "教育困境"),
    ("employment", "就业困境"),
    ("housing", "居住困境"),
    ("family_structure", "家庭结构困境"),
    ("social_inclusion", "社会融入困境"),
    ("other", "其他困境"),
)
SERVICES = _choices(
    ("visit", "访视"),
    ("nursing", "看护照料"),
    ("rehab", "康复训练"),
    ("medical_escort", "就医陪护"),
    ("health_monitor", "健康监测"),
    ("meal", "助餐"),
    ("bathing", "助浴"),
    ("mobility", "助行"),
    ("cleaning", "助洁"),
    ("shopping", "代购"),
    ("errand", "代步"),
    ("counselling", "心理疏导"),
    ("resource_link", "资源链接"),
    ("capability", "能力提升"),
    ("inclusion", "社会融入"),
)
DISCOVERY_CHANNELS = _choices(
    ("monitoring_platform", "动态监测信息平台"),
    ("proactive_discovery", "主动发现"),
    ("household_survey", "入户调查"),
    ("visit", "走访探视"),
    ("dynamic_management", "动态管理"),
    ("self", "本人申请"),
)

DIMENSIONS = _choices(
    ("economy", "经济状况"),
    ("health", "健康状况"),
    ("education", "教育状况"),
    ("housing", "居住状况"),
    ("employment", "就业状况"),
    ("guardianship", "监护状况"),
    ("inclusion", "社会融入状况"),
)
BENEFITS = _choices(
    ("low_income_aid", "低收入人口救助帮扶"),
    ("basic_elderly_care", "基本养老服务"),
    ("disabled_living_subsidy", "困难残疾人生活补贴"),
    ("severe_disability_nursing_subsidy", "重度残疾人护理补贴"),
    ("disabled_day_care", "残疾人托养"),
    ("medical_insurance", "医疗保险"),
    ("long_term_care_insurance", "长期护理保险"),
)

NEEDS_COLUMNS: tuple[Column, ...] = (
    Column("seq", "序号", "int", required=True, width=6),
    Column("person_name", "姓名", "text", required=True, width=10),
    Column("id_number", "身份证号", "id_card", required=True, width=21),
    Column("household_no", "户编号", "text", required=True, width=16),
    Column("region_code", "行政区划代码", "text", required=True, width=14),
    Column("street", "街道", "text", required=True, width=14),
    Column("identity", "身份类别", "code", required=True, choices=IDENTITIES, width=18),
    Column("birth_date", "出生日期", "date", width=12),
    Column("sex", "性别", "code", choices=SEXES, width=6),
    Column("lives_alone", "独居", "yesno", required=True, choices=YES_NO, width=6),
    Column("disabled", "残疾", "yesno", required=True, choices=YES_NO, width=6),
    Column("severely_ill", "重病", "yesno", required=True, choices=YES_NO, width=6),
    Column("single_parent_student", "单亲未成年学生", "yesno", required=True, choices=YES_NO, width=9),
    *(
        Column(f"hardship_{item.code}", item.label, "code", required=True, choices=HARDSHIP_LEVELS, width=9)
        for item in HARDSHIPS
    ),
    Column("demands", "服务诉求", "code", choices=SERVICES, many=True, width=24),
    Column("willing", "是否愿意接受服务", "yesno", required=True, choices=YES_NO, width=10),
    Column("discovery", "发现渠道", "code", required=True, choices=DISCOVERY_CHANNELS, width=16),
    Column("assessor", "评估人", "text", required=True, width=10),
    Column("assessed_on", "评估日期", "date", required=True, width=12),
    Column("phone", "联系电话", "phone", width=14),
    *(Column(f"dimension_{item.code}", item.label, "code", choices=HARDSHIP_LEVELS, width=9) for item in DIMENSIONS),
    Column("own_ability", "本人能够自理的事项", "code", choices=SERVICES, many=True, width=24),
    Column("existing_benefits", "已享受的政策待遇", "code", choices=BENEFITS, many=True, width=24),
)
LATER_COLUMNS = len(DIMENSIONS) + 2  # the last columns; ledgers of version 1 and plain CSV files may end before them


class MaskedRow(Row):
    """A row about a person: ``id_number`` must arrive masked (decision 20)."""

    @field_validator("id_number", check_fields=False)
    @classmethod
    def _masked(cls, value: Cell) -> Cell:
        if sum(char.isdigit() for char in value.text) > MOST_DIGITS_SHOWN:
            raise PydanticCustomError("not_masked", "the ID number is not masked")
        return value


class NeedsRow(MaskedRow):
    """One person of the printed ledger."""

    seq: Figure
    person_name: Figure
    id_number: Figure
    region_code: Figure
    street: Figure
    identity: Figure
    hardships: Figure
    demands: Figure
    priority: Figure
    match_status: Figure
    project_no: Figure
    last_review: Figure
    next_review: Figure


class NeedsLedger(Ledger):
    """The needs ledger as printed for internal use."""

    rows: tuple[NeedsRow, ...]


LEDGER_COLUMNS: tuple[Column, ...] = (
    Column("seq", "序号", "int", width=6),
    Column("person_name", "姓名", width=10),
    Column("id_number", "身份证号（遮盖）", width=21),
    Column("region_code", "行政区划代码", width=14),
    Column("street", "街道", width=14),
    Column("identity", "身份类别", width=18),
    Column("hardships", "困难类型及程度", width=32),
    Column("demands", "服务诉求", width=24),
    Column("priority", "优先级", width=8),
    Column("match_status", "匹配状态", width=10),
    Column("project_no", "项目编号", width=16),
    Column("last_review", "上次复核", "date", width=12),
    Column("next_review", "下次复核", "date", width=12),
)

KINDS = (LedgerKind("needs_ledger_xlsx", NeedsLedger, "需求台账", LEDGER_COLUMNS),)
