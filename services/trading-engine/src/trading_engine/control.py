"""What holds for many orders at once, on the wire: kill switches, timers, options of accounts, rules of instruments."""

from kernel.money import NotExact, parse, units
from kernel.refused import Kind, Refused
from matching import command as record
from trading.v1 import engine_pb2
from trading_engine.listing import PARTS_UNIT, Draft, Listing, account, count, price
from trading_engine.placing import SELF_TRADE_PREVENTIONS

SWITCHES = {
    engine_pb2.SWITCH_UNSPECIFIED: None,
    engine_pb2.SWITCH_OFF: record.Switch.OFF,
    engine_pb2.SWITCH_ON: record.Switch.ON,
}
ALLOCATIONS = {
    engine_pb2.ALLOCATION_UNSPECIFIED: None,
    engine_pb2.ALLOCATION_PRICE_TIME: record.Allocation.PRICE_TIME,
    engine_pb2.ALLOCATION_PRO_RATA: record.Allocation.PRO_RATA,
    engine_pb2.ALLOCATION_LEAD_MARKET_MAKER: record.Allocation.LEAD_MARKET_MAKER,
}


def control(command: engine_pb2.Command, listing: Listing, stamp_ns: int, draft: Draft) -> bytes:
    """The record of a command that concerns many orders, none by name."""
    match command.WhichOneof("body"):
        case "change_kill_switch":
            turned = command.change_kill_switch
            number = account(turned.account_id) if turned.account_id else None
            state = record.Switch.ON if turned.state == engine_pb2.SWITCH_ON else record.Switch.OFF
            return record.change_kill_switch(draft.texts, stamp_ns, state, number, turned.reason)
        case "set_dead_mans_timer":
            timer = command.set_dead_mans_timer
            return record.set_dead_mans_timer(stamp_ns, account(timer.account_id), timer.due_ms)
        case "report_disconnect":
            lost = command.report_disconnect
            return record.report_disconnect(draft.texts, stamp_ns, account(lost.account_id), lost.reason)
        case "change_account_options":
            return _change_account_options(command.change_account_options, stamp_ns)
        case "set_mark_price":
            mark = command.set_mark_price
            terms = listing.instrument(mark.symbol)
            return record.set_mark_price(stamp_ns, terms.number, price(mark.price, terms))
        case "change_instrument_rules":
            return _change_instrument_rules(command.change_instrument_rules, listing, stamp_ns)
        case unknown:
            raise Refused("unknown_command", f"This engine does not know the command {unknown}.", Kind.INVALID)


def _change_account_options(change: engine_pb2.ChangeAccountOptions, stamp_ns: int) -> bytes:
    return record.change_account_options(
        stamp_ns,
        account(change.account_id),
        cancel_on_disconnect=SWITCHES[change.cancel_on_disconnect],
        trade_group=change.trade_group if change.HasField("trade_group") else None,
    )


def _change_instrument_rules(change: engine_pb2.ChangeInstrumentRules, listing: Listing, stamp_ns: int) -> bytes:
    terms = listing.instrument(change.symbol)
    allocation = ALLOCATIONS[change.allocation]
    _check_allocation(change)
    return record.change_instrument_rules(
        stamp_ns,
        terms.number,
        self_trade_prevention=SELF_TRADE_PREVENTIONS[change.self_trade_prevention],
        allocation=allocation,
        least=count("quantity", change.least_allocation, terms.lot_unit, "quantity_off_lot")
        if change.least_allocation
        else 0,
        lead_account_id=account(change.lead_account_id) if change.lead_account_id else 0,
        lead_share_ppm=_parts(change.lead_share) if change.lead_share else 0,
    )


def _check_allocation(change: engine_pb2.ChangeInstrumentRules) -> None:
    """An allocation has what it needs and nothing else."""
    leads = change.allocation == engine_pb2.ALLOCATION_LEAD_MARKET_MAKER
    if change.least_allocation and change.allocation != engine_pb2.ALLOCATION_PRO_RATA:
        raise Refused("contradicting_terms", "least_allocation: only for the allocation PRO_RATA.", Kind.INVALID)
    for field in ("lead_account_id", "lead_share"):
        if leads != bool(getattr(change, field)):
            told = "required for" if leads else "only for"
            raise Refused("contradicting_terms", f"{field}: {told} the allocation LEAD_MARKET_MAKER.", Kind.INVALID)


def _parts(text: str) -> int:
    """A fraction in millionths; the contract bounds it."""
    try:
        return units(parse(text), PARTS_UNIT)
    except NotExact:
        raise Refused("invalid_terms", f"The share is a fraction with at most six decimals, got {text}.") from None
