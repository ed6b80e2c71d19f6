"""The import templates that users fill in, one for each kind of file a quality gate reads, with made-up examples.

Called by the command line (``lifecycle templates``). Every example passes its gate: a test fills it in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from reports import application_form, needs, service_records
from reports.workbook import needs_template

_TEXTS: Final[Mapping[str, str]] = {
    "seq": "1",
    "person_name": "合成示例",
    "id_number": "420202194001010025",
    "household_no": "H-0001",
    "region_code": "420202",
    "street": "合成街道",
    "sex": "女",
    "birth_date": "1940-01-01",
    "willing": "是",
    "demands": "访视、助餐",
    "assessor": "合成评估人",
    "assessed_on": "2016-01-04",
    "phone": "",
}
"""Texts of the ledger's example; other columns take what says least of their dictionary."""

FORM_EXAMPLE: Final[Mapping[str, object]] = {
    "project_name": "合成示例:困难老人居家照料",
    "applicant": "合成示例社会工作服务中心",
    "need_refs": "合成需求一",
    "policy_refs": "合成文号一",
    "background": "合成示例:辖区独居困难老人较多。",
    "concept": "合成示例:由社工每周入户。",
    "goals": "合成示例:服务四十名老人。",
    "plan": "合成示例:摸底、入户、回访。",
    "expected_effect": "合成示例:独居风险下降。",
    "starts_on": "2016-07-01",
    "ends_on": "2016-12-31",
    "total": "10000.00",
    "budget": ({"category": "人员费用", "source": "本级财政", "amount": "10000.00"},),
    "team": (
        {"role": "项目负责人", "person_name": "合成甲"},
        {"role": "执行人员", "person_name": "合成乙"},
        {"role": "责任人员", "person_name": "合成丙"},
    ),
    "design": (
        {"point": "覆盖范围", "text": "合成示例:两个社区。"},
        {"point": "供给主体", "text": "合成示例:本中心。"},
        {"point": "运行机制", "text": "合成示例:每周入户,每月小结。"},
        {"point": "监督管理", "text": "合成示例:社区抽查。"},
        {"point": "保障措施", "text": "合成示例:专人负责,专账管理。"},
    ),
}

SERVICE_EXAMPLE: Final[Mapping[str, str]] = {
    "person": "sel-合成示例",
    "on": "2016-07-15",
    "start": "09:30",
    "end": "10:30",
    "item": "",
    "staff": "S-001",
    "place": "合成示例:服务对象家中",
    "result": "合成示例:已完成助餐并记录血压",
    "satisfied": "是",
    "correction": "",
    "signed": "本人",
}


@dataclass(frozen=True)
class Template:
    """A template to export: ``command`` takes the file; ``write`` makes it for a region's service items."""

    kind: str
    title: str
    command: str
    write: Callable[[Mapping[str, str]], bytes]

    @property
    def file_name(self) -> str:
        """The name the file gets when only a folder is named."""
        return f"{self.title}.xlsx"


def needs_example() -> dict[str, str]:
    """Return the example row of the needs ledger, every column filled as a clerk would."""
    least = {column.key: column.choices[-1].label if column.kind == "yesno" else "" for column in needs.NEEDS_COLUMNS}
    first = {
        column.key: column.choices[0].label
        for column in needs.NEEDS_COLUMNS
        if column.kind == "code" and not column.many and column.required
    }
    return least | first | dict(_TEXTS)


def service_example(items: Mapping[str, str]) -> dict[str, str]:
    """Return the example row of the service records, its service one of ``items`` (code → label)."""
    return {**SERVICE_EXAMPLE, "item": next(iter(items.values()))}


TEMPLATES: Final[Mapping[str, Template]] = {
    template.kind: template
    for template in (
        Template(
            needs.TEMPLATE_ID,
            "需求台账",
            "needs.import_ledger",
            lambda _items: needs_template(example=needs_example()),
        ),
        Template(
            application_form.TEMPLATE_ID,
            "项目申报书",
            "application.submit",
            lambda _items: application_form.application_template(example=FORM_EXAMPLE),
        ),
        Template(
            service_records.TEMPLATE_ID,
            "服务记录",
            "delivery.record_services",
            lambda items: service_records.service_records_template(items=items, example=service_example(items)),
        ),
    )
}
