import { Subject } from 'rxjs';
import { DataFrame, Topic } from './frames';

/** What to do with a frame: hand it on, drop it (a snapshot is on its way), or ask for a new snapshot. */
export type Verdict = 'deliver' | 'drop' | 'resubscribe';

/** One topic's place in its sequence. It waits for a snapshot, then every update must continue it. */
export class Subscription {
  readonly frames = new Subject<DataFrame>();
  watchers = 0;
  private seq: number | null = null;

  constructor(readonly topic: Topic) {}

  judge(frame: DataFrame): Verdict {
    if (frame.type === 'snapshot') {
      this.seq = frame.seq;
      return 'deliver';
    }
    if (this.seq === null) return 'drop';
    if (frame.first_seq !== this.seq + 1) return 'resubscribe';
    this.seq = frame.seq;
    return 'deliver';
  }

  /** A heartbeat that is ahead of us: frames were lost without a trace. */
  isBehind(seq: number): boolean {
    return this.seq !== null && seq > this.seq;
  }

  awaitSnapshot(): void {
    this.seq = null;
  }
}
