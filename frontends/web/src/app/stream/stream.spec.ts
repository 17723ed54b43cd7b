import { signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { Session } from '../auth/session';
import { TradesFrame } from './frames';
import { Stream } from './stream';

type Sent = Record<string, unknown>;

/** The bottom of the stack: a socket whose other end is the test. */
class SocketEnd {
  static opened: SocketEnd[] = [];
  readyState = WebSocket.CONNECTING as number;
  readonly sent: Sent[] = [];
  onopen: () => void = () => undefined;
  onmessage: (message: { data: string }) => void = () => undefined;
  onclose: (closing: { code: number }) => void = () => undefined;

  constructor(readonly url: string) {
    SocketEnd.opened.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Sent);
  }

  close(): void {
    this.readyState = WebSocket.CLOSED;
  }

  async accept(): Promise<void> {
    this.readyState = WebSocket.OPEN;
    this.onopen();
    await vi.advanceTimersByTimeAsync(0);
    this.say({ type: 'authenticated', user_id: 'u' });
  }

  say(frame: object): void {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  trades(type: 'snapshot' | 'update', first: number, last = first): void {
    this.say({ type, channel: 'trades', symbol: 'X', first_seq: first, seq: last, time: '', trades: [] });
  }

  ops(): unknown[] {
    return this.sent.map((message) => message['op']);
  }
}

describe('the stream', () => {
  const isSignedIn = signal(true);
  const tokenNumber = signal(1);
  let stream: Stream;
  let frames: TradesFrame[];
  let following: { unsubscribe: () => void };
  const socket = (): SocketEnd => SocketEnd.opened.at(-1)!; // eslint-disable-line @typescript-eslint/no-non-null-assertion

  beforeEach(() => {
    vi.useFakeTimers();
    SocketEnd.opened = [];
    isSignedIn.set(true);
    const real = WebSocket;
    vi.stubGlobal(
      'WebSocket',
      Object.assign(SocketEnd, { OPEN: real.OPEN, CONNECTING: real.CONNECTING, CLOSED: real.CLOSED }),
    );
    const session = {
      isSignedIn,
      tokenNumber,
      accessToken: () => Promise.resolve('token'),
      renew: () => Promise.resolve('newer'),
    };
    TestBed.configureTestingModule({ providers: [{ provide: Session, useValue: session }] });
    stream = TestBed.inject(Stream);
    frames = [];
    following = stream.watch({ channel: 'trades', symbol: 'X' }).subscribe((frame) => frames.push(frame));
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('authenticates in its first message, then subscribes', async () => {
    await socket().accept();
    expect(socket().url).toMatch(/^ws:.*\/v1\/stream$/);
    expect(socket().sent).toEqual([
      { op: 'auth', token: 'token' },
      { op: 'subscribe', id: 'trades:X', channel: 'trades', symbol: 'X' },
    ]);
    expect(stream.status()).toBe('live');
  });

  it('hands on a snapshot and what continues it, also conflated', async () => {
    await socket().accept();
    socket().trades('snapshot', 7);
    socket().trades('update', 8);
    socket().trades('update', 9, 12);
    socket().trades('update', 13);
    expect(frames.map((frame) => frame.seq)).toEqual([7, 8, 12, 13]);
  });

  it('asks for a new snapshot after a gap and drops what comes before it', async () => {
    await socket().accept();
    socket().trades('snapshot', 7);
    socket().trades('update', 9);
    socket().trades('update', 10);
    expect(socket().ops()).toEqual(['auth', 'subscribe', 'unsubscribe', 'subscribe']);
    socket().trades('snapshot', 10);
    socket().trades('update', 11);
    expect(frames.map((frame) => frame.seq)).toEqual([7, 10, 11]);
  });

  it('notices a silent loss by a heartbeat that is ahead', async () => {
    await socket().accept();
    socket().trades('snapshot', 7);
    socket().say({ type: 'heartbeat', time: '', seqs: { 'trades:X': 7 } });
    expect(socket().ops()).toEqual(['auth', 'subscribe']);
    socket().say({ type: 'heartbeat', time: '', seqs: { 'trades:X': 8 } });
    expect(socket().ops()).toEqual(['auth', 'subscribe', 'unsubscribe', 'subscribe']);
  });

  it('gives a second watcher a snapshot of its own', async () => {
    await socket().accept();
    socket().trades('snapshot', 7);
    stream.watch({ channel: 'trades', symbol: 'X' }).subscribe();
    expect(socket().ops()).toEqual(['auth', 'subscribe', 'unsubscribe', 'subscribe']);
  });

  it('comes back after a loss and starts from a snapshot', async () => {
    await socket().accept();
    socket().trades('snapshot', 7);
    socket().onclose({ code: 1006 });
    expect(stream.status()).toBe('waiting');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(SocketEnd.opened).toHaveLength(2);
    await socket().accept();
    socket().trades('update', 8);
    socket().trades('snapshot', 20);
    expect(frames.map((frame) => frame.seq)).toEqual([7, 20]);
  });

  it('asks again for a topic that failed for now, not for one that is wrong', async () => {
    await socket().accept();
    socket().say({ type: 'error', code: 'not_found', message: 'no such symbol', id: 'trades:X' });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(socket().ops()).toEqual(['auth', 'subscribe']);
    socket().say({ type: 'error', code: 'internal', message: 'failed', id: 'trades:X' });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(socket().ops()).toEqual(['auth', 'subscribe', 'subscribe']);
  });

  it('takes a silent connection for dead', async () => {
    await socket().accept();
    await vi.advanceTimersByTimeAsync(12_000);
    expect(SocketEnd.opened).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(SocketEnd.opened).toHaveLength(2);
  });

  it('shows a renewed token to the open connection', async () => {
    TestBed.tick();
    await socket().accept();
    tokenNumber.update((count) => count + 1);
    TestBed.tick();
    await vi.advanceTimersByTimeAsync(0);
    expect(
      socket()
        .ops()
        .filter((op) => op === 'auth').length,
    ).toBe(2);
  });

  it('unsubscribes when nobody watches, and closes when nobody is signed in', async () => {
    await socket().accept();
    following.unsubscribe();
    expect(socket().ops()).toEqual(['auth', 'subscribe', 'unsubscribe']);
    isSignedIn.set(false);
    TestBed.tick();
    expect(socket().readyState).toBe(WebSocket.CLOSED);
    expect(stream.status()).toBe('idle');
  });
});
