"""Synthetic (合成) views of the papers of decision and approval, and of the objection sheet."""

from __future__ import annotations

from typing import Any

from tests.reports.ledger_views import BLANK, PROJECT, fact, made_up


def _head(title: str, *synthetic: str) -> dict[str, Any]:
    return {
        "title_lines": [title],
        "issuer": "黄石市民政局",
        "doc_no": "",
        "date": "2016-03-15",
        "rehearsal": True,
        "synthetic_fields": list(synthetic),
    }


DECISION = {
    **_head(f"{PROJECT}决策意见", "会议编号"),
    "facts": [fact("项目名称", PROJECT), fact("会议编号", made_up("黄民会〔2016〕3号")), fact("从其规定的依据", BLANK)],
    "basis": ["专家评审通过，公示期满无异议，预算已经安排。"],
    "conclusion": ["经研究，同意该项目立项实施，请按规定办理批准手续。"],
}

OBJECTION = {
    **_head(f"{PROJECT}公示异议处理表", "受理日期"),
    "facts": [fact("异议人", "依法保密"), fact("受理日期", made_up("2016年3月18日"))],
    "matter": ["反映申报单位不具备条件。"],
    "reply": ["经核对申报材料和登记信息，申报单位具备条件。"],
    "conclusion": ["经核实，异议不成立，维持原评审结果。"],
}

REJECTION = {
    **_head(f"关于不予批准{PROJECT}立项的告知书", "会议编号"),
    "addressee": "合成社会服务中心",
    "paras": ["你单位申报的项目收悉。市民政局作出决策意见，不同意该项目立项实施。"],
    "facts": [fact("项目名称", PROJECT), fact("会议编号", made_up("黄民会〔2016〕3号"))],
    "reasons": ["与已有政策重复。"],
    "remedies": ["修改完善后可以重新申报。", "有不同意见的，可以书面提出。"],
}

APPROVAL = {
    **_head(f"关于批准{PROJECT}的批复", "批准金额"),
    "doc_no": "黄民发〔2016〕12号",
    "addressee": "黄石市社会救助局",
    "paras": [
        "你局报来的项目申报材料收悉。经研究，同意实施该项目，现就有关事项批复如下。",
        {"level": "h1", "text": "一、项目内容"},
        "面向城区独居老人、单亲未成年学生、残疾人、重病患者开展社工介入个案服务，累计服务对象不少于400人。",
        {"level": "h1", "text": "二、资金安排"},
    ],
    "attachments": [],
    "copy_to": "黄石市财政局。",
    "disclosure": "此件主动公开",
    "amount_unit": "万元",
    "sources": [{"source": "本级财政", "amount": made_up("60.00")}],
    "total": made_up("60.00"),
    "total_capitals": made_up("陆拾万元整"),
    "conditions": ["资金专账管理，专款专用。", "综合评价完成前不得支付尾款。"],
}
