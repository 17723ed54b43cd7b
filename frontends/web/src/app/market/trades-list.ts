import { DatePipe } from '@angular/common';
import { Component, computed, inject } from '@angular/core';
import { Amount } from '../decimal/amount';
import { finestScale } from '../decimal/decimal';
import { MarketStore } from './market-store';

/** The newest trades of the market, newest first. */
@Component({
  selector: 'trading-trades-list',
  imports: [Amount, DatePipe],
  template: `
    <h2>Trades</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Trades">
      <table class="sheet">
        <thead>
          <tr>
            <th scope="col">Price</th>
            <th scope="col" class="right">Quantity</th>
            <th scope="col" class="right">Time</th>
          </tr>
        </thead>
        <tbody data-testid="trades">
          @for (trade of market.trades(); track trade.trade_id) {
            <tr data-testid="trade">
              <td [class]="trade.aggressor_side === 'BUY' ? 'up' : 'down'">
                {{ trade.price | amount: market.priceScale() }}
              </td>
              <td class="right">{{ trade.quantity | amount: quantityScale() }}</td>
              <td class="right muted">{{ trade.time | date: 'HH:mm:ss' }}</td>
            </tr>
          } @empty {
            <tr>
              <td colspan="3" class="empty">No trades yet.</td>
            </tr>
          }
        </tbody>
      </table>
    </div>
  `,
  styles: `
    h2 {
      flex: none;
      margin: 0;
      padding: 10px 12px 2px;
      font-size: 13px;
      font-weight: 600;
    }

    .scroll {
      flex: 1;
      min-height: 0;
      overflow-y: auto;
      scrollbar-width: thin;
      scrollbar-color: var(--line) transparent;
    }

    td {
      padding-block: 2.5px;
      border-top: 0;
    }
  `,
})
export class TradesList {
  protected readonly market = inject(MarketStore);
  protected readonly quantityScale = computed(() =>
    finestScale(this.market.trades().map((trade) => trade.quantity)),
  );
}
