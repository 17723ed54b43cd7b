import { HttpClient, provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { Subject } from 'rxjs';
import { ApiConfiguration } from '../api/api-configuration';
import { Order } from '../api/models/order';
import { OrdersFrame } from '../stream/frames';
import { Stream } from '../stream/stream';
import { OrdersStore } from './orders-store';
import { fillsText } from './words';

function order(id: string, changes: Partial<Order> = {}): Order {
  return {
    order_id: id,
    client_order_id: null,
    account_id: 'a',
    user_id: 'u',
    symbol: 'X',
    side: 'BUY',
    type: 'LIMIT',
    time_in_force: 'GTC',
    status: 'PENDING',
    quantity: '1',
    price: '10',
    protection_price: null,
    cum_quantity: '0',
    leaves_quantity: '1',
    cum_notional: '0',
    average_price: null,
    reason: null,
    version: 1,
    created_at: `2026-11-02T14:30:0${id}Z`,
    updated_at: '2026-11-02T14:30:00Z',
    ...changes,
  };
}

function frame(type: 'snapshot' | 'update', parts: Partial<OrdersFrame>): OrdersFrame {
  return {
    type,
    channel: 'orders',
    seq: 1,
    first_seq: 1,
    time: '',
    orders: [],
    balances: [],
    ...parts,
  };
}

const usd = (available: string) => ({ asset: 'USD', balance: '100', hold: '0', available });

describe('the account’s orders', () => {
  let frames: Subject<OrdersFrame>;
  let store: OrdersStore;
  let http: HttpTestingController;
  const open = () => store.open().map((each) => each.order_id);
  const closed = () => store.closed().map((each) => `${each.order_id} ${each.status}`);

  beforeEach(() => {
    frames = new Subject();
    TestBed.configureTestingModule({
      providers: [
        provideHttpClient(),
        provideHttpClientTesting(),
        { provide: Stream, useValue: { watch: () => frames } },
      ],
    });
    TestBed.inject(ApiConfiguration).rootUrl = '/v1';
    expect(TestBed.inject(HttpClient)).toBeDefined();
    http = TestBed.inject(HttpTestingController);
    store = TestBed.inject(OrdersStore);
    TestBed.runInInjectionContext(() => store.follow(true));
    frames.next(frame('snapshot', { orders: [order('1'), order('2')], balances: [usd('90')] }));
  });

  it('shows what the snapshot says, newest first', () => {
    expect(open()).toEqual(['2', '1']);
    expect(store.balances()).toEqual([usd('90')]);
  });

  it('moves an order that ended into history and merges balances by asset', () => {
    const btc = { asset: 'BTC', balance: '1', hold: '0', available: '1' };
    frames.next(
      frame('update', { orders: [order('1', { status: 'EXECUTED', version: 2 })], balances: [btc] }),
    );
    expect(open()).toEqual(['2']);
    expect(closed()).toEqual(['1 EXECUTED']);
    expect(store.balances()).toEqual([btc, usd('90')]);
  });

  it('tells an order that traded once, as it stands after all its trades', () => {
    const told: string[] = [];
    store.fills.subscribe((filled) => told.push(fillsText(filled)));
    const trade = (id: string) => ({
      event_type: 'OrderExecuted',
      order_id: id,
      quantity: '120',
      price: '101',
    });
    const bought = order('1', {
      status: 'EXECUTED',
      quantity: '500',
      cum_quantity: '500',
      average_price: '101.2345678',
      version: 5,
    });
    frames.next(frame('update', { orders: [bought], events: [trade('1'), trade('1'), trade('1')] }));
    frames.next(
      frame('update', { orders: [order('2', { version: 2 })], events: [{ event_type: 'OrderReplaced' }] }),
    );
    expect(told).toEqual(['Bought 500 X at 101.2346']);
  });

  it.each([
    ['working', { status: 'PARTIALLY_EXECUTED' }, 'Sold 120 of 500 X at 0.0000125, the rest is working'],
    ['canceled', { status: 'CANCELED' }, 'Sold 120 of 500 X at 0.0000125, the rest was canceled'],
  ] as [string, Partial<Order>, string][])('tells a part whose rest is %s', (_name, changes, expected) => {
    const sold = { side: 'SELL', quantity: '500', cum_quantity: '120', average_price: '0.0000125' } as const;
    expect(fillsText([order('1', { ...sold, ...changes })])).toBe(expected);
  });

  it('tells many orders that filled at once as one message', () => {
    const filled = ['1', '2', '3', '4', '5'].map((id) =>
      order(id, { status: 'EXECUTED', average_price: '9' }),
    );
    expect(fillsText(filled)).toBe('Bought 1 X at 9 · Bought 1 X at 9 · Bought 1 X at 9 · and 2 more orders');
  });

  it('replaces by id, and shows the answer before the stream does', async () => {
    const replacing = store.replace(order('1'), { price: '11' });
    const request = http.expectOne('/v1/orders/1');
    expect([request.request.method, request.request.body]).toEqual(['PATCH', { price: '11' }]);
    request.flush(order('1', { price: '11', version: 2 }));
    await replacing;
    expect(store.open().map((each) => each.price)).toEqual(['10', '11']);
  });

  it('ignores news that are older than what it knows', () => {
    frames.next(frame('update', { orders: [order('1', { status: 'CANCELED', version: 3 })] }));
    frames.next(frame('update', { orders: [order('1', { version: 1 })] }));
    expect(closed()).toEqual(['1 CANCELED']);
  });

  it('after a loss, orders that are no longer open leave the list and history is asked for again', () => {
    frames.next(frame('snapshot', { orders: [order('2')] }));
    expect(open()).toEqual(['2']);
    expect(store.history()).toBe('new');
  });

  it('starts from nothing for whoever signs in next', () => {
    TestBed.runInInjectionContext(() => store.follow(false));
    expect(store.entities()).toEqual([]);
    expect(store.balances()).toEqual([]);
  });

  it('cancels by id, and shows the answer before the stream does', async () => {
    const canceling = store.cancel(order('1'));
    expect(store.canceling()).toEqual(['1']);
    const request = http.expectOne('/v1/orders/1');
    expect(request.request.method).toBe('DELETE');
    request.flush(order('1', { status: 'CANCELED', version: 2 }));
    await canceling;
    expect(store.canceling()).toEqual([]);
    expect(closed()).toEqual(['1 CANCELED']);
  });

  it('keeps the order and says why when a cancel is refused', async () => {
    const canceling = store.cancel(order('1'));
    const body = { code: 'order_closed', message: 'The order was filled.', status: 422 };
    http.expectOne('/v1/orders/1').flush(body, { status: 422, statusText: '' });
    await canceling;
    expect(store.trouble()?.message).toBe('The order was filled.');
    expect(open()).toEqual(['2', '1']);
  });

  it('forgets that nobody answered when the platform is back, not why it refused', async () => {
    const canceling = store.cancel(order('1'));
    http.expectOne('/v1/orders/1').error(new ProgressEvent('error'));
    await canceling;
    expect(store.trouble()?.code).toBe('unreachable');
    frames.next(frame('snapshot', { orders: [order('1'), order('2')] }));
    expect(store.trouble()).toBeNull();
  });

  it('pages through history', async () => {
    const first = store.loadHistory(false);
    http
      .expectOne((request) => request.url === '/v1/orders' && request.params.get('status') === 'closed')
      .flush({ items: [order('8', { status: 'EXPIRED' })], next_cursor: 'c1' });
    await first;
    expect(store.hasMoreHistory()).toBe(true);
    const second = store.loadHistory(true);
    http
      .expectOne((request) => request.params.get('cursor') === 'c1')
      .flush({ items: [order('7', { status: 'CANCELED' })], next_cursor: null });
    await second;
    expect(closed()).toEqual(['8 EXPIRED', '7 CANCELED']);
    expect(store.hasMoreHistory()).toBe(false);
  });
});
