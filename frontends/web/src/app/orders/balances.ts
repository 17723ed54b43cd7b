import { Component, computed, inject } from '@angular/core';
import { Amount } from '../decimal/amount';
import { Instruments } from '../market/instruments';
import { OrdersStore } from './orders-store';

/** What the account owns, and how much of it open orders hold. */
@Component({
  selector: 'trading-balances',
  imports: [Amount],
  template: `
    <h2>Account</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Balances">
      <table class="sheet">
        <thead>
          <tr>
            <th scope="col">Asset</th>
            <th scope="col" class="right">Available</th>
            <th scope="col" class="right">In orders</th>
          </tr>
        </thead>
        <tbody>
          @for (balance of store.balances(); track balance.asset) {
            <tr data-testid="balance" [attr.data-asset]="balance.asset">
              <td>
                <b>{{ balance.asset }}</b>
              </td>
              <td class="right" data-testid="balance-available">
                {{ balance.available | amount: leastDecimals(balance.asset) : 8 }}
              </td>
              <td class="right" data-testid="balance-hold" [class.muted]="balance.hold === '0'">
                {{ balance.hold | amount: 0 : 8 }}
              </td>
            </tr>
          } @empty {
            <tr>
              <td colspan="3" class="empty">
                {{ store.isLive() ? 'Nothing here yet: ask for a deposit.' : 'Loading…' }}
              </td>
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
  `,
})
export class Balances {
  protected readonly store = inject(OrdersStore);
  private readonly instruments = inject(Instruments);
  private readonly currencies = computed(
    () => new Set(this.instruments.all().map((instrument) => instrument.quote)),
  );

  /** Money shows its cents, securities and coins no more than they have. */
  protected leastDecimals(asset: string): number {
    return this.currencies().has(asset) ? 2 : 0;
  }
}
