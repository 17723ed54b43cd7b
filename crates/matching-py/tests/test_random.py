"""Ten thousand random commands: live, replayed and restored engines answer with identical bytes."""

import random

from matching import command, ids
from matching.command import AccountState, AssetKind, OrderType, Session, Side, TextArena, TimeInForce
from matching.engine import Batch, Engine

COMMANDS = 10_000
CUSTOMERS = range(5, 11)


def account(sequence: int) -> int:
    return ids.entity_id(3, sequence)


def opening(texts: TextArena) -> list[bytes]:
    records = [
        command.open_venue(0),
        command.list_asset(texts, 0, "USD", 10, AssetKind.CURRENCY),
        command.list_asset(texts, 0, "BTC", 14, AssetKind.CURRENCY),
    ]
    for symbol, scale in (("BTC/USD", 1), ("BTC-MINI", 2)):
        records.append(
            command.list_instrument(
                texts,
                0,
                symbol=symbol,
                base=ids.entity_id(3, 2),
                quote=ids.entity_id(3, 1),
                price_unit=(5, scale),
                lot_unit=(1, 5),
                max_price=1_000_000,
                max_quantity=1_000_000,
                protection_ppm=20_000,
            )
        )
    for customer in CUSTOMERS:
        records.append(command.open_account(texts, 0, f"user-{customer}"))
        records.append(command.deposit(0, account(customer), ids.entity_id(3, 1), 10**18))
        records.append(command.deposit(0, account(customer), ids.entity_id(3, 2), 10**15))
    return records


def anything(draw: random.Random, texts: TextArena, stamp_ns: int, orders: int) -> bytes:
    """A command; `orders` is about the number of orders so far."""
    owner, order = account(draw.choice(CUSTOMERS)), ids.entity_id(3, max(1, orders - draw.randint(0, 30)))
    instrument = ids.entity_id(3, draw.randint(1, 2))
    kind = draw.random()
    if kind < 0.6:
        market = draw.random() < 0.1
        time_in_force = draw.choice(list(TimeInForce))
        return command.place_order(
            texts,
            stamp_ns,
            account_id=owner,
            instrument_id=instrument,
            side=draw.choice(list(Side)),
            order_type=OrderType.MARKET if market else OrderType.LIMIT,
            time_in_force=time_in_force,
            quantity=draw.randint(0, 500),
            price=0 if market else draw.randint(9_990, 10_010),
            expire_at_ms=(stamp_ns // 10**6 + draw.randint(1, 50)) if time_in_force == TimeInForce.GTD else 0,
            client_order_id=draw.choice([None, f"c-{stamp_ns}", 'ü "q" \\']),
        )
    if kind < 0.75:
        return command.cancel_order(stamp_ns, owner, order)
    if kind < 0.9:
        return command.replace_order(
            texts,
            stamp_ns,
            account_id=owner,
            order_id=order,
            quantity=draw.randint(1, 500),
            price=draw.randint(9_990, 10_010),
        )
    if kind < 0.97:
        return command.change_session(texts, stamp_ns, instrument, Session.CONTINUOUS, "open")
    return draw.choice(
        [
            command.cancel_all(stamp_ns, owner, draw.choice([None, instrument])),
            command.change_session(texts, stamp_ns, instrument, Session.CLOSED),
            command.change_limits(stamp_ns, owner, max_order_quantity=draw.choice([None, 10**15])),
            command.change_account_state(texts, stamp_ns, owner, AccountState.ACTIVE, "checked"),
            command.withdraw(stamp_ns, owner, ids.entity_id(3, 1), draw.choice([1, 10**30])),
        ]
    )


def batches(seed: int, first_step: int) -> list[tuple[bytes, bytes]]:
    draw, made = random.Random(seed), []
    for start in range(first_step, first_step + COMMANDS, 500):
        texts = TextArena()
        records = [anything(draw, texts, 1_000_000 * step, step * 6 // 10) for step in range(start, start + 500)]
        made.append((b"".join(records), bytes(texts)))
    return made


def rows(batch: Batch) -> list[tuple[str, str, int, bytes]]:
    return [(row[1], row[5], row[4], row[6]) for row in batch.events]


def test_ten_thousand_commands_are_answered_alike_by_live_replayed_and_restored_engines():
    live, replayed, texts = Engine(3), Engine(3), TextArena()
    replayed.evolve(rows(live.execute(b"".join(opening(texts)), bytes(texts))))
    for records, arena in batches(seed=1, first_step=0):
        replayed.evolve(rows(live.execute(records, arena)))
    assert live.state_hash() == replayed.state_hash()
    restored = Engine.restore(live.snapshot())
    kinds = set()
    for records, arena in batches(seed=2, first_step=COMMANDS):
        answers = [engine.execute(records, arena) for engine in (live, replayed, restored)]
        assert answers[0].events == answers[1].events == answers[2].events
        kinds |= {row[1] for row in answers[0].events}
    assert live.state_hash() == replayed.state_hash() == restored.state_hash()
    assert live.command_sequence == replayed.command_sequence == restored.command_sequence
    assert kinds >= {"OrderCreated", "OrderExecuted", "OrderReplaced", "OrderCanceled", "OrderRejected", "OrderExpired"}
