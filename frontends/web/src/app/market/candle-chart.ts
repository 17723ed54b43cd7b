import {
  afterNextRender,
  Component,
  DestroyRef,
  effect,
  ElementRef,
  inject,
  input,
  output,
  viewChild,
} from '@angular/core';
import { takeUntilDestroyed, toObservable } from '@angular/core/rxjs-interop';
import {
  CandlestickSeries,
  ColorType,
  createChart,
  HistogramSeries,
  IChartApi,
  ISeriesApi,
  TickMarkType,
  Time,
  UTCTimestamp,
} from 'lightweight-charts';
import { combineLatest, switchMap } from 'rxjs';
import { BarInterval } from '../api/models/bar-interval';
import { Theme } from '../shell/theme';
import { BarsFrame, StreamBar } from '../stream/frames';
import { Stream } from '../stream/stream';

const COLORS = ['--panel', '--muted', '--line', '--up', '--down'] as const;
type Palette = Record<(typeof COLORS)[number], string>;

/** Candles and volume, drawn from the bars channel itself: a signal would swallow frames that come together. */
@Component({
  selector: 'trading-candle-chart',
  template: `<div
    #canvas
    role="group"
    [attr.aria-label]="'Price chart of ' + symbol()"
    data-testid="chart"
  ></div>`,
  styles: `
    :host,
    div {
      display: block;
      height: 100%;
    }
  `,
})
export class CandleChart {
  readonly symbol = input.required<string>();
  readonly interval = input.required<BarInterval>();
  readonly priceScale = input.required<number>();
  /** How many candles a snapshot brought. */
  readonly filled = output<number>();
  private readonly canvas = viewChild.required<ElementRef<HTMLElement>>('canvas');
  private readonly theme = inject(Theme);
  private chart: IChartApi | null = null;
  private candles: ISeriesApi<'Candlestick'> | null = null;
  private volume: ISeriesApi<'Histogram'> | null = null;
  private palette: Palette | null = null;
  /** Start of the newest bar drawn, in seconds since 1970. */
  private newest = 0;

  constructor() {
    const stream = inject(Stream);
    combineLatest([toObservable(this.symbol), toObservable(this.interval)])
      .pipe(
        switchMap(([symbol, interval]) => stream.watch({ channel: 'bars', symbol, interval })),
        takeUntilDestroyed(),
      )
      .subscribe((frame) => {
        this.draw(frame);
      });
    afterNextRender(() => {
      this.create();
    });
    effect(() => {
      this.theme.changes();
      this.paint();
    });
    effect(() => {
      this.format(this.priceScale());
    });
    inject(DestroyRef).onDestroy(() => this.chart?.remove());
  }

