"""Limit policies as a table: what was set, what is asked, what follows."""

import pytest

from kernel.testing import Given
from risk_management import policy
from risk_management.events import decode, encode
from risk_management.policy import (
    NO_LIMITS,
    LimitPolicyRemoved,
    LimitPolicySet,
    Limits,
    RemoveLimitPolicy,
    SetLimitPolicy,
)
from risk_management.process import react
from risk_management.rows import AccountRow, PolicyRow

SOME = Limits("1000", "5", 3)
SET = LimitPolicySet("small", "a", "1000", "5", 3, "root")
REMOVED = LimitPolicyRemoved("a", "root")


def command(limits):
    return SetLimitPolicy("small", "a", limits, "root")


@pytest.mark.parametrize(
    ("sentence", "past", "asked", "follows"),
    [
        ("a policy is recorded with who set it", [], command(SOME), [SET]),
        ("setting it again is recorded too", [SET], command(SOME), [SET]),
        ("a policy may leave every limit to the default", [SET], command(NO_LIMITS),
         [LimitPolicySet("small", "a", None, None, None, "root")]),
        ("a notional of nothing is no limit", [], command(Limits(max_order_notional="0")), "invalid_limit"),
        ("a notional below zero is no limit", [], command(Limits(max_order_notional="-1")), "invalid_limit"),
        ("a quantity that is not canonical is a caller's fault", [], command(Limits(max_order_quantity="5.0")),
         "invalid_limit"),
        ("no open order at all is no limit", [], command(Limits(max_open_orders=0)), "invalid_limit"),
        ("a million open orders may be", [], command(Limits(max_open_orders=1_000_000)),
         [LimitPolicySet("small", "a", None, None, 1_000_000, "root")]),
        ("more may not", [], command(Limits(max_open_orders=1_000_001)), "invalid_limit"),
        ("a policy is removed", [SET], RemoveLimitPolicy("a", "root"), [REMOVED]),
        ("there is nothing to remove", [], RemoveLimitPolicy("a", "root"), []),
        ("it is removed once", [SET, REMOVED], RemoveLimitPolicy("a", "root"), []),
        ("and may be set again", [SET, REMOVED], command(SOME), [SET]),
    ],
)  # fmt: skip
def test_policy(sentence, past, asked, follows):
    Given(policy, *past).when(asked).then(follows)


def test_an_event_is_compact_json_in_the_order_of_its_fields():
    told = (
        b'{"policy":"small","account_id":"a","max_order_notional":"1000","max_order_quantity":"5",'
        b'"max_open_orders":3,"set_by":"root"}'
    )
    assert encode(SET) == told
    assert decode("LimitPolicySet", told) == SET
    assert decode("OrderCreated", b"{}") is None


def test_a_scope_has_one_aggregate():
    assert policy.scope_id("a") == policy.scope_id("a")
    assert len({policy.scope_id("a"), policy.scope_id("b"), policy.scope_id(None)}) == 3


def row(account_id, event_id, limits=SOME):
    return PolicyRow("p", account_id, limits, event_id, 1, 0)


DEFAULT, OWN = row(None, "e1"), row("a", "e2")
PART = row("a", "e3", Limits(max_open_orders=9))


@pytest.mark.parametrize(
    ("sentence", "kind", "told", "policies", "due"),
    [
        ("without a policy nothing is due", "CUSTOMER", "", {}, None),
        ("the default covers who has none of its own", "CUSTOMER", "", {"": DEFAULT, "b": OWN}, "e1"),
        ("its own comes first", "CUSTOMER", "", {"": DEFAULT, "a": OWN}, "e2"),
        ("an account is told once", "CUSTOMER", "e1", {"": DEFAULT}, None),
        ("and again of its own policy", "CUSTOMER", "e1", {"": DEFAULT, "a": OWN}, "e2"),
        ("a new default does not touch who has its own", "CUSTOMER", "e2", {"": row(None, "e9"), "a": OWN}, None),
        ("unless that leaves something open", "CUSTOMER", "e3+e1", {"": row(None, "e9"), "a": PART}, "e3+e9"),
        ("told of both, it is told once", "CUSTOMER", "e3+e1", {"": DEFAULT, "a": PART}, None),
        ("its own decides alone without a default", "CUSTOMER", "", {"a": PART}, "e3"),
        ("the venue's accounts have no limits", "CLEARING", "", {"": DEFAULT}, None),
    ],
)
def test_react(sentence, kind, told, policies, due):
    account = AccountRow("a", "u", kind, 0, told_of=told)
    found = react(account, policies)
    assert (found and found.setting) == due


def test_the_command_id_is_derived_from_the_policy_and_the_account():
    account = AccountRow("a", "u", "CUSTOMER", 0)
    first = react(account, {"": DEFAULT})
    assert first.command_id == react(account, {"": DEFAULT}).command_id
    assert first.command_id != react(account, {"a": OWN}).command_id
    assert react(account, {"": DEFAULT, "a": PART}).cause == "e3"
    assert first.command_id != react(AccountRow("b", "u", "CUSTOMER", 0), {"": DEFAULT}).command_id
