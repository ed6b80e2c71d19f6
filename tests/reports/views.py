"""One realistic synthetic (合成) view of each kind, as a command would hand it over: plain JSON."""

from __future__ import annotations

from typing import Any

from tests.reports.application_views import PAPERS as APPLICATION
from tests.reports.feasibility_views import PAPERS as FEASIBILITY
from tests.reports.heads import head
from tests.reports.ledger_views import BLANK, PROJECT, fact, made_up
from tests.reports.list_views import LEDGERS
from tests.reports.midterm_views import MIDTERM
from tests.reports.report_views import CASE_REPORT, SELF_CHECK
from tests.reports.sheet_views import APPROVAL, DECISION, OBJECTION, REJECTION

CLOSING = {
    **head("合成项目甲公示情况"),
    "paras": ["公示期满，没有成立的异议，公示结束。公示情况如下。"],
    "facts": [{"label": "公示文书校验值（SHA-256）", "value": "0a" * 32}],
    "tables": [
        {
            "heading": "公示渠道",
            "columns": ["渠道", "发布日期"],
            "rows": [["公告栏", "2016年3月16日"]],
            "none": "",
        },
        {"heading": "异议和答复", "columns": [], "rows": [], "none": "没有收到异议。"},
    ],
}
PURCHASE_NOTICE = {
    **head("合成项目甲购买服务信息公开"),
    "paras": [],
    "facts": [{"label": "服务项目和内容", "value": "合成照护服务"}],
    "tables": [
        {
            "heading": "明细",
            "columns": ["代码", "内容"],
            "rows": [["certificate", "持有社会工作者证书"]],
            "none": "",
        },
    ],
}
SITE_INDEX = {
    **head("服务类社会救助项目公示"),
    "paras": ["以下为公示。"],
    "entries": [
        {
            "title": "合成项目甲",
            "href": "notices/ntc-1.html",
            "period": "公示期",
            "state": "公示中",
            "digest": "0a" * 32,
        }
    ],
    "papers": [
        {
            "title": "合成项目甲公开招标公告",
            "href": "../procurement/notice.html",
            "date": "2016-04-01",
            "digest": "0b" * 32,
        }
    ],
    "feed": "feed.json",
}

PUBLICITY = {
    **head("关于社会救助服务项目专家评审结果的公示", synthetic=("评审得分", "公示期")),
    "paras": [
        "经专家评审，下列服务类社会救助项目评审结果为通过。现按照规定予以公示，接受社会监督。",
    ],
    "lines": [
        {"project": PROJECT, "unit": "黄石市社会救助局", "result": made_up("通过（86.50分）")},
        {"project": "合成项目：独居老人访视", "unit": "合成单位甲", "result": made_up("通过（81.00分）")},
    ],
    "starts_on": "2016-03-16",
    "ends_on": "2016-03-22",
    "working_days": 5,
    "channels": ["黄石市民政局门户网站", "市招投标中心网站"],
    "objection": "公示期内，任何单位和个人如有异议，可以书面形式实名向我局反映。",
    "contact": ["联系部门：社会救助科"],
}

REVIEW = {
    **head(f"{PROJECT}专家评审意见", synthetic=("专家评分", "合格线")),
    "facts": [
        fact("项目名称", PROJECT),
        fact("申报单位", "黄石市社会救助局"),
        fact("评审日期", made_up("2016年3月10日")),
        fact("抽取种子", made_up("20160310")),
    ],
    "criteria": ["必要性", "可行性", "公益性"],
    "scores": [
        {
            "expert": f"专家{index}",
            "category": category,
            "recusal": "无",
            "marks": [made_up(mark) for mark in marks],
            "total": made_up(total),
            "reason": reason,
        }
        for index, category, marks, total, reason in (
            (1, "社会工作", ("30", "28", "29"), "87", "需求摸底扎实，对象明确。"),
            (2, "财务", ("28", "27", "30"), "85", "测算依据较充分。"),
            (3, "民政业务", ("31", "28", "28.5"), "87.5", "与低保工作衔接紧密。"),
        )
    ],
    "result": made_up("86.50"),
    "pass_mark": made_up("60"),
    "conclusion": [
        "专家组认为，项目对象清晰，四类对象各100名的设置符合需求摸底情况，同意通过评审。",
        {"level": "h2", "text": "（一）建议"},
        "服务记录应当逐次留存，满意度回访应当覆盖全部对象。",
    ],
    "dissent": ["专家2认为服务单价应与省内其他地市再作比较。"],
    "methods": [
        {"method": "平均分（结论依据）", "value": made_up("86.50"), "verdict": "达到合格线"},
        {"method": "排序得分（波达计数）", "value": made_up("0.80"), "verdict": "不适用"},
    ],
    "notes": ["去掉任何一名专家的评分，结论均不改变。"],
    "signatures": ["专家1已实名登录提交评分表，摘要 5f2c。"],
}

