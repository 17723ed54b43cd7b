"""The service through its contract: ownership, policies that become limits, trading states, pages."""

import asyncio
from random import Random

import pytest

from kernel.eventlog.memory import MemoryStore
from kernel.refused import Refused
from trading.v1 import engine_pb2
from trading.v1.risk_pb2 import (
    GetAccountRequest,
    GetExposureRequest,
    GetRiskPositionRequest,
    Limits,
    ListAccountsRequest,
    ListLimitPoliciesRequest,
    ListPositionsRequest,
    RemoveLimitPolicyRequest,
    SetLimitPolicyRequest,
    SetTradingStateRequest,
)
from trading.v1.types_pb2 import LogPosition

from . import naive
from .ledger import CLEARING, CUSTOMERS, EXTERNAL, HOUSE, Ledger, account_id
from .running import platform

ANN, BEN, ANNS_SECOND = CUSTOMERS
SMALL = Limits(max_order_notional="1000", max_order_quantity="5.50", max_open_orders=3)


def ledger_of(seed, steps):
    ledger = Ledger(Random(seed))
    ledger.open_venue()
    for _ in range(steps):
        ledger.step()
    return ledger


def run(ledger, steps, **asked):
    """Run `steps(engine, stub)` on a platform of its own."""

    async def running():
        async with platform(ledger, **asked) as (engine, stub):
            await steps(engine, stub)

    asyncio.run(running())


async def limits_of(stub, account, at_least=None):
    found = (await stub.GetAccount(GetAccountRequest(account_id=account, at_least=at_least))).account.limits
    return found.max_order_notional, found.max_order_quantity, found.max_open_orders


async def until_told(engine, count):
    for _ in range(500):
        if len(engine.told) >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"the engine was told {engine.told}")


READS = [
    ("GetAccount", GetAccountRequest),
    ("ListPositions", ListPositionsRequest),
    ("GetExposure", GetExposureRequest),
]


@pytest.mark.parametrize(("method", "kind"), READS)
@pytest.mark.parametrize(
    ("sentence", "account", "user_id", "found"),
    [
        ("the owner sees it", ANN, "ann", True),
        ("an administrator sees it", ANN, "", True),
        ("an administrator sees the venue's own", EXTERNAL, "", True),
        ("another user does not, and does not learn that it exists", ANN, "ben", False),
        ("nobody sees what is not there", account_id(99), "", False),
    ],
)
def test_ownership(method, kind, sentence, account, user_id, found):
    async def steps(engine, stub):
        request = kind(account_id=account, user_id=user_id)
        if found:
            await getattr(stub, method)(request)
            return
        with pytest.raises(Refused) as refused:
            await getattr(stub, method)(request)
        assert refused.value.code == "unknown_account"
        assert refused.value.kind.value == "not_found"

    run(ledger_of(1, 20), steps)


def test_an_account_shows_what_the_log_says_at_the_position_that_was_asked_for():
    ledger = ledger_of(2, 150)

    async def steps(engine, stub):
        for _ in range(5):
            ledger.step()
        head = await engine.write()
        found = await stub.GetAccount(GetAccountRequest(account_id=ANN, user_id="ann", at_least=head))
        assert found.position == head
        account = found.account
        total = naive.sums(ledger.commands)
        assert {one.asset: (one.balance, one.hold) for one in account.balances} == {
            asset: tuple(naive.shown(total[ANN, asset, kind]) for kind in ("balance", "hold"))
            for asset in sorted({asset for owner, asset, _ in total if owner == ANN})
            if asset in {one.asset for one in account.balances}
        }
        assert (account.id, account.user_id, account.kind, account.state) == (ANN, "ann", "CUSTOMER", "ACTIVE")
        assert account.version == engine.versions[ANN]
        assert account.open_orders == sum(order[0] == ANN for order in naive.open_orders(ledger.commands).values())
        assert (await stub.GetRiskPosition(GetRiskPositionRequest())).position == head

    run(ledger, steps)


