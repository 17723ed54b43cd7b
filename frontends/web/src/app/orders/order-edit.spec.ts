import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { ComponentFixture, TestBed } from '@angular/core/testing';
import { NEVER, Subject } from 'rxjs';
import { ApiConfiguration } from '../api/api-configuration';
import { Order } from '../api/models/order';
import { MarketStore } from '../market/market-store';
import { QuoteFrame, Topic } from '../stream/frames';
import { Stream } from '../stream/stream';
import { OrderEdit } from './order-edit';

const INSTRUMENT = {
  instrument_id: 'i',
  symbol: 'AAPL',
  base: 'AAPL',
  quote: 'USD',
  price_unit: '0.01',
  lot_unit: '1',
  max_price: '1000000',
  max_quantity: '10000',
  protection: '0.05',
  calendar: 'ALWAYS',
  session: 'CONTINUOUS',
};
const ORDER: Order = {
  order_id: 'o1',
  client_order_id: null,
  account_id: 'a',
  user_id: 'u',
  symbol: 'AAPL',
  side: 'BUY',
  type: 'LIMIT',
  time_in_force: 'GTC',
  status: 'PARTIALLY_EXECUTED',
  quantity: '100',
  price: '180.5',
  protection_price: null,
  cum_quantity: '40',
  leaves_quantity: '60',
  cum_notional: '7220',
  average_price: '180.5',
  reason: null,
  version: 2,
  created_at: '2026-11-02T14:30:00Z',
  updated_at: '2026-11-02T14:30:00Z',
};

describe('editing an order', () => {
  let fixture: ComponentFixture<OrderEdit>;
  let http: HttpTestingController;
  let quotes: Subject<QuoteFrame>;
  let closed: number;

  const find = (id: string): HTMLElement | null =>
    (fixture.nativeElement as HTMLElement).querySelector(`[data-testid="${id}"]`);
  const words = (id: string): string | undefined => find(id)?.textContent.trim();
  const type = (field: string, value: string): void => {
    const input = find(`edit-${field}`) as HTMLInputElement;
    input.value = value;
    input.dispatchEvent(new Event('input'));
  };
  const settled = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve));
    await fixture.whenStable();
  };
  const save = async (): Promise<void> => {
    find('edit-save')?.click();
    await fixture.whenStable();
  };

  beforeEach(async () => {
    quotes = new Subject();
    const watch = (topic: Topic) => (topic.channel === 'quotes' ? quotes : NEVER);
    TestBed.configureTestingModule({
      providers: [
        provideHttpClient(),
        provideHttpClientTesting(),
        MarketStore,
        { provide: Stream, useValue: { watch } },
      ],
    });
    TestBed.inject(ApiConfiguration).rootUrl = '/v1';
    http = TestBed.inject(HttpTestingController);
    const market = TestBed.inject(MarketStore);
    http.expectOne('/v1/instruments?limit=500').flush({ items: [INSTRUMENT], next_cursor: null });
    TestBed.runInInjectionContext(() => market.open('AAPL'));
    fixture = TestBed.createComponent(OrderEdit);
    fixture.componentRef.setInput('order', ORDER);
    closed = 0;
    fixture.componentInstance.closed.subscribe(() => (closed += 1));
    await fixture.whenStable();
  });

  it.each([
    ['a new price', '181', '100', { price: '181' }],
    ['less of it, which keeps its place', '180.50', '90', { quantity: '90' }],
    ['both', '1,810.5', '1,000', { price: '1810.5', quantity: '1000' }],
  ])('sends what differs: %s', async (_name, price, quantity, body) => {
    type('price', price);
    type('quantity', quantity);
    await save();
    const request = http.expectOne('/v1/orders/o1');
    expect([request.request.method, request.request.body]).toEqual(['PATCH', body]);
    request.flush({ ...ORDER, ...body, version: 3 });
    await settled();
    expect(closed).toBe(1);
  });

  it('sends nothing when nothing differs', async () => {
    await save();
    http.expectNone('/v1/orders/o1');
    expect(closed).toBe(1);
  });

  it.each([
    ['price', '180,5', 'Write decimals with a point, and commas only between thousands, as in 1,234.5.'],
    ['price', '180.505', 'The price must be a multiple of 0.01.'],
    ['quantity', '40', '40 is filled already: enter more than that.'],
    ['quantity', '0.5', 'The quantity must be a multiple of 1.'],
  ])('explains a wrong %s of %s', async (field, typed, expected) => {
    type(field, typed);
    await save();
    expect(words(`edit-${field}-fault`)).toBe(expected);
    http.expectNone('/v1/orders/o1');
  });

  it.each([
    ['order_closed', 'edit-problem'],
    ['quantity_below_executed', 'edit-quantity-fault'],
  ])('keeps the form and says why after %s', async (code, place) => {
    type('quantity', '90');
    await save();
    http
      .expectOne('/v1/orders/o1')
      .flush({ code, message: 'Too late.', status: 422 }, { status: 422, statusText: '' });
    await settled();
    expect([words(place), closed]).toEqual(['Too late.', 0]);
  });

  it('asks before a price that is far through the market', async () => {
    const level = (price: string) => [price, '1'] as const;
    const quote: Omit<QuoteFrame, 'bid' | 'ask'> = {
      type: 'snapshot',
      channel: 'quotes',
      symbol: 'AAPL',
      seq: 1,
      first_seq: 1,
      time: '',
      last: null,
    };
    quotes.next({ ...quote, bid: level('180'), ask: level('181') });
    type('price', '1805');
    await save();
    expect(words('edit-question')).toContain('above the lowest offer, 181');
    http.expectNone('/v1/orders/o1');
    find('edit-confirm')?.click();
    await fixture.whenStable();
    expect(http.expectOne('/v1/orders/o1').request.body).toEqual({ price: '1805' });
  });
});
