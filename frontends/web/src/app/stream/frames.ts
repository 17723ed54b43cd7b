import { Balance } from '../api/models/balance';
import { BarInterval } from '../api/models/bar-interval';
import { Order } from '../api/models/order';
import { Side } from '../api/models/side';

/** What can be watched on `/v1/stream`. */
export type Topic =
  | { readonly channel: 'book'; readonly symbol: string; readonly depth: number }
  | { readonly channel: 'trades' | 'quotes'; readonly symbol: string }
  | { readonly channel: 'bars'; readonly symbol: string; readonly interval: BarInterval }
  | { readonly channel: 'orders' };

/** Price and total quantity; in an update "0" means that the level is gone. */
export type StreamLevel = readonly [price: string, quantity: string];

export interface StreamTrade {
  readonly trade_id: string;
  readonly price: string;
  readonly quantity: string;
  readonly aggressor_side: Side;
  readonly time: string;
}

export interface StreamBar {
  readonly time: string;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  readonly trades: number;
}

export interface OrderEvent {
  readonly event_type: string;
  readonly order_id?: string;
  readonly symbol?: string;
  readonly side?: Side;
  readonly price?: string;
  readonly quantity?: string;
}

interface Sequenced {
  readonly type: 'snapshot' | 'update';
  readonly symbol?: string;
  readonly interval?: BarInterval;
  readonly seq: number;
  readonly first_seq: number;
  readonly time: string;
}

export type BookFrame = Sequenced & {
  readonly channel: 'book';
  readonly bids: readonly StreamLevel[];
  readonly asks: readonly StreamLevel[];
};
export type QuoteFrame = Sequenced & {
  readonly channel: 'quotes';
  readonly bid: StreamLevel | null;
  readonly ask: StreamLevel | null;
  readonly last: string | null;
};
export type TradesFrame = Sequenced & { readonly channel: 'trades'; readonly trades: readonly StreamTrade[] };
export type BarsFrame = Sequenced & { readonly channel: 'bars'; readonly bars: readonly StreamBar[] };
export type OrdersFrame = Sequenced & {
  readonly channel: 'orders';
  readonly account_id?: string;
  readonly orders: readonly Order[];
  readonly balances: readonly Balance[];
  readonly events?: readonly OrderEvent[];
};

export interface FrameOf {
  readonly book: BookFrame;
  readonly quotes: QuoteFrame;
  readonly trades: TradesFrame;
  readonly bars: BarsFrame;
  readonly orders: OrdersFrame;
}
export type DataFrame = FrameOf[keyof FrameOf];

export type Frame =
  | DataFrame
  | { readonly type: 'authenticated' }
  | { readonly type: 'pong' }
  | { readonly type: 'heartbeat'; readonly seqs: Readonly<Record<string, number>> }
  | { readonly type: 'error'; readonly code: string; readonly message: string; readonly id?: string };

/** The name under which a topic's frames arrive, and its heartbeats' too. */
export function keyOf(topic: { channel: string; symbol?: string; interval?: string }): string {
  return [topic.channel, topic.symbol, topic.interval].filter((part) => part !== undefined).join(':');
}