def test_accounts_are_listed_in_pages_by_owner_or_all():
    async def steps(engine, stub):
        mine = await stub.ListAccounts(ListAccountsRequest(user_id="ann"))
        assert [one.id for one in mine.accounts] == [ANN, ANNS_SECOND]
        assert mine.next_cursor == ""
        found, cursor = [], ""
        while True:
            page = await stub.ListAccounts(ListAccountsRequest(limit=2, cursor=cursor))
            found.extend(one.id for one in page.accounts)
            cursor = page.next_cursor
            if not cursor:
                break
        assert found == [EXTERNAL, HOUSE, *CLEARING.values(), *CUSTOMERS]

    run(ledger_of(3, 0), steps)


def test_a_policy_limits_every_account_that_it_covers_also_those_opened_later():
    ledger = ledger_of(4, 0)

    async def steps(engine, stub):
        asked = SetLimitPolicyRequest(policy="small", limits=SMALL, user_id="root", idempotency_key="k1")
        done = await stub.SetLimitPolicy(asked)
        assert done.accounts_changed == 3
        for account in CUSTOMERS:
            assert await limits_of(stub, account, done.position) == ("1000", "5.5", 3)
        assert await limits_of(stub, CLEARING["AAPL"]) == ("", "", 0)

        own = SetLimitPolicyRequest(
            policy="ben", account_id=BEN, limits=Limits(max_open_orders=9), user_id="root", idempotency_key="k2"
        )
        done = await stub.SetLimitPolicy(own)
        assert done.accounts_changed == 1
        assert await limits_of(stub, BEN, done.position) == ("1000", "5.5", 9)

        tighter = SetLimitPolicyRequest(policy="small", limits=Limits(max_open_orders=1), user_id="root")
        done = await stub.SetLimitPolicy(tighter)
        assert done.accounts_changed == 3
        assert await limits_of(stub, BEN, done.position) == ("", "", 9)

        engine.told.clear()
        new = account_id(20)
        ledger.open_account(new, "eve")
        await engine.write()
        await until_told(engine, 1)
        assert await limits_of(stub, new) == ("", "", 1)
        assert engine.told == [("change_limits", new)]

        listed = (await stub.ListLimitPolicies(ListLimitPoliciesRequest())).policies
        assert [(one.policy, one.account_id, one.limits.max_open_orders) for one in listed] == [
            ("small", "", 1),
            ("ben", BEN, 9),
        ]

    run(ledger, steps)


DEFAULTS = Limits(max_order_notional="1000", max_open_orders=3)


@pytest.mark.parametrize(
    ("sentence", "own", "default", "in_force"),
    [
        ("what its own leaves open is the default's", Limits(max_order_quantity="5"), DEFAULTS, ("1000", "5", 3)),
        ("its own comes first, also where it is wider", Limits(max_open_orders=9), DEFAULTS, ("1000", "", 9)),
        ("nothing of its own is the default", Limits(), DEFAULTS, ("1000", "", 3)),
        ("without a default there is only its own", Limits(max_open_orders=9), None, ("", "", 9)),
        ("removed, it is the default again", None, DEFAULTS, ("1000", "", 3)),
        ("removed, and there is no default", None, None, ("", "", 0)),
    ],
)
def test_an_account_falls_back_to_the_default_limit_by_limit(sentence, own, default, in_force):
    async def steps(engine, stub):
        first = Limits(max_order_notional="7", max_order_quantity="7", max_open_orders=7)
        await stub.SetLimitPolicy(SetLimitPolicyRequest(policy="a", account_id=ANN, limits=first, user_id="root"))
        if default is not None:
            done = await stub.SetLimitPolicy(SetLimitPolicyRequest(policy="d", limits=default, user_id="root"))
            assert await limits_of(stub, ANN, done.position) == ("7", "7", 7)
        if own is None:
            done = await stub.RemoveLimitPolicy(RemoveLimitPolicyRequest(account_id=ANN, user_id="root"))
        else:
            asked = SetLimitPolicyRequest(policy="a", account_id=ANN, limits=own, user_id="root")
            done = await stub.SetLimitPolicy(asked)
        assert await limits_of(stub, ANN, done.position) == in_force, sentence
        told = len(engine.told)
        again = await stub.RemoveLimitPolicy(RemoveLimitPolicyRequest(account_id=BEN, user_id="root"))
        assert (again.position.position >= done.position.position, len(engine.told)) == (True, told), "it had none"

    run(ledger_of(12, 0), steps)


