"""Huangshi's purchase: award after a failed tender (A1), the threshold (A2), the draw (A4), the record (A10)."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from models.commands.door import execute
from models.core.actors import Actor, Role
from models.rules.draw import verify
from portal.cli.main import app
from tests.journeys.story import END, Scene, Story, asks, changed, refused, step, words

pytestmark = pytest.mark.xdist_group("huangshi")

At = Callable[[str], Scene]
BUYER = "purchaser:u-relief-bureau"
REASON = "规定期限内投标单位不足三家"
SUPPLIERS = ("合成社工服务中心", "合成公益服务有限公司", "合成第三方投标单位")
TIED = {"pool-02", "pool-04"}


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
            asks("2016-06-24", "procurement.record", procurement="$procurement", expect={"state": "procurement.failed"}),
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

        scene.holds(
            *bids(3), close(3, state="noticed"), award("2016-06-24", expect={"state": "procurement.awarded"})
        )

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
        return changed(story.told("procurement.plan#2"), ('budget: "680000.00"', f'budget: "{budget}"'))

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


class TestA4ExpertDraw:
    def protocol(self, story: Story, tmp_path: Path, after: At) -> dict[str, Any]:
        """The protocol as published in the archive bundle."""
        bundle = after(END).bundle(tmp_path / "bundle")
        with zipfile.ZipFile(bundle) as archive:
            name = next(name for name in archive.namelist() if name.endswith("_专家随机抽取记录.json"))
            return dict(json.loads(archive.read(name)))

    def verify(self, protocol: dict[str, Any], tmp_path: Path) -> tuple[int, dict[str, Any]]:
        file = tmp_path / "protocol.json"
        file.write_text(json.dumps(protocol, ensure_ascii=False), "utf-8")
        done = CliRunner().invoke(app, ["draw", "verify", str(file), "--json"])
        return done.exit_code, json.loads(done.output)

    def test_can_be_drawn_again_from_the_published_protocol(self, story: Story, after: At, tmp_path: Path) -> None:
        protocol = self.protocol(story, tmp_path, after)
        seed = story.report.steps[-1] and story.stands[END].saved["draw"]

        assert self.verify(protocol, tmp_path) == (0, {"ok": True, "differences": []})
        assert protocol["seed"] == "huangshi-2016-negotiation"
        assert (protocol["chosen"], protocol["roster_digest"]) == (seed["chosen"], seed["roster_digest"])

    def test_an_edited_protocol_is_found_out(self, story: Story, after: At, tmp_path: Path) -> None:
        protocol = self.protocol(story, tmp_path, after)
        swapped = {"chosen": protocol["alternates"][:1] + protocol["chosen"][1:], "alternates": protocol["chosen"][:1]}
        edits: list[dict[str, Any]] = [
            {"seed": "another seed"},
            {**swapped},
            {"conflicts_with": []},
            {"roster": [one for one in protocol["roster"] if one["id"] != "pool-01"]},
            {"roster": [{**one, "ties": [], "employer": "合成高校丁"} for one in protocol["roster"]]},
        ]

        for edit in edits:
            code, report = self.verify(protocol | edit, tmp_path)
            assert (code, report["ok"], bool(report["differences"])) == (1, False, True), edit

    def test_does_not_depend_on_the_order_of_the_roster(self, story: Story, after: At) -> None:
        told = story.told("procurement.draw_experts")
        rows = [line for line in told.splitlines(keepends=True) if "{id: pool-" in line]
        turned = changed(told, ("".join(rows), "".join(reversed(rows))))

        (drawn,) = after("procurement.approve_method_change").holds(turned)

        assert drawn["chosen"] == story.stands[END].saved["draw"]["chosen"]
        assert drawn["roster_digest"] == story.stands[END].saved["draw"]["roster_digest"]

    def test_never_contains_a_conflicted_expert_whatever_the_seed(self, story: Story, after: At) -> None:
        scene = after("procurement.approve_method_change")
        roster = next(one for one in story.case.steps if one.name == "procurement.draw_experts").arguments["roster"]

        def drawn(seed: str) -> Any:
            return execute(
                scene.services,
                name="procurement.draw_experts",
                arguments={
                    "procurement": scene.saved["procurement"]["id"],
                    "seed": seed,
                    "roster": roster,
                    "size": 3,
                },
                actor=Actor(Role.PURCHASER, "u-relief-bureau"),
                as_of=scene.services.clock.now().date(),
                command_id=f"cmd-{seed}",
                dry_run=True,
            )

        draws = [drawn(f"seed-{number}") for number in range(12)]

        assert all(set(one.excluded) == TIED for one in draws)
        assert all(not TIED & {*one.chosen, *one.alternates} for one in draws)
        assert len({one.chosen for one in draws}) > 1, "the seed decides"

    def test_takes_nobody_tied_by_other_spelling_or_to_the_buyer(self, story: Story, after: At) -> None:
        told = changed(
            story.told("procurement.draw_experts"),
            ("{id: pool-05, employer: 合成会计师事务所}", "{id: pool-05, employer: 黄石市社会救助局}"),
            ("{id: pool-06, employer: 合成高校丙}", "{id: pool-06, ties: [合成 公益服务有限公司]}"),
        )

        (drawn,) = after("procurement.approve_method_change").holds(told)

        assert set(drawn["excluded"]) == TIED | {"pool-05", "pool-06"}
        assert set(drawn["chosen"]) == {"pool-01", "pool-03", "pool-07"}

    def test_is_refused_when_too_few_are_free_of_conflict(self, story: Story, after: At) -> None:
        told = story.told("procurement.draw_experts")
        tied = changed(told, ("合成高校甲", SUPPLIERS[0]), ("合成高校乙", SUPPLIERS[1]), ("合成高校丙", SUPPLIERS[0]))

        after("procurement.approve_method_change").holds(tied + "    expect: {refused: draw.too_few}\n")

    def test_is_not_repeated_until_it_pleases(self, story: Story, after: At) -> None:
        told = story.told("procurement.draw_experts")
        again = changed(told, ("seed: huangshi-2016-negotiation", "seed: another"))

        after("procurement.approve_method_change").holds(told, again + "    expect: {refused: HS-18}\n")


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

    def test_is_not_complete_without_a_reason(self, story: Story, after: At) -> None:
        told = story.told("procurement.approve_method_change")
        blank = [changed(told, (f"reason: {REASON}", f"reason: '{text}'")) for text in ("", "  ")]
        missing = changed(told, (f" reason: {REASON},", ""))

        after("procurement.close_bidding").holds(
            *(text + "    expect: {refused: SYS-ARGUMENTS}\n" for text in (*blank, missing))
        )


def test_protocol_of_the_story_holds_without_the_command_line(story: Story, after: At, tmp_path: Path) -> None:
    assert verify(TestA4ExpertDraw().protocol(story, tmp_path, after)) == ()
