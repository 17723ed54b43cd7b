import { provideHttpClient } from '@angular/common/http';
import { provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { NEVER, Subject } from 'rxjs';
import { BarsFrame, QuoteFrame, Topic } from '../stream/frames';
import { Stream } from '../stream/stream';
import { MarketStore } from './market-store';

const FRAME = { type: 'snapshot', symbol: 'X', seq: 1, first_seq: 1, time: '' } as const;

describe('a market', () => {
  it.each([
    ['a rise', '100', '101.5', '+1.50 %', 'up'],
    ['a fall', '100', '99', '-1.00 %', 'down'],
    ['a fall too small to show has neither sign nor colour', '189.45', '189.448', '0.00 %', 'same'],
    ['a rise too small to show', '189.448', '189.45', '0.00 %', 'same'],
    ['no change', '100', '100', '0.00 %', 'same'],
  ])('shows the change of the day: %s', (_name, open, last, text, direction) => {
    const quotes = new Subject<QuoteFrame>();
    const bars = new Subject<BarsFrame>();
    const watch = (topic: Topic) =>
      topic.channel === 'quotes' ? quotes : topic.channel === 'bars' ? bars : NEVER;
    TestBed.configureTestingModule({
      providers: [
        provideHttpClient(),
        provideHttpClientTesting(),
        MarketStore,
        { provide: Stream, useValue: { watch } },
      ],
    });
    const store = TestBed.inject(MarketStore);
    TestBed.runInInjectionContext(() => store.open('X'));
    quotes.next({ ...FRAME, channel: 'quotes', bid: null, ask: null, last });
    const bar = { time: '', open, high: open, low: last, close: last, volume: '1', trades: 1 };
    bars.next({ ...FRAME, channel: 'bars', bars: [bar] });
    expect(store.dayChange()).toEqual({ text, direction });
  });
});
