import { Order } from '../api/models/order';
import { display, parse } from '../decimal/decimal';
import { OrderEvent } from '../stream/frames';

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

/** "Bought 0.5 BTC-USD at 64,250.1" for a fill; null for every other event. */
export function fillText(event: OrderEvent): string | null {
  if (event.event_type !== 'OrderExecuted' || !event.quantity || !event.price) return null;
  const verb = event.side === 'SELL' ? 'Sold' : 'Bought';
  return `${verb} ${grouped(event.quantity)} ${event.symbol ?? ''} at ${grouped(event.price)}`;
}

/** What became of an order that was just placed. */
export function placedText(order: Order): string {
  const what = `${order.side === 'BUY' ? 'Buy' : 'Sell'} ${grouped(order.quantity)} ${order.symbol}`;
  const average = order.average_price ? ` at ${grouped(order.average_price)}` : '';
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
