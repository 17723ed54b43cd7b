import { Instrument } from '../api/models/instrument';
import { NewOrder } from '../api/models/new-order';
import { OrderType } from '../api/models/order-type';
import { Side } from '../api/models/side';
import { TimeInForce } from '../api/models/time-in-force';
import {
  compare,
  Decimal,
  decimal,
  divide,
  floorTo,
  isMultiple,
  multiply,
  parse,
  text,
} from '../decimal/decimal';

/** What the ticket's form holds: text as typed. */
export interface Draft {
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  readonly quantity: string;
  readonly price: string;
}

const ZERO = { units: 0n, scale: 0 };

function fault(typed: string, unit: string, most: string, what: string): string | null {
  const value = parse(typed);
  if (!value) return `Enter a ${what}, such as ${unit}.`;
  if (compare(value, ZERO) <= 0) return `The ${what} must be above 0.`;
  if (!isMultiple(value, decimal(unit))) return `The ${what} must be a multiple of ${unit}.`;
  if (compare(value, decimal(most)) > 0) return `The ${what} may be ${most} at most.`;
  return null;
}

export const quantityFault = (typed: string, instrument: Instrument): string | null =>
  fault(typed, instrument.lot_unit, instrument.max_quantity, 'quantity');

export const priceFault = (typed: string, instrument: Instrument): string | null =>
  fault(typed, instrument.price_unit, instrument.max_price, 'price');

/** Quantity times the limit price, or for a market order times the best opposite price; null while either is missing. */
export function estimate(draft: Draft, bestOpposite: string | null): Decimal | null {
  const quantity = parse(draft.quantity);
  const price = parse(draft.type === 'LIMIT' ? draft.price : (bestOpposite ?? ''));
  return quantity && price ? multiply(quantity, price) : null;
}

/** The largest quantity in whole lots that `percent` of what is available pays for. */
export function affordable(
  side: Side,
  percent: number,
  available: string,
  price: string | null,
  lotUnit: string,
): string | null {
  const share = divide(
    multiply(decimal(available), { units: BigInt(percent), scale: 0 }),
    { units: 100n, scale: 0 },
    18,
  );
  if (side === 'SELL') return text(floorTo(share, decimal(lotUnit)));
  const each = parse(price ?? '');
  if (!each || each.units <= 0n) return null;
  return text(floorTo(divide(share, each, 18), decimal(lotUnit)));
}

/** The request behind a draft that has no faults. */
export function orderOf(draft: Draft, symbol: string, clientOrderId: string): NewOrder {
  const order = {
    symbol,
    side: draft.side,
    quantity: canonical(draft.quantity),
    client_order_id: clientOrderId,
  };
  return draft.type === 'MARKET'
    ? { ...order, type: 'MARKET', time_in_force: 'IOC' }
    : { ...order, type: 'LIMIT', price: canonical(draft.price), time_in_force: draft.timeInForce };
}

const canonical = (typed: string): string => text(decimal(typed));
