import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { signal, WritableSignal } from '@angular/core';
import { ComponentFixture, TestBed } from '@angular/core/testing';
import { NEVER, Subject } from 'rxjs';
import { ApiConfiguration } from '../api/api-configuration';
import { NewOrder } from '../api/models/new-order';
import { Session } from '../auth/session';
import { QuoteFrame, Topic } from '../stream/frames';
import { Stream, StreamStatus } from '../stream/stream';
import { MarketStore } from './market-store';
import { OrderTicket } from './order-ticket';

const INSTRUMENT = {
  instrument_id: 'i',
  symbol: 'BTC-USD',
  base: 'BTC',
  quote: 'USD',
  price_unit: '0.01',
  lot_unit: '0.01',
  max_price: '1000000',
  max_quantity: '100',
  protection: '0.05',
  calendar: 'ALWAYS',
  session: 'CONTINUOUS',
};
const QUOTE: QuoteFrame = {
  type: 'snapshot',
  channel: 'quotes',
  symbol: 'BTC-USD',
  seq: 1,
  first_seq: 1,
  time: '',
  bid: ['63990', '1'],
  ask: ['64000', '1'],
  last: '64000',
};
const PLACED = {
  order_id: 'o',
  symbol: 'BTC-USD',
  side: 'BUY',
  status: 'PENDING',
  quantity: '0.5',
  price: '64250.1',
  average_price: null,
};

