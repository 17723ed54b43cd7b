import { Component, inject, input, signal } from '@angular/core';
import { BarInterval } from '../api/models/bar-interval';
import { CandleChart } from './candle-chart';
import { MarketStore } from './market-store';

const INTERVALS: readonly BarInterval[] = ['1s', '5s', '15s', '1m', '5m', '15m', '1h', '1d'];
const CHOSEN = 'chart-interval';
const CANDLES_ENOUGH = 20;

/** The choice of the interval, and the chart, whose library arrives after the rest of the page. */
@Component({
  selector: 'trading-chart-panel',
  imports: [CandleChart],
  template: `
    <div class="intervals" role="group" aria-label="Interval">
      @for (each of intervals; track each) {
        <button
          type="button"
          [class.on]="interval() === each"
          [attr.aria-pressed]="interval() === each"
          [attr.data-testid]="'interval-' + each"
          (click)="choose(each)"
        >
          {{ each }}
        </button>
      }
    </div>
    @defer (on immediate) {
      <trading-candle-chart
        [symbol]="symbol()"
        [interval]="interval()"
        [priceScale]="market.priceScale()"
        (filled)="adapt($event)"
      />
    } @placeholder {
      <div class="empty">Loading the chart…</div>
    }
  `,
  styles: `
    .intervals {
      display: flex;
      flex: none;
      gap: 2px;
      padding: 6px 8px;
      overflow-x: auto;
      border-bottom: 1px solid var(--line);
    }

    button {
      padding: 4px 9px;
      color: var(--muted);
      font: inherit;
      font-size: 12.5px;
      font-weight: 500;
      background: none;
      border: 0;
      border-radius: 6px;
      cursor: pointer;

      &:hover {
        color: var(--text);
      }

      &.on {
        color: var(--accent);
        background: color-mix(in srgb, var(--accent) 14%, transparent);
      }
    }

    trading-candle-chart {
      flex: 1;
      min-height: 0;
    }
  `,
})
export class ChartPanel {
  readonly symbol = input.required<string>();
  protected readonly market = inject(MarketStore);
  protected readonly intervals = INTERVALS;
  private readonly chosen = signal(INTERVALS.find((each) => each === localStorage.getItem(CHOSEN)));
  protected readonly interval = signal<BarInterval>(this.chosen() ?? '1m');

  protected choose(interval: BarInterval): void {
    localStorage.setItem(CHOSEN, interval);
    this.chosen.set(interval);
    this.interval.set(interval);
  }

  /** A young market has few candles: look closer, unless someone chose. */
  protected adapt(candles: number): void {
    const finer = INTERVALS[INTERVALS.indexOf(this.interval()) - 1];
    if (candles < CANDLES_ENOUGH && finer && !this.chosen()) this.interval.set(finer);
  }
}