def test_policies_are_listed_page_by_page_without_those_that_were_removed():
    async def steps(engine, stub):
        for account in (ANN, BEN, ""):
            await stub.SetLimitPolicy(
                SetLimitPolicyRequest(policy="p", account_id=account, limits=SMALL, user_id="root")
            )
        found, cursor = [], ""
        while cursor or not found:
            page = await stub.ListLimitPolicies(ListLimitPoliciesRequest(limit=1, cursor=cursor))
            found += [one.account_id for one in page.policies]
            cursor = page.next_cursor
        assert found == ["", ANN, BEN]
        await stub.RemoveLimitPolicy(RemoveLimitPolicyRequest(account_id=ANN, user_id="root"))
        listed = (await stub.ListLimitPolicies(ListLimitPoliciesRequest())).policies
        assert [one.account_id for one in listed] == ["", BEN]

    run(ledger_of(13, 0), steps)


def test_what_an_operator_changes_afterwards_stays_until_the_policy_is_set_again():
    ledger = ledger_of(5, 0)

    async def steps(engine, stub):
        asked = SetLimitPolicyRequest(policy="small", account_id=ANN, limits=SMALL, user_id="root")
        await stub.SetLimitPolicy(asked)
        ledger.change_limits(ANN, None, None, 50)
        head = await engine.write()
        assert await limits_of(stub, ANN, head) == ("", "", 50)
        await asyncio.sleep(0.05)
        assert await limits_of(stub, ANN) == ("", "", 50)
        await stub.SetLimitPolicy(asked)
        assert await limits_of(stub, ANN) == ("1000", "5.5", 3)

    run(ledger, steps)


def test_a_policy_that_the_engine_missed_is_enforced_after_a_restart_and_only_once(tmp_path):
    ledger = ledger_of(6, 0)
    store = MemoryStore()
    seen = []

    async def away(engine, stub):
        seen.append(engine)
        engine.away = True
        done = await stub.SetLimitPolicy(SetLimitPolicyRequest(policy="small", limits=SMALL, user_id="root"))
        assert (done.accounts_changed, done.accounts_pending) == (0, 3)
        assert await limits_of(stub, ANN, done.position) == ("", "", 0)

    async def back(engine, stub):
        await until_told(engine, 3)
        await asyncio.sleep(0.05)
        assert engine.told == [("change_limits", account) for account in CUSTOMERS]
        for account in CUSTOMERS:
            assert await limits_of(stub, account) == ("1000", "5.5", 3)

    async def again(engine, stub):
        await asyncio.sleep(0.05)
        assert len(engine.told) == 3

    run(ledger, away, folder=tmp_path, store=store)
    seen[0].away = False
    run(ledger, back, folder=tmp_path, store=store, engine=seen[0])
    run(ledger, again, folder=tmp_path, store=store, engine=seen[0])


def test_limits_that_wait_are_told_as_pending_and_come_into_force_when_the_engine_is_back():
    async def steps(engine, stub):
        engine.away = True
        asked = SetLimitPolicyRequest(policy="ann", account_id=ANN, limits=SMALL, user_id="root", idempotency_key="k")
        first, again = await stub.SetLimitPolicy(asked), await stub.SetLimitPolicy(asked)
        assert [(done.accounts_changed, done.accounts_pending) for done in (first, again)] == [(0, 1), (0, 1)]
        assert again.position == first.position
        engine.away = False
        await until_told(engine, 1)
        assert await limits_of(stub, ANN) == ("1000", "5.5", 3)
        done = await stub.SetLimitPolicy(asked)
        assert (done.accounts_changed, done.accounts_pending) == (0, 0)
        assert engine.told == [("change_limits", ANN)]

    run(ledger_of(11, 0), steps)


