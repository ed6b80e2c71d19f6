"""A synthetic (合成) view of the report of a whole case."""

from __future__ import annotations

from tests.reports.heads import head
from tests.reports.ledger_views import BLANK, PROJECT, fact, made_up

CASE_REPORT = {
    **head(f"{PROJECT}\n全过程报告", synthetic=("合同金额", "合同期限", "各环节日期", "评估得分")),
    "facts": [
        fact("购买主体", "黄石市社会救助局"),
        fact("专业社工", "15名"),
        fact("合同金额", BLANK),
        fact("服务目标", "累计提供服务对象不少于400人"),
    ],
    "overview": [
        "黄石市城区低保对象约1.7万人，其中60岁以上3500余人、残疾人5190人、18岁以下未成年人3490人、重病972人。",
        "本报告由演练生成：业务事实取自公开案例，原文未载明而流程必需的内容为合成数据。",
    ],
    "stages": [
        {
            "title": title,
            "acts": [
                {"date": made_up(day) if day else BLANK, "act": act, "clause": clause, "actor": actor}
                for day, act, clause, actor in acts
            ],
        }
        for title, acts in (
            (
                "需求摸底",
                (
                    ("", "外地考察，制定项目计划书", "HS-01、HS-02", "购买主体"),
                    (
                        "2016-01-08",
                        "对城市低保户、农村低保户、农村五保户全面摸底，一户一档",
                        "HS-03、HS-04",
                        "街道经办",
                    ),
                    ("2016-01-29", "筛选独居老人、单亲未成年学生、残疾人、重病患者各100名", "HS-05", "购买主体"),
                ),
            ),
            (
                "采购",
                (
                    ("2016-04-01", "公开招标公告", "HS-14", "购买主体"),
                    ("2016-04-22", "参与竞标单位不足，废标", "HS-17", "招投标中心"),
                    ("2016-05-03", "批准改为竞争性谈判", "HS-17", "采购监管"),
                    ("2016-05-10", "随机抽取专家，谈判并确定成交", "HS-18", "谈判小组"),
                ),
            ),
            ("评估与支付", (("2017-06-20", "综合评价完成，按结果支付尾款", "HS-30", "购买主体"),)),
        )
    ],
    "stated_values": [
        {"field": "合同金额", "original": BLANK, "adopted": made_up("588000.00元")},
        {"field": "合同期限", "original": BLANK, "adopted": made_up("12个月")},
        {"field": "竞标单位数", "original": "不足（未载明家数）", "adopted": made_up("2家")},
        {"field": "满意率", "original": BLANK, "adopted": BLANK},
        {"field": "专业社工", "original": "15名", "adopted": "15名"},
    ],
    "outcomes": [
        {"indicator": "信访件次", "before": "120", "after": "50", "change": "−58.3%", "approximate": False},
        {
            "indicator": "信访人次",
            "before": "近200",
            "after": "87",
            "change": "−56%",
            "approximate": True,
            "note": "原文为“近200人次”",
        },
        {
            "indicator": "就业（安置36人，自谋职业32人）",
            "before": BLANK,
            "after": "68",
            "change": "",
            "approximate": False,
        },
    ],
}

SELF_CHECK = {
    **head(f"{PROJECT}自查自验报告", synthetic=("完成值", "项目支出"), issuer="合成社工机构乙"),
    "facts": [fact("项目名称", PROJECT), fact("迟报日数", "0")],
    "indicators": [
        {
            "name": "累计服务对象",
            "target": "不少于400人",
            "actual": made_up("398人"),
            "ratio": made_up("99.5%"),
            "score": BLANK,
            "evidence": "服务台账",
            "note": "两名服务对象迁出",
        },
    ],
    "money": [fact("合同金额", "588000.00"), fact("项目支出", made_up("588000.00"))],
    "instruments": ["绩效评价表（2017年版）"],
}