PLAN_NOTICE = {
    **head(
        "关于下达2016年第二季度\n服务类社会救助项目投资计划的通知",
        synthetic=("总投资", "本批下达", "实施周期"),
        doc_no="黄民发〔2016〕18号",
    ),
    "addressee": "黄石市社会救助局，各有关单位",
    "paras": [
        "根据各级财政资金和社会力量捐赠资金到位情况，现将2016年第二季度服务类社会救助项目投资计划下达给你们，并就有关事项通知如下。",
        {"level": "h1", "text": "一、严格执行计划"},
        "本计划是项目资金拨付的依据。各单位应当按照计划确定的内容、规模和资金来源组织实施，不得超计划支付，不得挤占挪用。",
        {"level": "h1", "text": "二、加强资金监管"},
        {"level": "h2", "text": "（一）实行专账管理"},
        "承接主体应当建立项目专账，一个项目一本账，各渠道资金分列，不得混用。",
        {"level": "h2", "text": "（二）按进度拨付"},
        "资金拨付与项目进展和评估结果相衔接。",
    ],
    "attachments": ["2016年第二季度服务类社会救助项目投资计划表"],
    "co_issuers": ["黄石市发展和改革委员会"],
    "copy_to": "黄石市财政局。",
    "disclosure": "此件主动公开",
    "batch": "2016年第二季度第1批",
    "annex_title": "2016年第二季度服务类社会救助项目投资计划表",
    "amount_unit": "万元",
    "lines": [
        {
            "project": PROJECT,
            "content_scale": "社工介入个案服务，四类对象各100名，累计不少于400人",
            "period": made_up("2016年6月至2017年5月"),
            "total": made_up("60.00"),
            "this_batch": made_up("24.00"),
            "source": "本级财政",
            "unit": "黄石市社会救助局",
            "target": "服务不少于400人",
        },
        *(
            {
                "project": f"合成项目{index}：社区助餐",
                "content_scale": "每日助餐",
                "period": made_up("2016年6月至2016年12月"),
                "total": made_up("10.50"),
                "this_batch": made_up("5.25"),
                "source": "社会捐赠",
                "unit": f"合成单位{index}",
                "target": BLANK,
            }
            for index in range(1, 5)
        ),
    ],
    "total_sum": made_up("102.00"),
    "batch_sum": made_up("45.00"),
}

