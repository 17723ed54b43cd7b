import { DestroyRef, effect, inject, Injectable, signal, untracked } from '@angular/core';
import { Observable } from 'rxjs';
import { Session } from '../auth/session';
import { DataFrame, Frame, FrameOf, keyOf, Topic } from './frames';
import { Subscription } from './subscription';

export type StreamStatus = 'idle' | 'connecting' | 'live' | 'waiting';

const SILENCE_MS_MAX = 13_000; // heartbeats come every 5 s
const RETRY_MS_MIN = 400;
const RETRY_MS_MAX = 8_000;
const TOPIC_RETRY_MS = 2_000;
const PASSING: ReadonlySet<string> = new Set(['internal', 'unavailable', 'slow_consumer']);
const CLOSED_UNAUTHENTICATED = 4401;

/** The one WebSocket of the page: authenticates, keeps sequences whole, and comes back after a loss. */
@Injectable({ providedIn: 'root' })
export class Stream {
  readonly status = signal<StreamStatus>('idle');
  private readonly session = inject(Session);
  private readonly subscriptions = new Map<string, Subscription>();
  private socket: WebSocket | null = null;
  private retryMs = RETRY_MS_MIN;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    effect(() => {
      if (this.session.tokenNumber() > 0 && untracked(this.status) === 'live') void this.authenticate();
    });
    effect(() => {
      if (!this.session.isSignedIn()) this.close();
    });
    inject(DestroyRef).onDestroy(() => {
      this.close();
    });
  }

  /** Frames of a topic: a snapshot first and again after every gap, with contiguous updates in between. Never ends. */
  watch<C extends Topic['channel']>(topic: Topic & { channel: C }): Observable<FrameOf[C]> {
    return new Observable<DataFrame>((watcher) => {
      const key = keyOf(topic);
      const subscription = this.subscriptions.get(key) ?? new Subscription(topic);
      this.subscriptions.set(key, subscription);
      const following = subscription.frames.subscribe(watcher);
      subscription.watchers += 1;
      if (subscription.watchers > 1) this.unsubscribe(subscription); // so that the newcomer gets a snapshot too
      this.subscribe(subscription);
      return () => {
        following.unsubscribe();
        subscription.watchers -= 1;
        if (subscription.watchers > 0) return;
        this.subscriptions.delete(key);
        this.unsubscribe(subscription);
      };
    }) as Observable<FrameOf[C]>;
  }

  private subscribe(subscription: Subscription): void {
    subscription.awaitSnapshot();
    if (this.status() === 'live')
      this.send({ op: 'subscribe', id: keyOf(subscription.topic), ...subscription.topic });
    else if (this.socket === null && this.retryTimer === undefined) this.connect();
  }

  private unsubscribe(subscription: Subscription): void {
    if (this.status() === 'live') this.send({ op: 'unsubscribe', ...subscription.topic });
  }

  private connect(): void {
    this.retryTimer = undefined;
    if (!this.session.isSignedIn() || this.subscriptions.size === 0) {
      this.status.set('idle');
      return;
    }
    this.status.set('connecting');
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/v1/stream`);
    this.socket = socket;
    socket.onopen = () => void this.authenticate();
    socket.onmessage = (message: MessageEvent<string>) => {
      if (this.socket === socket) this.receive(JSON.parse(message.data) as Frame);
    };
    socket.onclose = (closing) => {
      if (this.socket === socket) this.lost(closing.code);
    };
    this.listen();
  }

  private async authenticate(): Promise<void> {
    const token = await this.session.accessToken();
    if (token) this.send({ op: 'auth', token });
  }

  private receive(frame: Frame): void {
    this.listen();
    switch (frame.type) {
      case 'authenticated':
        if (this.status() === 'live') return;
        this.status.set('live');
        this.retryMs = RETRY_MS_MIN;
        for (const subscription of this.subscriptions.values()) this.subscribe(subscription);
        return;
      case 'snapshot':
      case 'update':
        this.deliver(frame);
        return;
      case 'heartbeat':
        for (const [key, seq] of Object.entries(frame.seqs)) {
          const subscription = this.subscriptions.get(key);
          if (subscription?.isBehind(seq)) this.restart(subscription);
        }
        return;
      case 'error':
        this.refused(frame);
        return;
      case 'pong':
        return;
    }
  }

  private deliver(frame: DataFrame): void {
    const subscription = this.subscriptions.get(keyOf(frame));
    if (!subscription) return;
    const verdict = subscription.judge(frame);
    if (verdict === 'deliver') subscription.frames.next(frame);
    if (verdict === 'resubscribe') this.restart(subscription);
  }

  /** A topic that failed for now is asked for again; one that is wrong stays silent, and its page says why. */
  private refused(frame: { code: string; message: string; id?: string }): void {
    console.warn(`stream: ${frame.id ?? ''} ${frame.code}: ${frame.message}`);
    const subscription = this.subscriptions.get(frame.id ?? '');
    if (!subscription || !PASSING.has(frame.code)) return;
    subscription.awaitSnapshot();
    setTimeout(() => {
      if (this.subscriptions.get(keyOf(subscription.topic)) === subscription) this.subscribe(subscription);
    }, TOPIC_RETRY_MS);
  }

  private restart(subscription: Subscription): void {
    this.unsubscribe(subscription);
    this.subscribe(subscription);
  }

  /** A connection that says nothing for longer than two heartbeats is dead, whatever TCP believes. */
  private listen(): void {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => {
      this.socket?.close();
      this.lost(0);
    }, SILENCE_MS_MAX);
  }

  private lost(code: number): void {
    clearTimeout(this.silenceTimer);
    this.socket = null;
    this.status.set('waiting');
    const delayMs = this.retryMs * (0.75 + Math.random() / 2);
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MS_MAX);
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => {
      if (code === CLOSED_UNAUTHENTICATED)
        void this.session.renew().then(() => {
          this.connect();
        });
      else this.connect();
    }, delayMs);
  }

  private close(): void {
    clearTimeout(this.retryTimer);
    clearTimeout(this.silenceTimer);
    this.retryTimer = undefined;
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.status.set('idle');
  }

  private send(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}
