import { Component, effect, inject, signal } from '@angular/core';
import { DatePipe } from '@angular/common';
import { MatButton } from '@angular/material/button';
import { Order } from '../api/models/order';
import { Session } from '../auth/session';
import { Amount } from '../decimal/amount';
import { compactScreen } from '../shell/compact';
import { OrderEdit } from './order-edit';
import { OrdersStore } from './orders-store';
import { reasonText, statusText } from './words';

/** Working orders with cancel, and what became of the others; rows on wide screens, cards on narrow ones. */
@Component({
  selector: 'trading-orders-panel',
  imports: [Amount, DatePipe, MatButton, OrderEdit],
  templateUrl: './orders-panel.html',
  styleUrl: './orders-panel.scss',
})
export class OrdersPanel {
  protected readonly store = inject(OrdersStore);
  protected readonly session = inject(Session);
  protected readonly compact = compactScreen();
  protected readonly view = signal<'open' | 'history'>('open');
  /** The id of the order whose terms are being changed. */
  protected readonly editing = signal<string | null>(null);
  protected readonly statusText = statusText;
  protected readonly reasonText = reasonText;

  constructor() {
    effect(() => {
      if (this.view() === 'history' && this.store.history() === 'new') void this.store.loadHistory(false);
    });
  }

  protected isCanceling(order: Order): boolean {
    return this.store.canceling().includes(order.order_id);
  }

  protected edit(order: Order): void {
    this.editing.update((id) => (id === order.order_id ? null : order.order_id));
  }

  protected cancel(order: Order): void {
    void this.store.cancel(order);
  }

  protected cancelAll(): void {
    void this.store.cancelAll();
  }

  protected more(): void {
    void this.store.loadHistory(true);
  }
}