def test_an_idempotency_key_has_its_first_outcome_for_ever():
    async def steps(engine, stub):
        asked = SetLimitPolicyRequest(policy="small", limits=SMALL, user_id="root", idempotency_key="k")
        await stub.SetLimitPolicy(asked)
        told = list(engine.told)
        again = await stub.SetLimitPolicy(asked)
        assert again.accounts_changed == 0
        assert engine.told == told
        asked.limits.max_open_orders = 4
        with pytest.raises(Refused) as refused:
            await stub.SetLimitPolicy(asked)
        assert refused.value.code == "idempotency_key_reused"

    run(ledger_of(7, 0), steps)


def test_a_trading_state_is_changed_once_for_a_key():
    async def steps(engine, stub):
        asked = SetTradingStateRequest(
            account_id=ANN,
            state=engine_pb2.ACCOUNT_STATE_SUSPENDED,
            reason="margin",
            user_id="root",
            idempotency_key="k",
        )
        done = await stub.SetTradingState(asked)
        found = await stub.GetAccount(GetAccountRequest(account_id=ANN, at_least=done.position))
        assert found.account.state == "SUSPENDED"
        assert (await stub.SetTradingState(asked)).position == done.position
        assert len(engine.told) == 1
        asked.idempotency_key = "other"
        asked.state = engine_pb2.ACCOUNT_STATE_ACTIVE
        done = await stub.SetTradingState(asked)
        found = await stub.GetAccount(GetAccountRequest(account_id=ANN, at_least=done.position))
        assert found.account.state == "ACTIVE"

    run(ledger_of(8, 0), steps)


NOWHERE = LogPosition(log="other", position=1)


@pytest.mark.parametrize(
    ("sentence", "method", "request_", "code"),
    [
        ("a policy for an account that is not there", "SetLimitPolicy",
         SetLimitPolicyRequest(policy="p", account_id=account_id(99), limits=SMALL, user_id="r"), "unknown_account"),
        ("a policy for the venue's own account", "SetLimitPolicy",
         SetLimitPolicyRequest(policy="p", account_id=HOUSE, limits=SMALL, user_id="r"), "unknown_account"),
        ("a policy with a wrong name", "SetLimitPolicy",
         SetLimitPolicyRequest(policy="No Name", limits=SMALL, user_id="r"), "invalid_request"),
        ("a policy of nobody", "SetLimitPolicy", SetLimitPolicyRequest(policy="p", limits=SMALL), "invalid_request"),
        ("a removal for an account that is not there", "RemoveLimitPolicy",
         RemoveLimitPolicyRequest(account_id=account_id(99), user_id="r"), "unknown_account"),
        ("a state for an account that is not there", "SetTradingState",
         SetTradingStateRequest(account_id=account_id(99), state=engine_pb2.ACCOUNT_STATE_ACTIVE, user_id="r"),
         "unknown_account"),
        ("a state that is none", "SetTradingState", SetTradingStateRequest(account_id=ANN, user_id="r"),
         "invalid_request"),
        ("another log's position", "GetAccount", GetAccountRequest(account_id=ANN, at_least=NOWHERE), "unknown_log"),
        ("an account id that is none", "GetAccount", GetAccountRequest(account_id="x"), "invalid_request"),
    ],
)  # fmt: skip
def test_what_is_refused(sentence, method, request_, code):
    async def steps(engine, stub):
        with pytest.raises(Refused) as refused:
            await getattr(stub, method)(request_)
        assert refused.value.code == code
        assert engine.told == []

    run(ledger_of(9, 0), steps)
