import { Component, effect, inject } from '@angular/core';
import { MatProgressBar } from '@angular/material/progress-bar';
import { Router } from '@angular/router';
import { Instruments } from './instruments';

export const LAST_SYMBOL = 'last-symbol';

/** `/market`: goes to the symbol that was open last, or to the first one there is. */
@Component({
  selector: 'trading-first-market',
  imports: [MatProgressBar],
  template: `
    @if (instruments.message(); as text) {
      <p class="notice error" role="alert">{{ text }}</p>
    } @else if (instruments.isLoaded() && instruments.all().length === 0) {
      <p class="empty">Nothing is listed here yet.</p>
    } @else {
      <mat-progress-bar mode="indeterminate" aria-label="Loading" />
    }
  `,
})
export class FirstMarket {
  protected readonly instruments = inject(Instruments);

  constructor() {
    const router = inject(Router);
    void this.instruments.load();
    effect(() => {
      const all = this.instruments.all();
      const last = localStorage.getItem(LAST_SYMBOL);
      const target = all.find((instrument) => instrument.symbol === last) ?? all[0];
      if (target) void router.navigate(['/market', target.symbol], { replaceUrl: true });
    });
  }
}
