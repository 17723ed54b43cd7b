import { compare, Decimal, decimal } from '../decimal/decimal';
import { BookFrame, StreamLevel } from '../stream/frames';

export interface LadderLevel {
  readonly price: string;
  readonly quantity: string;
  /** Sum from the best level to this one, as a part of the deepest sum shown: the length of the bar. Display only. */
  readonly depth: number;
}

export interface Ladder {
  readonly bids: readonly LadderLevel[];
  readonly asks: readonly LadderLevel[];
}

interface Level {
  readonly price: Decimal;
  readonly priceText: string;
  readonly quantity: string;
}

/** One side of a book: a fold of frames, best level first. */
class Side {
  private levels: Level[] = [];

  constructor(private readonly direction: 1 | -1) {}

  replace(levels: readonly StreamLevel[]): void {
    this.levels = levels.map(([priceText, quantity]) => ({ price: decimal(priceText), priceText, quantity }));
  }

  change(levels: readonly StreamLevel[], depth: number): void {
    for (const [priceText, quantity] of levels) {
      const price = decimal(priceText);
      const level = { price, priceText, quantity };
      const index = this.levels.findIndex((other) => compare(other.price, price) * this.direction >= 0);
      const found = this.levels[index];
      const isSame = found !== undefined && compare(found.price, price) === 0;
      if (quantity === '0') {
        if (isSame) this.levels.splice(index, 1);
      } else if (isSame) this.levels[index] = level;
      else if (index >= 0) this.levels.splice(index, 0, level);
      else this.levels.push(level);
    }
    this.levels.length = Math.min(this.levels.length, depth);
  }

  shown(count: number): { price: string; quantity: string; sum: number }[] {
    let sum = 0;
    return this.levels.slice(0, count).map((level) => {
      sum += Number(level.quantity);
      return { price: level.priceText, quantity: level.quantity, sum };
    });
  }
}

/** The book of one symbol as the stream tells it. Mutable on purpose: frames come faster than screens are drawn. */
export class LiveBook {
  private readonly bids = new Side(-1);
  private readonly asks = new Side(1);

  constructor(private readonly depth: number) {}

  apply(frame: BookFrame): void {
    if (frame.type === 'snapshot') {
      this.bids.replace(frame.bids);
      this.asks.replace(frame.asks);
      return;
    }
    this.bids.change(frame.bids, this.depth);
    this.asks.change(frame.asks, this.depth);
  }

  ladder(count: number): Ladder {
    const bids = this.bids.shown(count);
    const asks = this.asks.shown(count);
    const deepest = Math.max(bids.at(-1)?.sum ?? 0, asks.at(-1)?.sum ?? 0) || 1;
    const withDepth = ({ price, quantity, sum }: (typeof bids)[number]): LadderLevel => ({
      price,
      quantity,
      depth: sum / deepest,
    });
    return { bids: bids.map(withDepth), asks: asks.map(withDepth) };
  }
}
