import { Component, computed, effect, inject, input, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatTabsModule } from '@angular/material/tabs';
import { RouterLink } from '@angular/router';
import { Side } from '../api/models/side';
import { Balances } from '../orders/balances';
import { OrdersPanel } from '../orders/orders-panel';
import { compactScreen } from '../shell/compact';
import { Stream } from '../stream/stream';
import { BookLadder } from './book-ladder';
import { ChartPanel } from './chart-panel';
import { Instruments } from './instruments';
import { LAST_SYMBOL } from './first-market';
import { MarketHeader } from './market-header';
import { MarketStore } from './market-store';
import { OrderTicket } from './order-ticket';
import { TradesList } from './trades-list';

const TABS = [
  { id: 'chart', label: 'Chart' },
  { id: 'book', label: 'Book' },
  { id: 'trade', label: 'Trade' },
  { id: 'orders', label: 'Orders' },
  { id: 'account', label: 'Account' },
] as const;
type Tab = (typeof TABS)[number]['id'];

/** One market: panels side by side where there is room, tabs where there is not. */
@Component({
  selector: 'trading-market-page',
  imports: [
    Balances,
    BookLadder,
    ChartPanel,
    MarketHeader,
    MatButton,
    MatTabsModule,
    OrderTicket,
    OrdersPanel,
    RouterLink,
    TradesList,
  ],
  providers: [MarketStore],
  templateUrl: './market-page.html',
  styleUrl: './market-page.scss',
})
export class MarketPage {
  readonly symbol = input.required<string>();
  protected readonly market = inject(MarketStore);
  private readonly instruments = inject(Instruments);
  private readonly stream = inject(Stream);
  protected readonly isUnknown = computed(() => this.instruments.isLoaded() && !this.market.instrument());
  /** What is shown may be old: nobody should trade on it. */
  protected readonly isStale = computed(() => this.stream.status() !== 'live');
  protected readonly compact = compactScreen();
  protected readonly tabs = TABS;
  protected readonly tab = signal<Tab>('chart');
  protected readonly side = signal<Side>('BUY');

  constructor() {
    this.market.open(this.symbol);
    effect(() => {
      if (this.market.instrument()) localStorage.setItem(LAST_SYMBOL, this.symbol());
    });
    effect(() => {
      if (this.market.picked()) this.tab.set('trade');
    });
  }

  protected trade(side: Side): void {
    this.side.set(side);
    this.tab.set('trade');
  }
}
