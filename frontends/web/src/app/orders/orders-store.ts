import { computed, inject } from '@angular/core';
import { patchState, signalStore, withComputed, withMethods, withProps, withState } from '@ngrx/signals';
import { rxMethod } from '@ngrx/signals/rxjs-interop';
import { removeEntities, setAllEntities, upsertEntities, withEntities } from '@ngrx/signals/entities';
import { EMPTY, pipe, Subject, switchMap, tap } from 'rxjs';
import { Api } from '../api/api';
import { cancelOrder } from '../api/fn/orders/cancel-order';
import { cancelOrders } from '../api/fn/orders/cancel-orders';
import { createOrder } from '../api/fn/orders/create-order';
import { getOrderByClientOrderId } from '../api/fn/orders/get-order-by-client-order-id';
import { listOrders } from '../api/fn/orders/list-orders';
import { replaceOrder } from '../api/fn/orders/replace-order';
import { Balance } from '../api/models/balance';
import { NewOrder } from '../api/models/new-order';
import { Order } from '../api/models/order';
import { OrderReplacement } from '../api/models/order-replacement';
import { Trouble, troubleOf } from '../problem/problem';
import { OrdersFrame } from '../stream/frames';
import { Stream } from '../stream/stream';

interface OrdersState {
  readonly balances: readonly Balance[];
  readonly isLive: boolean;
  readonly canceling: readonly string[];
  readonly trouble: Trouble | null;
  readonly historyCursor: string | null;
  readonly history: 'new' | 'loading' | 'loaded';
}

const orders = { selectId: (order: Order) => order.order_id };
const HISTORY_PAGE = 50;

export const isOpen = (order: Order): boolean =>
  order.status === 'PENDING' || order.status === 'PARTIALLY_EXECUTED';
const newestFirst = (a: Order, b: Order): number =>
  b.created_at.localeCompare(a.created_at) || b.order_id.localeCompare(a.order_id);

/** An order that another path told us about later than we know it already is old news. */
const isNews = (order: Order, known: Order | undefined): boolean => !known || order.version >= known.version;

/** The account's orders and balances: a fold of the orders channel; older orders come by page. */
export const OrdersStore = signalStore(
  { providedIn: 'root' },
  withState<OrdersState>({
    balances: [],
    isLive: false,
    canceling: [],
    trouble: null,
    historyCursor: null,
    history: 'new',
  }),
  withEntities<Order>(),
  withProps(() => ({ _api: inject(Api), _stream: inject(Stream), fills: new Subject<readonly Order[]>() })),
  withComputed((store) => ({
    open: computed(() => store.entities().filter(isOpen).sort(newestFirst)),
    closed: computed(() =>
      store
        .entities()
        .filter((order) => !isOpen(order))
        .sort(newestFirst),
    ),
    hasMoreHistory: computed(() => store.historyCursor() !== null),
  })),
  withMethods((store) => {
    const learn = (news: readonly Order[]): void => {
      const known = store.entityMap();
      patchState(
        store,
        upsertEntities(
          news.filter((order) => isNews(order, known[order.order_id])),
          orders,
        ),
      );
    };
    const apply = (frame: OrdersFrame): void => {
      if (frame.type === 'snapshot') {
        const open = new Set(frame.orders.map((order) => order.order_id));
        const gone = store.open().filter((order) => !open.has(order.order_id));
        patchState(store, removeEntities(gone.map((order) => order.order_id)), {
          history: 'new',
          isLive: true,
        });
        if (store.trouble()?.definite === false) patchState(store, { trouble: null }); // it answers again
        patchState(store, { balances: frame.balances });
      } else {
        patchState(store, (state) => ({ balances: merged(state.balances, frame.balances) }));
      }
      learn(frame.orders);
      const filled = filledIn(frame);
      if (filled.length > 0) store.fills.next(filled);
    };
    const loadHistory = async (more: boolean): Promise<void> => {
      if (store.history() === 'loading') return;
      patchState(store, { history: 'loading', trouble: null });
      try {
        const cursor = more ? (store.historyCursor() ?? undefined) : undefined;
        const page = await store._api.invoke(listOrders, { status: 'closed', limit: HISTORY_PAGE, cursor });
        learn(page.items);
        patchState(store, { historyCursor: page.next_cursor, history: 'loaded' });
      } catch (failure) {
        patchState(store, { trouble: troubleOf(failure), history: 'loaded' });
      }
    };
    return {
      /** Follows the account while somebody is signed in; whoever signs in next starts from nothing. */
      follow: rxMethod<boolean>(
        pipe(
          tap(() => {
            patchState(store, setAllEntities<Order>([], orders), {
              balances: [],
              isLive: false,
              history: 'new',
            });
          }),
          switchMap((isSignedIn) =>
            isSignedIn ? store._stream.watch({ channel: 'orders' }).pipe(tap(apply)) : EMPTY,
          ),
        ),
      ),
      loadHistory,
      /** Places an order; a failure is thrown as it came, for the form to explain. */
      async place(body: NewOrder): Promise<Order> {
        const order = await store._api.invoke(createOrder, { body });
        learn([order]);
        return order;
      },
      /** The order of this client order id; null if the platform knows none. */
      async placedAs(client_order_id: string): Promise<Order | null> {
        try {
          const order = await store._api.invoke(getOrderByClientOrderId, { client_order_id });
          learn([order]);
          return order;
        } catch (failure) {
          if (troubleOf(failure).code === 'order_not_found') return null;
          throw failure;
        }
      },
      /** Changes price, quantity or both; a failure is thrown as it came. Asking twice for the same terms is harmless. */
      async replace(order: Order, body: OrderReplacement): Promise<void> {
        learn([await store._api.invoke(replaceOrder, { order_id: order.order_id, body })]);
      },
      async cancel(order: Order): Promise<void> {
        patchState(store, (state) => ({ canceling: [...state.canceling, order.order_id], trouble: null }));
        try {
          learn([await store._api.invoke(cancelOrder, { order_id: order.order_id })]);
        } catch (failure) {
          patchState(store, { trouble: troubleOf(failure) });
        } finally {
          patchState(store, (state) => ({
            canceling: state.canceling.filter((id) => id !== order.order_id),
          }));
        }
      },
      async cancelAll(): Promise<void> {
        patchState(store, { trouble: null });
        try {
          await store._api.invoke(cancelOrders);
        } catch (failure) {
          patchState(store, { trouble: troubleOf(failure) });
        }
      },
    };
  }),
);
export type OrdersStore = InstanceType<typeof OrdersStore>;

/** The orders that traded in a frame, each once as it stands after it, in however many trades. */
function filledIn(frame: OrdersFrame): readonly Order[] {
  const traded = (frame.events ?? []).filter((event) => event.event_type === 'OrderExecuted');
  const ids = new Set(traded.map((event) => event.order_id));
  return frame.orders.filter((order) => ids.has(order.order_id));
}

function merged(before: readonly Balance[], changed: readonly Balance[]): readonly Balance[] {
  if (changed.length === 0) return before;
  const byAsset = new Map(before.map((balance) => [balance.asset, balance]));
  for (const balance of changed) byAsset.set(balance.asset, balance);
  return [...byAsset.values()].sort((a, b) => a.asset.localeCompare(b.asset));
}