  private create(): void {
    this.chart = createChart(this.canvas().nativeElement, {
      autoSize: true,
      layout: { attributionLogo: true, fontFamily: 'Inter, system-ui, sans-serif', fontSize: 11 },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.22 } },
      timeScale: {
        borderVisible: false,
        timeVisible: true,
        rightOffset: 6,
        barSpacing: 8,
        tickMarkFormatter: (time: Time, kind: TickMarkType) => tickText(time, kind, this.interval() === '1d'),
      },
      localization: { timeFormatter: (time: Time) => hoverText(time, this.interval() === '1d') },
    });
    this.candles = this.chart.addSeries(CandlestickSeries, { borderVisible: false });
    this.volume = this.chart.addSeries(HistogramSeries, {
      priceScaleId: 'volume',
      priceFormat: { type: 'volume' },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.chart.priceScale('volume').applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    this.paint();
    this.format(this.priceScale());
  }

  private draw(frame: BarsFrame): void {
    if (!this.chart || !this.candles || !this.volume) return;
    if (frame.type === 'snapshot') {
      this.candles.setData(frame.bars.map(candleOf));
      this.volume.setData(frame.bars.map((bar) => this.volumeOf(bar)));
      this.newest = Math.max(0, ...frame.bars.map((bar) => secondsOf(bar.time)));
      this.chart.timeScale().applyOptions({ secondsVisible: this.interval().endsWith('s') });
      this.chart.timeScale().scrollToRealTime();
      this.filled.emit(frame.bars.length);
      return;
    }
    for (const bar of frame.bars) {
      const isOlder = secondsOf(bar.time) < this.newest;
      this.newest = Math.max(this.newest, secondsOf(bar.time));
      this.candles.update(candleOf(bar), isOlder);
      this.volume.update(this.volumeOf(bar), isOlder);
    }
  }

  private volumeOf(bar: StreamBar): { time: UTCTimestamp; value: number; color: string } {
    const color = Number(bar.close) >= Number(bar.open) ? this.palette?.['--up'] : this.palette?.['--down'];
    return { time: secondsOf(bar.time), value: Number(bar.volume), color: `${color ?? '#888888'}55` };
  }

  private format(scale: number): void {
    const decimals = { minimumFractionDigits: scale, maximumFractionDigits: scale };
    const grouped = new Intl.NumberFormat('en-US', decimals); // as `display` groups
    const formatter = (price: number): string => grouped.format(price);
    this.candles?.applyOptions({ priceFormat: { type: 'custom', formatter, minMove: 10 ** -scale } });
  }

  private paint(): void {
    if (!this.chart) return;
    const palette = paletteOf(this.canvas().nativeElement);
    this.palette = palette;
    this.chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: palette['--panel'] },
        textColor: palette['--muted'],
      },
      grid: {
        vertLines: { color: `${palette['--line']}66` },
        horzLines: { color: `${palette['--line']}66` },
      },
    });
    const [upColor, downColor] = [palette['--up'], palette['--down']];
    this.candles?.applyOptions({ upColor, downColor, wickUpColor: upColor, wickDownColor: downColor });
    const data = this.volume?.data() ?? [];
    if (data.length > 0) this.repaintVolume(upColor, downColor);
  }

  private repaintVolume(up: string, down: string): void {
    const candles = this.candles?.data() ?? [];
    const colors = new Map(
      candles
        .map((candle) => ['open' in candle && candle.close >= candle.open, candle.time] as const)
        .map(([isUp, time]) => [time, `${isUp ? up : down}55`]),
    );
    this.volume?.setData(this.volume.data().map((each) => ({ ...each, color: colors.get(each.time) })));
  }
}

const secondsOf = (time: string): UTCTimestamp => Math.floor(Date.parse(time) / 1000) as UTCTimestamp;

function candleOf(bar: StreamBar) {
  return {
    time: secondsOf(bar.time),
    open: Number(bar.open),
    high: Number(bar.high),
    low: Number(bar.low),
    close: Number(bar.close),
  };
}

/** CSS colours as #rrggbb: the canvas does not know light-dark(), so a probe element resolves them. */
function paletteOf(element: HTMLElement): Palette {
  const probe = element.appendChild(document.createElement('i'));
  const resolve = (name: string): string => {
    probe.style.color = `var(${name})`;
    const parts = getComputedStyle(probe).color.match(/\d+/g)?.slice(0, 3) ?? [];
    return `#${parts.map((part) => Number(part).toString(16).padStart(2, '0')).join('')}`;
  };
  const palette = Object.fromEntries(COLORS.map((name) => [name, resolve(name)])) as Palette;
  probe.remove();
  return palette;
}

/** Axis labels in the reader's own time; days stay days of the venue (UTC). */
function tickText(time: Time, kind: TickMarkType, isDaily: boolean): string {
  const zone = isDaily ? { timeZone: 'UTC' } : {};
  const parts: Record<TickMarkType, Intl.DateTimeFormatOptions> = {
    [TickMarkType.Year]: { year: 'numeric' },
    [TickMarkType.Month]: { month: 'short' },
    [TickMarkType.DayOfMonth]: { day: 'numeric', month: 'short' },
    [TickMarkType.Time]: { hour: '2-digit', minute: '2-digit', hour12: false },
    [TickMarkType.TimeWithSeconds]: { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false },
  };
  return new Intl.DateTimeFormat('en-GB', { ...parts[kind], ...zone }).format(Number(time) * 1000);
}

function hoverText(time: Time, isDaily: boolean): string {
  const options: Intl.DateTimeFormatOptions = isDaily
    ? { dateStyle: 'medium', timeZone: 'UTC' }
    : { dateStyle: 'medium', timeStyle: 'medium' };
  return new Intl.DateTimeFormat('en-GB', options).format(Number(time) * 1000);
}
