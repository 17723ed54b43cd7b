import { Instrument } from '../api/models/instrument';
import { NewOrder } from '../api/models/new-order';
import { OrderType } from '../api/models/order-type';
import { Side } from '../api/models/side';
import { TimeInForce } from '../api/models/time-in-force';
import {
  compare,
  Decimal,
  decimal,
  display,
  divide,
  floorTo,
  isMultiple,
  multiply,
  parseTyped,
  subtract,
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
const COMMA = 'Write decimals with a point, and commas only between thousands, as in 1,234.5.';
/** A limit beyond the best opposite price by more than this part of it is asked about before it is sent. */
const FAR: Decimal = { units: 5n, scale: 2 };
const PERCENT_DECIMALS = 1;

function fault(typed: string, unit: string, most: string, what: string): string | null {
  const value = parseTyped(typed);
  if (!value && typed.includes(',')) return COMMA;
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
  const quantity = parseTyped(draft.quantity);
  const price = parseTyped(draft.type === 'LIMIT' ? draft.price : (bestOpposite ?? ''));
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
  const each = parseTyped(price ?? '');
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

/** A limit that is far through the market, as a question; null when it is not, or there is nothing to compare with. */
export function farThrough(draft: Draft, bestOpposite: string | null): string | null {
  const price = parseTyped(draft.price);
  const best = parseTyped(bestOpposite ?? '');
  if (draft.type !== 'LIMIT' || !price || !best || best.units <= 0n) return null;
  const isBuy = draft.side === 'BUY';
  const beyond = isBuy ? subtract(price, best) : subtract(best, price);
  if (compare(beyond, multiply(best, FAR)) <= 0) return null;
  const percent = divide({ units: beyond.units * 100n, scale: beyond.scale }, best, PERCENT_DECIMALS);
  const [side, offers] = isBuy ? ['above', 'lowest offer'] : ['below', 'highest bid'];
  const [far, at] = [display(percent, PERCENT_DECIMALS), display(best, 0, 10)];
  return `${display(price, 0, 10)} is ${far} % ${side} the ${offers}, ${at}. It would trade at once. Is that meant?`;
}

/** Plain text for the platform, of what was typed without a fault. */
export function canonical(typed: string): string {
  const value = parseTyped(typed);
  if (!value) throw new Error(`expected a decimal without faults, got "${typed}"`);
  return text(value);
}
