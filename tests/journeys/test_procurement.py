"""Huangshi's purchase: award after a failed tender (A1), the threshold (A2), the record that says why (A10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.story import END, Scene, Story, asks, changed, refused, step, words

pytestmark = pytest.mark.xdist_group("huangshi")

At = Callable[[str], Scene]
BUYER = "purchaser:u-relief-bureau"
REASON = "规定期限内投标单位不足三家"
SUPPLIERS = ("合成社工服务中心", "合成公益服务有限公司", "合成第三方投标单位")


def award(on: str, **more: Any) -> str:
    given = {"organisation": "$bid_a.organisation", "price": "655000.00", "reason": "报价合理", **more}
    return step(on, BUYER, "procurement.award", procurement="$procurement", **given)


def bids(number: int) -> list[str]:
    return [
        step(
            "2016-06-20",
            BUYER,
            "procurement.register_bid",
            procurement="$procurement",
            organisation={"name": name, "kind": "social_org"},
            price="655000.00",
            save=f"bid_{letter}",
        )
        for name, letter in zip(SUPPLIERS[:number], "abc", strict=False)
    ]


def close(number: int, *, state: str) -> str:
    expect = {"state": f"procurement.{state}", "counted": number, "needed": 3}
    return step("2016-06-23", BUYER, "procurement.close_bidding", procurement="$procurement", expect=expect)


class TestA1AwardAfterFailedTender:
    def test_is_made_once_the_change_of_method_was_approved(self, story: Story, after: At) -> None:
        told = story.until("procurement.award#2", after="procurement.close_bidding", without=("procurement.award",))

        awarded = after("procurement.close_bidding").holds(*told)[-1]

        assert (awarded["state"], awarded["price"]) == ("procurement.awarded", 64_800_000)

    def test_is_refused_without_the_approval(self, after: At) -> None:
        scene = after("procurement.close_bidding")

        scene.holds(
            award("2016-06-24", expect=refused("HS-17")),
            asks(
                "2016-06-24", "procurement.record", procurement="$procurement", expect={"state": "procurement.failed"}
            ),
        )

    def test_is_refused_even_after_draw_and_negotiation_without_the_approval(self, story: Story, after: At) -> None:
        scene = after("procurement.close_bidding")

        scene.holds(
            story.told("procurement.draw_experts") + "    expect: {refused: SYS-STATE}\n",
            story.told("procurement.negotiate") + "    expect: {refused: SYS-STATE}\n",
            award("2016-07-13", price="648000.00", expect=refused("HS-17")),
        )

    @pytest.mark.parametrize("number", [0, 1, 2])
    def test_is_refused_with_too_few_bidders_however_many(self, after: At, number: int) -> None:
        scene = after("procurement.publish_notice")

        scene.holds(
            *bids(number),
            close(number, state="failed"),
            award("2016-06-24", organisation=SUPPLIERS[0], expect=refused("HS-17")),
        )

    def test_needs_no_approval_when_three_bidders_answered(self, after: At) -> None:
        scene = after("procurement.publish_notice")

        scene.holds(*bids(3), close(3, state="noticed"), award("2016-06-24", expect={"state": "procurement.awarded"}))

    def test_one_bidder_cannot_be_negotiated_with_even_after_the_approval(self, story: Story, after: At) -> None:
        scene = after("procurement.publish_notice")

        scene.holds(
            *bids(1),
            close(1, state="failed"),
            story.told("procurement.approve_method_change"),
            story.told("procurement.draw_experts"),
            step(
                "2016-07-12",
                BUYER,
                "procurement.negotiate",
                procurement="$procurement",
                offers=[{"organisation": "$bid_a.organisation", "price": "648000.00"}],
                minutes="只有一家供应商。",
                expect=refused("LAW-ZFCG-38"),
            ),
            award("2016-07-13", price="648000.00", expect=refused("HS-19")),
        )


class TestA2Threshold:
    def plan(self, story: Story, budget: str) -> str:
        told = story.told("procurement.plan#2")
        return changed(told, ('budget: "680000.00"', f'budget: "{budget}"'), ("on: 2016-05-30", "on: 2016-05-31"))

    def choose(self, method: str, **more: Any) -> str:
        given = {"procurement": "$procurement", "method": method, "reason": "便于尽快实施"}
        return step("2016-05-31", BUYER, "procurement.set_method", **given, **more)

    def test_exactly_half_a_million_does_not_force_open_tender(self, story: Story, after: At) -> None:
        after("funding.issue_plan").holds(
            self.plan(story, "500000.00"),
            self.choose("competitive_negotiation", expect={"method": "competitive_negotiation"}),
        )

    def test_one_fen_more_does(self, story: Story, after: At) -> None:
        after("funding.issue_plan").holds(
            self.plan(story, "500000.01"),
            self.choose("competitive_negotiation", expect=refused("HS-14")),
            self.choose("open_tender", expect={"method": "open_tender"}),
        )

    def test_is_not_passed_below_by_splitting_the_purchase(self, story: Story, after: At) -> None:
        after("funding.issue_plan").holds(
            self.plan(story, "340000.00"),
            self.choose("competitive_negotiation"),
            self.plan(story, "340000.00"),
            self.choose("competitive_negotiation", expect=refused("LAW-ZFCGTL-28")),
        )


class TestA10RecordOfThePurchase:
    def test_says_why_open_tender_was_left(self, after: At) -> None:
        scene = after(END)

        (record,) = scene.holds(asks("2018-03-06", "procurement.record", procurement="$procurement"))

        assert [(step["method"], step["reason"], step["rule"]) for step in record["methods"]] == [
            ("open_tender", "项目资金超过50万元", "HS-14"),
            ("competitive_negotiation", REASON, "HS-17"),
        ]
        printed = words(scene.paper("procurement_record"))
        assert printed.index("公开招标") < printed.index("竞争性谈判") < printed.index(REASON)

    def test_its_result_is_a_page_that_marks_what_was_made_up(self, after: At) -> None:
        """HS-47; decision 24: of the published case the price is not known."""
        page = after(END).paper("procurement_notice_html").decode()

        assert "648,000.00元※" in page
        assert "竞争性谈判结果公告" in page
        assert "竞争性谈判※" not in page

    def test_is_not_complete_without_a_reason(self, story: Story, after: At) -> None:
        told = story.told("procurement.approve_method_change")
        empty = changed(told, (f"reason: {REASON}", "reason: ''"))
        missing = changed(told, (f" reason: {REASON},", ""))

        after("procurement.close_bidding").holds(
            *(text + "    expect: {refused: SYS-ARGUMENTS}\n" for text in (empty, missing))
        )
