import { BookFrame, StreamLevel } from '../stream/frames';
import { LiveBook } from './ladder';

function frame(type: 'snapshot' | 'update', bids: StreamLevel[], asks: StreamLevel[]): BookFrame {
  return { type, channel: 'book', symbol: 'X', seq: 1, first_seq: 1, time: '', bids, asks };
}

function levels(book: LiveBook, count = 10): { bids: string[]; asks: string[] } {
  const { bids, asks } = book.ladder(count);
  const words = (side: typeof bids) => side.map((level) => `${level.quantity}@${level.price}`);
  return { bids: words(bids), asks: words(asks) };
}

describe('the live book', () => {
  const start = frame(
    'snapshot',
    [
      ['99', '1'],
      ['98.5', '2'],
    ],
    [
      ['101', '3'],
      ['101.5', '4'],
    ],
  );

  it.each([
    ['a new best bid comes first', [['99.5', '7']], [], ['7@99.5', '1@99', '2@98.5'], ['3@101', '4@101.5']],
    [
      'a level between others finds its place',
      [['98.75', '7']],
      [],
      ['1@99', '7@98.75', '2@98.5'],
      ['3@101', '4@101.5'],
    ],
    ['a worse level goes last', [], [['110', '7']], ['1@99', '2@98.5'], ['3@101', '4@101.5', '7@110']],
    [
      'an equal price replaces, whatever its zeros',
      [['99.0', '7']],
      [],
      ['7@99.0', '2@98.5'],
      ['3@101', '4@101.5'],
    ],
    ['zero removes', [['99', '0']], [['101.5', '0']], ['2@98.5'], ['3@101']],
    [
      'removing what is not there changes nothing',
      [['97', '0']],
      [],
      ['1@99', '2@98.5'],
      ['3@101', '4@101.5'],
    ],
    [
      'text order is not number order',
      [],
      [
        ['1000', '7'],
        ['200', '8'],
      ],
      ['1@99', '2@98.5'],
      ['3@101', '4@101.5', '8@200', '7@1000'],
    ],
  ] as [string, StreamLevel[], StreamLevel[], string[], string[]][])(
    '%s',
    (_name, bids, asks, wantBids, wantAsks) => {
      const book = new LiveBook(10);
      book.apply(start);
      book.apply(frame('update', bids, asks));
      expect(levels(book)).toEqual({ bids: wantBids, asks: wantAsks });
    },
  );

  it('forgets what falls out of its depth', () => {
    const book = new LiveBook(2);
    book.apply(start);
    book.apply(frame('update', [['99.5', '7']], []));
    expect(levels(book).bids).toEqual(['7@99.5', '1@99']);
  });

  it('a snapshot replaces everything', () => {
    const book = new LiveBook(10);
    book.apply(start);
    book.apply(frame('snapshot', [['50', '1']], []));
    expect(levels(book)).toEqual({ bids: ['1@50'], asks: [] });
  });

  it('measures depth as the sum up to a level, relative to the deepest side', () => {
    const book = new LiveBook(10);
    book.apply(start);
    expect(book.ladder(2).bids.map((level) => level.depth)).toEqual([1 / 7, 3 / 7]);
    expect(book.ladder(2).asks.map((level) => level.depth)).toEqual([3 / 7, 1]);
  });
});
