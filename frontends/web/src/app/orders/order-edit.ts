import { Component, computed, inject, input, linkedSignal, output, signal } from '@angular/core';
import { Order } from '../api/models/order';
import { OrderReplacement } from '../api/models/order-replacement';
import { compare, decimal, display, parseTyped } from '../decimal/decimal';
import { Instruments } from '../market/instruments';
import { MarketStore } from '../market/market-store';
import { canonical, farThrough, priceFault, quantityFault } from '../market/ticket';
import { Trouble, troubleOf } from '../problem/problem';
import { OrdersStore } from './orders-store';

type Field = 'quantity' | 'price';

/** A new price, a new quantity or both for an order that rests; what becomes of it comes by the stream as well. */
@Component({
  selector: 'trading-order-edit',
  templateUrl: './order-edit.html',
  styleUrl: './order-edit.scss',
})
export class OrderEdit {
  readonly order = input.required<Order>();
  readonly closed = output();
  protected readonly fields: readonly Field[] = ['price', 'quantity'];
  private readonly id = computed(() => this.order().order_id);
  protected readonly price = linkedSignal({ source: this.id, computation: () => this.order().price ?? '' });
  protected readonly quantity = linkedSignal({ source: this.id, computation: () => this.order().quantity });
  protected readonly busy = signal(false);
  protected readonly trouble = signal<Trouble | null>(null);
  protected readonly question = signal<string | null>(null);
  private readonly orders = inject(OrdersStore);
  private readonly market = inject(MarketStore, { optional: true });
  private readonly instruments = inject(Instruments);

  protected readonly instrument = computed(() =>
    this.instruments.all().find((each) => each.symbol === this.order().symbol),
  );
  protected readonly faults = computed<Record<Field, string | null>>(() => {
    const instrument = this.instrument();
    const refused = this.trouble()?.fields ?? {};
    return {
      price: refused['price'] ?? (instrument ? priceFault(this.price(), instrument) : null),
      quantity:
        refused['quantity'] ??
        (instrument ? quantityFault(this.quantity(), instrument) : null) ??
        this.belowExecuted(),
    };
  });
  /** What no field says already. */
  protected readonly refusal = computed(() => {
    const trouble = this.trouble();
    return trouble?.fields['price'] || trouble?.fields['quantity'] ? null : trouble;
  });

  protected typed(field: Field, event: Event): void {
    (field === 'price' ? this.price : this.quantity).set((event.target as HTMLInputElement).value);
    this.trouble.set(null);
    this.question.set(null);
  }

  protected submit(event: Event): void {
    event.preventDefault();
    if (this.busy() || this.faults().price || this.faults().quantity) return;
    const change = this.change();
    if (!change.price && !change.quantity) {
      this.closed.emit();
      return;
    }
    this.question.set(change.price ? this.farThrough() : null);
    if (this.question() === null) void this.send();
  }

  /** Changes the order as it stands here, whatever its price. */
  protected async send(): Promise<void> {
    this.question.set(null);
    this.busy.set(true);
    this.trouble.set(null);
    try {
      await this.orders.replace(this.order(), this.change());
      this.closed.emit();
    } catch (failure) {
      this.trouble.set(troubleOf(failure));
    } finally {
      this.busy.set(false);
    }
  }

  /** What differs from the order. Less quantity alone keeps its place in the queue, so the price is not sent again. */
  private change(): OrderReplacement {
    const { price, quantity } = this.order();
    const [newPrice, newQuantity] = [canonical(this.price()), canonical(this.quantity())];
    return {
      ...(newPrice === price ? {} : { price: newPrice }),
      ...(newQuantity === quantity ? {} : { quantity: newQuantity }),
    };
  }

  private farThrough(): string | null {
    const { side, type, symbol, time_in_force: timeInForce } = this.order();
    if (this.market?.symbol() !== symbol) return null;
    const best = (side === 'BUY' ? this.market.ask() : this.market.bid())?.[0] ?? null;
    return farThrough({ side, type, timeInForce, quantity: this.quantity(), price: this.price() }, best);
  }

  private belowExecuted(): string | null {
    const [quantity, executed] = [parseTyped(this.quantity()), decimal(this.order().cum_quantity)];
    if (!quantity || executed.units === 0n || compare(quantity, executed) > 0) return null;
    return `${display(executed, 0, 10)} is filled already: enter more than that.`;
  }
}
