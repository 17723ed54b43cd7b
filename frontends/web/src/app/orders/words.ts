import { Order } from '../api/models/order';
import { compare, decimal, display, parse } from '../decimal/decimal';

const STATUS_WORDS: Readonly<Record<Order['status'], string>> = {
  PENDING: 'Working',
  PARTIALLY_EXECUTED: 'Partly filled',
  EXECUTED: 'Filled',
  CANCELED: 'Canceled',
  EXPIRED: 'Expired',
  REJECTED: 'Refused',
};

export const statusText = (order: Order): string => STATUS_WORDS[order.status];

/** A reason code such as `client_requested` as words. */
export const reasonText = (reason: string | null): string =>
  reason ? reason.replaceAll('_', ' ').toLowerCase() : '';

function grouped(text: string): string {
  const value = parse(text);
  return value ? display(value, 0, 10) : text;
}

const ONE = { units: 1n, scale: 0 };

/** An average has up to ten decimals: four are enough for people, unless the price is very small. */
function averageText(average: string): string {
  const value = decimal(average);
  return display(value, 0, compare(value, ONE) < 0 ? 10 : 4);
}

/** "Bought 500 AAPL at 189.4921" for an order that traded: all of it so far, in however many trades. */
export function fillText(order: Order): string {
  const verb = order.side === 'SELL' ? 'Sold' : 'Bought';
  const price = order.average_price ? ` at ${averageText(order.average_price)}` : '';
  if (order.status === 'EXECUTED') return `${verb} ${grouped(order.quantity)} ${order.symbol}${price}`;
  const rest = order.status === 'PARTIALLY_EXECUTED' ? 'the rest is working' : 'the rest was canceled';
  return `${verb} ${grouped(order.cum_quantity)} of ${grouped(order.quantity)} ${order.symbol}${price}, ${rest}`;
}

const TOLD_MAX = 3;

/** What one frame filled, as one message. */
export function fillsText(filled: readonly Order[]): string {
  const told = filled.slice(0, TOLD_MAX).map(fillText).join(' · ');
  const more = filled.length - TOLD_MAX;
  return more > 0 ? `${told} · and ${more} more ${more === 1 ? 'order' : 'orders'}` : told;
}

/** What became of an order that was just placed. */
export function placedText(order: Order): string {
  const what = `${order.side === 'BUY' ? 'Buy' : 'Sell'} ${grouped(order.quantity)} ${order.symbol}`;
  const average = order.average_price ? ` at ${averageText(order.average_price)}` : '';
  switch (order.status) {
    case 'EXECUTED':
      return `${what}: filled${average}.`;
    case 'PARTIALLY_EXECUTED':
      return `${what}: ${grouped(order.cum_quantity)} filled${average}, the rest is working.`;
    case 'PENDING':
      return `${what}: working${order.price ? ` at ${grouped(order.price)}` : ''}.`;
    case 'CANCELED':
    case 'EXPIRED':
      return order.average_price
        ? `${what}: ${grouped(order.cum_quantity)} filled${average}, the rest was canceled.`
        : `${what}: nothing to trade with, canceled.`;
    case 'REJECTED':
      return `${what}: refused (${reasonText(order.reason)}).`;
  }
}
