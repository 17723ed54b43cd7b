import { Component, computed, effect, inject, linkedSignal, model, signal, untracked } from '@angular/core';
import { MatButtonToggleModule } from '@angular/material/button-toggle';
import { OrderType } from '../api/models/order-type';
import { Side } from '../api/models/side';
import { TimeInForce } from '../api/models/time-in-force';
import { Session } from '../auth/session';
import { Amount } from '../decimal/amount';
import { text } from '../decimal/decimal';
import { OrdersStore } from '../orders/orders-store';
import { placedText } from '../orders/words';
import { Trouble, troubleOf } from '../problem/problem';
import { Stream } from '../stream/stream';
import { MarketStore } from './market-store';
import { affordable, Draft, estimate, farThrough, orderOf, priceFault, quantityFault } from './ticket';

type Field = 'quantity' | 'price';
const TIMES: readonly { value: TimeInForce; label: string; hint: string }[] = [
  { value: 'GTC', label: 'GTC', hint: 'Good till canceled' },
  { value: 'DAY', label: 'Day', hint: 'Until the session ends' },
  { value: 'IOC', label: 'IOC', hint: 'Immediate, or canceled' },
];

/** Sent again it keeps its id: if it was on its way after all, there is still only one. */
const NOT_ARRIVED: Trouble = {
  code: 'not_arrived',
  message: 'The platform is back. Your order had not arrived: place it again.',
  fields: {},
  definite: false,
};

/** Places one order and says in place what became of it. */
@Component({
  selector: 'trading-order-ticket',
  imports: [Amount, MatButtonToggleModule],
  templateUrl: './order-ticket.html',
  styleUrl: './order-ticket.scss',
})
export class OrderTicket {
  readonly side = model<Side>('BUY');
  protected readonly market = inject(MarketStore);
  protected readonly session = inject(Session);
  protected readonly times = TIMES;
  protected readonly shares = [25, 50, 75, 100];
  protected readonly type = signal<OrderType>('LIMIT');
  protected readonly timeInForce = signal<TimeInForce>('GTC');
  protected readonly quantity = signal('');
  protected readonly price = signal('');
  protected readonly busy = signal(false);
  protected readonly placed = signal('');
  protected readonly trouble = signal<Trouble | null>(null);
  /** What has to be confirmed before the order is sent; any change of the order takes it back. */
  protected readonly question = linkedSignal<Draft, string | null>({
    source: () => this.draft(),
    computation: () => null,
  });
  private readonly touched = signal<ReadonlySet<Field>>(new Set());
  private readonly orders = inject(OrdersStore);
  private readonly stream = inject(Stream);
  /** An order whose fate is unknown keeps its id, so that sending it again cannot place it twice. */
  private unanswered: { id: string; draft: string } | null = null;

  protected readonly draft = computed<Draft>(() => ({
    side: this.side(),
    type: this.type(),
    timeInForce: this.timeInForce(),
    quantity: this.quantity(),
    price: this.price(),
  }));
  private readonly bestOpposite = computed(
    () => (this.side() === 'BUY' ? this.market.ask() : this.market.bid())?.[0] ?? null,
  );
  protected readonly estimate = computed(() => {
    const value = estimate(this.draft(), this.bestOpposite());
    return value && text(value);
  });
  /** What pays for the order: the quote currency when buying, the base when selling. */
  protected readonly source = computed(() => {
    const instrument = this.market.instrument();
    const asset = this.side() === 'BUY' ? instrument?.quote : instrument?.base;
    const balance = this.orders.balances().find((each) => each.asset === asset);
    return { asset: asset ?? '', available: balance?.available ?? '0' };
  });
  private readonly faults = computed<Record<Field, string | null>>(() => {
    const instrument = this.market.instrument();
    if (!instrument) return { quantity: null, price: null };
    return {
      quantity: quantityFault(this.quantity(), instrument),
      price: this.type() === 'LIMIT' ? priceFault(this.price(), instrument) : null,
    };
  });
  /** What no field says already. */
  protected readonly refusal = computed(() => {
    const trouble = this.trouble();
    const isBeside = trouble?.fields['quantity'] ?? (this.type() === 'LIMIT' && trouble?.fields['price']);
    return isBeside ? null : trouble;
  });
  protected readonly shown = computed<Record<Field, string | null>>(() => ({
    quantity: this.messageFor('quantity'),
    price: this.messageFor('price'),
  }));