describe('the order ticket', () => {
  let fixture: ComponentFixture<OrderTicket>;
  let http: HttpTestingController;
  let frames: Subject<QuoteFrame>;
  let status: WritableSignal<StreamStatus>;

  const find = (id: string): HTMLElement | null =>
    (fixture.nativeElement as HTMLElement).querySelector(`[data-testid="${id}"]`);
  const words = (id: string): string | undefined => find(id)?.textContent.trim();
  const type = (id: string, value: string): void => {
    const input = find(id) as HTMLInputElement;
    input.value = value;
    input.dispatchEvent(new Event('input'));
  };
  /** An answer passes through a few promises before it is on the screen. */
  const settled = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve));
    await fixture.whenStable();
  };
  const submit = async (): Promise<void> => {
    find('place-order')?.click();
    await fixture.whenStable();
  };
  const sent = (): NewOrder => http.expectOne('/v1/orders').request.body as NewOrder;

  beforeEach(async () => {
    frames = new Subject();
    status = signal<StreamStatus>('live');
    TestBed.configureTestingModule({
      providers: [
        provideHttpClient(),
        provideHttpClientTesting(),
        MarketStore,
        {
          provide: Stream,
          useValue: { status, watch: (topic: Topic) => (topic.channel === 'quotes' ? frames : NEVER) },
        },
        { provide: Session, useValue: { mayTrade: signal(true) } },
      ],
    });
    TestBed.inject(ApiConfiguration).rootUrl = '/v1';
    http = TestBed.inject(HttpTestingController);
    const market = TestBed.inject(MarketStore);
    http.expectOne('/v1/instruments?limit=500').flush({ items: [INSTRUMENT], next_cursor: null });
    TestBed.runInInjectionContext(() => market.open('BTC-USD'));
    fixture = TestBed.createComponent(OrderTicket);
    await fixture.whenStable();
  });

  it('explains what is missing before anything is sent', async () => {
    await submit();
    expect(words('price-fault')).toBe('Enter a price, such as 0.01.');
    expect(words('quantity-fault')).toBe('Enter a quantity, such as 0.01.');
    http.expectNone('/v1/orders');
  });

  it('sends the order and says what became of it', async () => {
    type('price', '64,250.10');
    type('quantity', '0.5');
    await submit();
    const request = http.expectOne('/v1/orders');
    expect(request.request.body).toMatchObject({
      side: 'BUY',
      type: 'LIMIT',
      price: '64250.1',
      quantity: '0.5',
    });
    request.flush(PLACED, { status: 201, statusText: 'Created' });
    await settled();
    expect(words('ticket-placed')).toBe('Buy 0.5 BTC-USD: working at 64,250.1.');
    expect((find('quantity') as HTMLInputElement).value).toBe('');
  });

  it('does not guess what a comma means', async () => {
    type('price', '64250,10');
    type('quantity', '0.5');
    await submit();
    expect(words('price-fault')).toContain('Write decimals with a point');
    http.expectNone('/v1/orders');
  });

  it('asks before a price that is far through the market, and forgets the question when it changes', async () => {
    frames.next(QUOTE);
    type('price', '70,000');
    type('quantity', '0.5');
    await submit();
    await submit();
    expect(words('ticket-question')).toContain('9.3 % above the lowest offer');
    http.expectNone('/v1/orders');
    type('price', '71,000');
    await fixture.whenStable();
    expect(find('ticket-question')).toBeNull();
    await submit();
    find('confirm-order')?.click();
    await fixture.whenStable();
    expect(sent()).toMatchObject({ price: '71000', quantity: '0.5' });
    expect(find('ticket-question')).toBeNull();
  });

  it.each([
    ['a price between two ticks', 'price_off_tick', 'price-fault'],
    ['a quantity between two lots', 'quantity_off_lot', 'quantity-fault'],
  ])('marks the field of %s', async (_name, code, beside) => {
    type('price', '64250.10');
    type('quantity', '0.5');
    await submit();
    http
      .expectOne('/v1/orders')
      .flush({ code, message: 'Not so fine.', status: 422 }, { status: 422, statusText: '' });
    await settled();
    expect(words(beside)).toBe('Not so fine.');
    expect(find('ticket-problem')).toBeNull();
  });

  it.each([
    ['a refusal stands above the button', 'insufficient_funds', [], 'Too little money.', undefined],
    ['a code of a field stands beside it', 'quantity_too_large', [], undefined, 'Too little money.'],
    [
      'a named field has its own words',
      'invalid_request',
      [{ field: 'quantity', message: 'must be above 0' }],
      undefined,
      'must be above 0',
    ],
  ])('%s', async (_name, code, errors, general, beside) => {
    type('price', '64250.10');
    type('quantity', '0.5');
    await submit();
    const body = { code, message: 'Too little money.', status: 422, errors };
    http.expectOne('/v1/orders').flush(body, { status: 422, statusText: '' });
    await settled();
    expect(words('ticket-problem')).toBe(general);
    expect(words('quantity-fault')).toBe(beside);
    type('quantity', '0.4');
    await fixture.whenStable();
    expect(words('ticket-problem') ?? words('quantity-fault')).toBeUndefined();
  });

  it('sends an order without an answer again under the same id, a changed one under a new id', async () => {
    type('price', '64250.10');
    type('quantity', '0.5');
    const ids: (string | undefined)[] = [];
    for (const quantity of ['0.5', '0.5', '0.6']) {
      type('quantity', quantity);
      await submit();
      const request = http.expectOne('/v1/orders');
      ids.push((request.request.body as NewOrder).client_order_id);
      request.error(new ProgressEvent('error'));
      await settled();
    }
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[1]);
  });

  it.each([
    ['it had arrived', 200, PLACED, 'Buy 0.5 BTC-USD: working at 64,250.1.', undefined],
    [
      'it had not',
      404,
      { code: 'order_not_found', message: 'No such order.', status: 404 },
      undefined,
      'The platform is back. Your order had not arrived: place it again.',
    ],
  ])(
    'asks what became of an order when the platform is back: %s',
    async (_name, code, body, placed, problem) => {
      type('price', '64250.10');
      type('quantity', '0.5');
      await submit();
      const lost = http.expectOne('/v1/orders');
      status.set('waiting');
      lost.error(new ProgressEvent('error'));
      await settled();
      expect(words('ticket-problem')).toContain('does not answer');
      status.set('live');
      await settled();
      const id = (lost.request.body as NewOrder).client_order_id ?? '';
      http.expectOne(`/v1/orders/by-client-order-id/${id}`).flush(body, { status: code, statusText: '' });
      await settled();
      expect([words('ticket-placed'), words('ticket-problem')]).toEqual([placed, problem]);
    },
  );

  it('sells at market without a price', async () => {
    find('side-sell')?.click();
    find('type-market')?.querySelector('button')?.click();
    await fixture.whenStable();
    expect(find('price')).toBeNull();
    type('quantity', '2');
    await submit();
    expect(sent()).toMatchObject({ side: 'SELL', type: 'MARKET', quantity: '2', time_in_force: 'IOC' });
  });
});
