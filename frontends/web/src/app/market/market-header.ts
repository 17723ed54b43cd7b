import { Component, computed, inject, signal } from '@angular/core';
import { MatMenuModule } from '@angular/material/menu';
import { Router } from '@angular/router';
import { Amount } from '../decimal/amount';
import { text } from '../decimal/decimal';
import { Icon } from '../shell/icon';
import { Instruments } from './instruments';
import { MarketStore } from './market-store';

/** The symbol (and the choice of another), its last price, and its day. */
@Component({
  selector: 'trading-market-header',
  imports: [Amount, Icon, MatMenuModule],
  templateUrl: './market-header.html',
  styleUrl: './market-header.scss',
})
export class MarketHeader {
  protected readonly market = inject(MarketStore);
  protected readonly instruments = inject(Instruments);
  protected readonly filter = signal('');
  protected readonly matching = computed(() => {
    const wanted = this.filter().trim().toUpperCase();
    return this.instruments.all().filter((instrument) => instrument.symbol.includes(wanted));
  });
  protected readonly spread = computed(() => {
    const spread = this.market.spread();
    return spread && text(spread);
  });
  private readonly router = inject(Router);

  protected choose(symbol: string): void {
    this.filter.set('');
    void this.router.navigate(['/market', symbol]);
  }

  protected search(event: Event): void {
    this.filter.set((event.target as HTMLInputElement).value);
  }

  /** The menu's own keys (letters jump to items) must not steal what is typed into the search field. */
  protected keepKeys(event: KeyboardEvent): void {
    if (!['ArrowDown', 'ArrowUp', 'Escape', 'Tab'].includes(event.key)) event.stopPropagation();
  }
}
