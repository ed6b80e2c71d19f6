"""Rules of confirmation and of referral packets: who may answer, what must stand first, what must be handed over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.core.actors import Role
from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules import confirmation, referral
from models.rules.confirmation import Answer

_BOOK = load_policy_book()
ON = date(2025, 3, 3)
ZUNYI, FENGZE, BEIJING = (_BOOK.resolve(region=region, on=ON) for region in ("520300", "350503", "110000"))
SIGNED = Answer(given_by="recipient", agent_name="", agent_relation="", signed=True, by_self=False)
PARTS = dict.fromkeys(FENGZE.lists.referral_parts, "合成内容")


def test_fengze_wants_a_confirmation_signed_others_do_not() -> None:
    unsigned = replace(SIGNED, signed=False)
    confirmation.check_answer(answer=SIGNED, policy=FENGZE)
    confirmation.check_answer(answer=replace(unsigned, by_self=True), policy=FENGZE)
    confirmation.check_answer(answer=unsigned, policy=ZUNYI)
    with pytest.raises(Refusal) as caught:
        confirmation.check_answer(answer=unsigned, policy=FENGZE)
    assert (caught.value.code, caught.value.rule) == ("matching.unsigned", "FZ-32")


def test_an_agent_is_named_with_the_relation() -> None:
    agent = replace(SIGNED, given_by="agent", agent_name="合成", agent_relation="女儿")
    confirmation.check_giver(answer=agent, policy=FENGZE)
    with pytest.raises(Refusal) as caught:
        confirmation.check_giver(answer=replace(agent, agent_relation=" "), policy=FENGZE)
    assert caught.value.code == "matching.agent_unnamed"


def test_fengze_puts_basic_aid_in_place_before_services() -> None:
    confirmation.check_entitled(entitled=True, policy=FENGZE)
    confirmation.check_entitled(entitled=None, policy=BEIJING)
    with pytest.raises(Refusal) as caught:
        confirmation.check_entitled(entitled=None, policy=FENGZE)
    assert caught.value.rule == "FZ-02"


def test_zunyi_puts_existing_aid_first_and_services_on_top() -> None:
    confirmation.check_entitled(entitled=True, policy=ZUNYI)
    for entitled in (None, False):
        with pytest.raises(Refusal) as caught:
            confirmation.check_entitled(entitled=entitled, policy=ZUNYI)
        assert (caught.value.code, caught.value.rule) == ("matching.entitlements_open", "ZY-124")


def test_fengze_serves_nobody_who_did_not_confirm() -> None:
    confirmation.check_confirmed(unconfirmed=0, policy=FENGZE)
    confirmation.check_confirmed(unconfirmed=3, policy=ZUNYI)
    with pytest.raises(Refusal) as caught:
        confirmation.check_confirmed(unconfirmed=3, policy=FENGZE)
    assert (caught.value.code, caught.value.rule) == ("matching.not_confirmed", "FZ-32")


def test_a_packet_hands_over_policy_person_information_and_resource() -> None:
    referral.check_packet(parts=PARTS, receiver="", policy=FENGZE)
    with pytest.raises(Refusal) as caught:
        referral.check_packet(parts=PARTS | {"resource": ""}, receiver="", policy=FENGZE)
    assert (caught.value.code, caught.value.rule) == ("referral.parts_missing", "FZ-37")


def test_beijing_wants_a_named_receiver_who_accepts() -> None:
    referral.check_packet(parts=PARTS, receiver="合成接收人", policy=BEIJING)
    referral.check_accepted_by(receiver="合成接收人", policy=BEIJING)
    for check in (
        lambda: referral.check_packet(parts=PARTS, receiver="", policy=BEIJING),
        lambda: referral.check_accepted_by(receiver=" ", policy=BEIJING),
    ):
        with pytest.raises(Refusal) as caught:
            check()
        assert caught.value.rule == "BJ-58"


def test_a_packet_shows_no_personal_number() -> None:
    with pytest.raises(Refusal) as caught:
        referral.check_packet(parts=PARTS | {"person": "电话13800000000"}, receiver="", policy=FENGZE)
    assert caught.value.code == "referral.leak"


def test_a_referral_goes_step_by_step() -> None:
    for status, to in (("sent", "accepted"), ("sent", "returned"), ("accepted", "returned"), ("returned", "closed")):
        referral.check_step(status=status, to=to, policy=FENGZE)
    for status, to in (("accepted", "accepted"), ("sent", "closed"), ("closed", "returned")):
        with pytest.raises(Refusal):
            referral.check_step(status=status, to=to, policy=FENGZE)


def test_beijing_takes_a_return_only_after_the_acceptance() -> None:
    referral.check_step(status="accepted", to="returned", policy=BEIJING)
    with pytest.raises(Refusal) as caught:
        referral.check_step(status="sent", to="returned", policy=BEIJING)
    assert (caught.value.code, caught.value.rule) == ("referral.not_accepted", "BJ-58")


@pytest.mark.parametrize(
    ("role", "account"),
    [(Role.RECIPIENT, "person-2"), (Role.RECIPIENT, ""), (Role.RECIPIENT_AGENT, "person-1")],
)
def test_an_account_answers_only_for_the_person_it_is_bound_to(role: Role, account: str) -> None:
    confirmation.check_own(role=Role.RECIPIENT, account="person-1", person="person-1")
    with pytest.raises(Refusal) as caught:
        confirmation.check_own(role=role, account=account, person="person-1")
    assert (caught.value.code, caught.value.rule) == ("matching.not_own", "SYS-ROLE")
