"""Synthetic (合成) views of the ledgers, and the words all sample views are made of."""

from __future__ import annotations

from typing import Any

BLANK = {"stated": False}
PROJECT = "黄石市社会救助领域政府购买服务项目"


def made_up(text: str) -> dict[str, Any]:
    """A figure made up for the rehearsal."""
    return {"text": text, "synthetic": True}


def fact(label: str, value: Any) -> dict[str, Any]:
    return {"label": label, "value": value}


NEEDS_LEDGER = {
    "title": "困难群众服务需求台账",
    "issuer": "黄石市民政局",
    "date": "2016-01-29",
    "rehearsal": True,
    "synthetic_fields": ["姓名", "证件号", "全部需求"],
    "rows": [
        {
            "seq": str(index),
            "person_name": made_up(f"合成{index}"),
            "id_number": made_up("420***********002X"),
            "region_code": "420202",
            "street": "合成街道",
            "identity": "城市低保户",
            "hardships": "疾病困境（重度）",
            "demands": "访视、心理疏导",
            "priority": "1",
            "match_status": "已匹配",
            "project_no": "=1+1",
            "last_review": BLANK,
            "next_review": "2016-07-29",
        }
        for index in range(1, 4)
    ],
}

PLAN_LEDGER = {
    "title": "2016年度服务类社会救助项目实施计划台账",
    "issuer": "黄石市民政局",
    "date": "2016-06-30",
    "rehearsal": True,
    "synthetic_fields": ["总投资", "本批下达"],
    "rows": [
        {
            "seq": "1",
            "project_no": "420200-2016-0001",
            "project": PROJECT,
            "approval_no": "黄民发〔2016〕12号",
            "starts_on": BLANK,
            "ends_on": BLANK,
            "quarter": "2016年第二季度第1批",
            "source": "本级财政",
            "total": made_up("600000.00"),
            "this_batch": made_up("240000.00"),
            "unit": "黄石市社会救助局",
            "formality": "齐备",
        }
    ],
}
