import { computed, inject } from '@angular/core';
import {
  patchState,
  signalStore,
  withComputed,
  withHooks,
  withMethods,
  withProps,
  withState,
} from '@ngrx/signals';
import { rxMethod } from '@ngrx/signals/rxjs-interop';
import { merge, Observable, pipe, switchMap, tap } from 'rxjs';
import { Instrument } from '../api/models/instrument';
import { compare, Decimal, decimal, display, divide, scaleOf, subtract } from '../decimal/decimal';
import {
  BarsFrame,
  BookFrame,
  QuoteFrame,
  StreamBar,
  StreamLevel,
  StreamTrade,
  TradesFrame,
} from '../stream/frames';
import { Stream } from '../stream/stream';
import { Instruments } from './instruments';
import { Ladder, LiveBook } from './ladder';

interface MarketState {
  readonly symbol: string;
  readonly ladder: Ladder;
  readonly bookSeq: number;
  readonly bid: StreamLevel | null;
  readonly ask: StreamLevel | null;
  readonly last: string | null;
  readonly direction: 'up' | 'down' | 'same';
  readonly trades: readonly StreamTrade[];
  readonly day: StreamBar | null;
  /** A price that someone picked in the ladder, until the ticket takes it. */
  readonly picked: string | null;
}

const DEPTH = 25;
const TRADES_MAX = 60;
const EMPTY: MarketState = {
  symbol: '',
  ladder: { bids: [], asks: [] },
  bookSeq: 0,
  bid: null,
  ask: null,
  last: null,
  direction: 'same',
  trades: [],
  day: null,
  picked: null,
};

/** One symbol's live market: a fold of its four channels, drawn at most once a frame of the screen. */
export const MarketStore = signalStore(
  withState(EMPTY),
  withProps(() => ({ _stream: inject(Stream), _instruments: inject(Instruments) })),
  withComputed((store) => ({
    instrument: computed<Instrument | undefined>(() =>
      store._instruments.all().find((instrument) => instrument.symbol === store.symbol()),
    ),
  })),
  withComputed((store) => ({
    priceScale: computed(() => scaleOf(store.instrument()?.price_unit ?? '0.01')),
    spread: computed(() => {
      const [bid, ask] = [store.bid(), store.ask()];
      return bid && ask ? subtract(decimal(ask[0]), decimal(bid[0])) : null;
    }),
    dayChange: computed(() => {
      const [last, day] = [store.last(), store.day()];
      if (!last || !day || Number(day.open) === 0) return null;
      const change = subtract(decimal(last), decimal(day.open));
      const percent = divide({ units: change.units * 100n, scale: change.scale }, decimal(day.open), 2);
      // Sign and colour are those of what is shown: a change too small to show has neither.
      return {
        text: `${percent.units > 0n ? '+' : ''}${display(percent, 2)} %`,
        direction: directionIn(percent),
      };
    }),
  })),
  withMethods((store) => {
    let book = new LiveBook(DEPTH);
    let drawing = 0;

    const draw = (frame: BookFrame): void => {
      book.apply(frame);
      if (drawing) return;
      drawing = requestAnimationFrame(() => {
        drawing = 0;
        patchState(store, { ladder: book.ladder(DEPTH), bookSeq: frame.seq });
      });
    };
    const quote = (frame: QuoteFrame): void => {
      patchState(store, (state) => ({
        bid: frame.bid,
        ask: frame.ask,
        last: frame.last,
        direction: directionOf(state.last, frame.last, state.direction),
      }));
    };
    const trade = (frame: TradesFrame): void => {
      const newest = frame.trades.toReversed();
      patchState(store, (state) => ({
        trades: (frame.type === 'snapshot' ? newest : [...newest, ...state.trades]).slice(0, TRADES_MAX),
      }));
    };
    const today = (frame: BarsFrame): void => {
      const day = frame.bars.at(-1);
      if (day) patchState(store, { day });
    };
    const follow = (symbol: string): Observable<unknown> =>
      merge(
        store._stream.watch({ channel: 'book', symbol, depth: DEPTH }).pipe(tap(draw)),
        store._stream.watch({ channel: 'quotes', symbol }).pipe(tap(quote)),
        store._stream.watch({ channel: 'trades', symbol }).pipe(tap(trade)),
        store._stream.watch({ channel: 'bars', symbol, interval: '1d' }).pipe(tap(today)),
      );

    return {
      /** Follows a symbol until another one is asked for. */
      open: rxMethod<string>(
        pipe(
          tap((symbol) => {
            cancelAnimationFrame(drawing);
            drawing = 0;
            book = new LiveBook(DEPTH);
            patchState(store, { ...EMPTY, symbol });
          }),
          switchMap(follow),
        ),
      ),
      pick(price: string | null): void {
        patchState(store, { picked: price });
      },
    };
  }),
  withHooks((store) => ({
    onInit: () => {
      void store._instruments.load();
    },
  })),
);
export type MarketStore = InstanceType<typeof MarketStore>;

function directionIn(change: Decimal): MarketState['direction'] {
  return change.units === 0n ? 'same' : change.units > 0n ? 'up' : 'down';
}

function directionOf(
  before: string | null,
  now: string | null,
  direction: MarketState['direction'],
): MarketState['direction'] {
  if (!before || !now) return 'same';
  const sign = compare(decimal(now), decimal(before));
  return sign === 0 ? direction : sign > 0 ? 'up' : 'down';
}
