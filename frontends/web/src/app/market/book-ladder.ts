import { Component, computed, inject } from '@angular/core';
import { Amount } from '../decimal/amount';
import { finestScale, text } from '../decimal/decimal';
import { OrdersStore } from '../orders/orders-store';
import { LadderLevel } from './ladder';
import { MarketStore } from './market-store';

interface Row extends LadderLevel {
  readonly isOurs: boolean;
}

/** The order book by price level, with bars of cumulative depth; a click takes the price into the ticket. */
@Component({
  selector: 'trading-book-ladder',
  imports: [Amount],
  templateUrl: './book-ladder.html',
  styleUrl: './book-ladder.scss',
})
export class BookLadder {
  protected readonly market = inject(MarketStore);
  private readonly orders = inject(OrdersStore);
  private readonly ourPrices = computed(
    () =>
      new Set(
        this.orders
          .open()
          .filter((order) => order.symbol === this.market.symbol())
          .map((order) => `${order.side}${order.price ?? ''}`),
      ),
  );
  protected readonly asks = computed(() => this.rows(this.market.ladder().asks, 'SELL'));
  protected readonly bids = computed(() => this.rows(this.market.ladder().bids, 'BUY'));
  protected readonly quantityScale = computed(() => {
    const { asks, bids } = this.market.ladder();
    return finestScale([...asks, ...bids].map((level) => level.quantity));
  });
  protected readonly spread = computed(() => {
    const spread = this.market.spread();
    return spread && text(spread);
  });

  private rows(levels: readonly LadderLevel[], side: 'BUY' | 'SELL'): Row[] {
    const ours = this.ourPrices();
    return levels.map((level) => ({ ...level, isOurs: ours.has(side + level.price) }));
  }
}