PROCUREMENT = {
    **head(f"{PROJECT}采购活动记录", synthetic=("采购预算", "供应商", "日期", "抽取结果"), issuer="黄石市社会救助局"),
    "facts": [fact("采购人", "黄石市社会救助局"), fact("采购预算", made_up("600000.00元")), fact("代理机构", BLANK)],
    "method_path": [
        {
            "date": made_up("2016-04-01"),
            "method": "公开招标",
            "act": "确定采购方式并发布公告",
            "reason": "项目资金超过50万元",
            "clause": "HS-14",
        },
        {
            "date": made_up("2016-05-03"),
            "method": "竞争性谈判",
            "act": "经批准变更采购方式",
            "reason": "在规定的期限内参与竞标的单位不足",
            "clause": "HS-17；政府采购法第三十七条",
        },
    ],
    "bidders": [
        {"name": made_up("合成社工机构甲"), "attempt": "公开招标", "qualified": made_up("合格"), "quote": BLANK},
        {
            "name": made_up("合成社工机构乙"),
            "attempt": "竞争性谈判",
            "qualified": made_up("合格"),
            "quote": made_up("588000.00"),
        },
    ],
    "voids": [
        {"date": made_up("2016-04-22"), "reason": "参与竞标的单位不足三家", "informed_on": made_up("2016-04-22")}
    ],
    "approvals": [{"date": made_up("2016-05-03"), "matter": "变更为竞争性谈判", "approver": BLANK, "doc_no": BLANK}],
    "draw": {
        "drawn_on": made_up("2016-05-05"),
        "pool": "市招投标中心专家库",
        "pool_size": made_up("24"),
        "pool_digest": made_up("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        "seed": made_up("20160505"),
        "method": "按种子对名单排序后依次抽取，遇回避情形顺延",
        "drawn": [
            {"order": "1", "expert": "王*", "category": "社会工作", "outcome": "参加"},
            {"order": "2", "expert": "李*", "category": "财务", "outcome": "回避：三年内与供应商有劳动关系"},
            {"order": "3", "expert": "赵*", "category": "财务", "outcome": "参加"},
        ],
    },
    "evaluation": ["谈判小组与供应商分别谈判，按质量和服务均能满足采购文件实质性要求且报价最低的原则确定成交供应商。"],
    "award": [fact("成交供应商", made_up("合成社工机构乙")), fact("成交金额", made_up("588000.00元"))],
}

CONTRACT = {
    **head(f"{PROJECT}合同要点", synthetic=("承接主体", "合同金额", "合同期限"), issuer="黄石市社会救助局"),
    "facts": [
        fact("购买主体", "黄石市社会救助局"),
        fact("承接主体", made_up("合成社工机构乙")),
        fact("合同金额", made_up("588000.00元（伍拾捌万捌仟元整）")),
        fact("合同期限", made_up("2016年6月1日至2017年5月31日")),
        fact("服务对象", "四类对象各100名"),
    ],
    "amount_unit": "元",
    "payments": [
        {"node": "首付", "condition": "合同签订后", "share": made_up("40%"), "amount": made_up("235200.00")},
        {"node": "尾款", "condition": "综合评价完成并合格", "share": made_up("60%"), "amount": made_up("352800.00")},
    ],
    "payment_note": "按进度和评价结果支付。",
    "terms": ["承接主体不得转包。", "承接主体应当对救助对象的个人信息保密，合同终止时返还并删除。"],
}

SUPERVISION = {
    **head(f"{PROJECT}监督检查记录", synthetic=("检查日期", "检查人"), issuer="黄石市社会救助局"),
    "facts": [fact("检查对象", made_up("合成社工机构乙")), fact("抽查种子", made_up("20160901"))],
    "inspections": [
        {
            "line": line,
            "method": method,
            "date": made_up("2016-09-01"),
            "inspectors": made_up("救助科2人"),
            "findings": findings,
            "order": order,
            "due": made_up("2016-09-15") if order else "",
            "closed_on": made_up("2016-09-12") if order else "",
        }
        for line, method, findings, order in (
            ("购买主体监管", "实地抽查", "个案记录齐全。", ""),
            ("购买主体监管", "电话调查", "2名对象反映服务时间不固定。", "与对象约定固定时段，书面告知。"),
            ("财政部门检查", "查看账簿", "资金拨付与进度相符。", ""),
        )
    ],
    "conclusion": ["除一项已整改外，未发现其他问题。"],
}

ACCEPTANCE = {
    **head(f"{PROJECT}综合评估验收结论", synthetic=("完成值", "满意率", "评定等次")),
    "facts": [
        fact("项目名称", PROJECT),
        fact("承接主体", made_up("合成社工机构乙")),
        fact("自查自验报告", made_up("2017年6月10日报送")),
    ],
    "indicators": [
        {
            "name": "累计服务对象",
            "target": "不少于400人",
            "actual": made_up("412人"),
            "ratio": made_up("103.0%"),
            "score": made_up("30"),
        },
        {
            "name": "专业社工人数",
            "target": BLANK,
            "actual": "15人",
            "ratio": BLANK,
            "score": made_up("20"),
            "note": "原文未载明目标值",
        },
    ],
    "satisfaction_asked": made_up("400人"),
    "satisfaction_rate": BLANK,
    "recipients_opinion": "对社工服务普遍感到满意。",
    "grade": made_up("良好"),
    "conclusion": ["项目完成合同约定的服务内容，同意通过综合评估验收。"],
    "problems": ["部分服务记录未写明起止时间。"],
    "next_batch": "本结论作为安排下一批次项目的依据。",
}

EVALUATION = {
    **head(f"{PROJECT}第三方末期评估报告", synthetic=("评估机构", "得分"), issuer="合成评估机构"),
    "which": "第三方末期评估",
    "facts": [fact("评估对象", PROJECT), fact("评估机构", made_up("合成评估机构"))],
    "method": ["采取查阅服务记录、实地走访、电话回访相结合的方式。"],
    "scores": [
        {"dimension": name, "weight": made_up("25%"), "score": made_up(score), "basis": basis}
        for name, score, basis in (
            ("服务规范性", "88", "服务记录、签字确认"),
            ("服务专业性", "86", "社工持证情况"),
            ("服务成效", "90", "前后对比"),
            ("服务示范性", "82", "经验材料"),
        )
    ],
    "total": made_up("86.50"),
    "grade": made_up("良好"),
    "conclusion": ["项目总体达到预期目标。"],
    "problems": [],
}

AUDIT = {
    **head("备案审计送件单", synthetic=("移交日期",), doc_no="黄民审送〔2017〕1号"),
    "receiver": "黄石市审计局",
    "paras": ["现将下列项目资料报送你单位备案审计。"],
    "facts": [fact("项目名称", PROJECT), fact("移交日期", made_up("2017年7月3日"))],
    "items": [
        {
            "title": title,
            "doc_no": doc_no,
            "date": made_up("2017-06-30"),
            "pages": pages,
            "sha256": f"{index:064x}",
        }
        for index, (title, doc_no, pages) in enumerate(
            (
                ("综合评估验收结论", BLANK, "3"),
                ("关于下达投资计划的通知", "黄民发〔2016〕18号", "4"),
                ("合同要点", BLANK, "2"),
            ),
            start=0xABCDEF,
        )
    ],
}

RECOVERY = {
    **head(f"关于责令归还{PROJECT}资金的通知", synthetic=("归还期限",)),
    "addressee": "合成社工机构甲",
    "paras": ["你单位在项目资金使用中存在挪用情形,现责令你单位归还上述资金。"],
    "facts": [fact("案件编号", "合成案件"), fact("归还期限", made_up("2017年7月3日"))],
    "closing": ["逾期不归还的,将按程序启动追偿。"],
}

ORDER = {
    **head(f"关于{PROJECT}的整改通知", synthetic=("整改期限",)),
    "facts": [fact("检查对象", made_up("合成社工机构乙")), fact("整改期限", made_up("2016-10-01"))],
    "problem": "一次服务未写明结果。",
    "demand": "补充记录并核对。",
    "closing": ["请于2016-10-01前完成整改并报送整改情况。"],
}

VIEWS: dict[str, dict[str, Any]] = {
    "publicity_notice": PUBLICITY,
    "publicity_notice_html": PUBLICITY,
    "publicity_closing": CLOSING,
    "publicity_closing_html": CLOSING,
    "publicity_site_notice": {
        **CLOSING,
        "links": [{"label": "公示文书（PDF）", "href": "../../sha256/ab"}],
        "home": "../index.html",
    },
    "publicity_site_index": SITE_INDEX,
    "review_opinion": REVIEW,
    **APPLICATION,
    **FEASIBILITY,
    "decision_opinion": DECISION,
    "objection_sheet": OBJECTION,
    "approval_document": APPROVAL,
    "rejection_notice": REJECTION,
    "investment_plan_notice": PLAN_NOTICE,
    "procurement_record": PROCUREMENT,
    "procurement_notice_html": PURCHASE_NOTICE,
    "agency_record_html": PURCHASE_NOTICE | {"paras": ["一代理一记录。"]},
    "tender_documents_html": PURCHASE_NOTICE | {"paras": ["按照统一示范文本编制。"]},
    "contract_summary": CONTRACT,
    **MIDTERM,
    "supervision_record": SUPERVISION,
    "rectification_order": ORDER,
    "self_check_report": SELF_CHECK,
    "acceptance_conclusion": ACCEPTANCE,
    "evaluation_report": EVALUATION,
    "audit_handover": AUDIT,
    "recovery_notice": RECOVERY,
    "case_report": CASE_REPORT,
    **LEDGERS,
}