  constructor() {
    effect(() => {
      const picked = this.market.picked();
      if (!picked) return;
      this.type.set('LIMIT');
      this.change('price', picked);
      this.market.pick(null);
    });
    effect(() => {
      this.market.symbol();
      untracked(() => {
        this.reset();
        this.price.set('');
        this.placed.set('');
      });
    });
    effect(() => {
      const near = this.side() === 'BUY' ? this.market.bid() : this.market.ask();
      if (near && untracked(this.price) === '') this.price.set(near[0]);
    });
    effect(() => {
      if (this.stream.status() === 'live') untracked(() => void this.resolve());
    });
  }

  protected typed(field: Field, event: Event): void {
    this.change(field, (event.target as HTMLInputElement).value);
  }

  protected leave(field: Field): void {
    this.touched.update((fields) => new Set(fields).add(field));
  }

  protected choose(share: number): void {
    const price = this.type() === 'LIMIT' ? this.price() : this.bestOpposite();
    const lotUnit = this.market.instrument()?.lot_unit;
    if (!lotUnit) return;
    const quantity = affordable(this.side(), share, this.source().available, price, lotUnit);
    if (quantity !== null) this.change('quantity', quantity);
  }

  protected submit(event: Event): void {
    event.preventDefault();
    this.touched.set(new Set<Field>(['quantity', 'price']));
    const { quantity, price } = this.faults();
    if (this.busy() || quantity || price || !this.market.instrument()) return;
    this.question.set(farThrough(this.draft(), this.bestOpposite()));
    if (this.question() === null) void this.send();
  }

  /** The order as it stands, whatever its price. */
  protected async send(): Promise<void> {
    this.question.set(null);
    this.busy.set(true);
    this.placed.set('');
    this.trouble.set(null);
    const id = this.clientOrderId();
    try {
      const order = await this.orders.place(orderOf(this.draft(), this.market.symbol(), id));
      this.reset();
      this.placed.set(placedText(order));
    } catch (failure) {
      const trouble = troubleOf(failure);
      this.trouble.set(trouble);
      if (trouble.definite) this.unanswered = null;
    } finally {
      this.busy.set(false);
    }
  }

  /** The platform is back: what became of the order that had no answer? */
  private async resolve(): Promise<void> {
    const asked = this.unanswered;
    if (!asked || this.busy() || this.trouble()?.definite !== false) return;
    this.busy.set(true);
    try {
      const order = await this.orders.placedAs(asked.id);
      if (order) {
        this.reset();
        this.placed.set(placedText(order));
      } else this.trouble.set(NOT_ARRIVED);
    } catch (failure) {
      this.trouble.set({ ...troubleOf(failure), definite: false });
    } finally {
      this.busy.set(false);
    }
  }

  private clientOrderId(): string {
    const draft = JSON.stringify([this.market.symbol(), this.draft()]);
    if (this.unanswered?.draft !== draft) this.unanswered = { id: `web-${crypto.randomUUID()}`, draft };
    return this.unanswered.id;
  }

  private change(field: Field, value: string): void {
    (field === 'price' ? this.price : this.quantity).set(value);
    this.trouble.set(null);
    this.placed.set('');
  }

  private messageFor(field: Field): string | null {
    const refused = this.trouble()?.fields[field];
    if (refused) return refused;
    return this.touched().has(field) ? this.faults()[field] : null;
  }

  private reset(): void {
    this.unanswered = null;
    this.quantity.set('');
    this.touched.set(new Set());
    this.trouble.set(null);
  }
}
