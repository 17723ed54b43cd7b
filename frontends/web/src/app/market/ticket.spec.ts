import { Instrument } from '../api/models/instrument';
import { text } from '../decimal/decimal';
import { affordable, Draft, estimate, farThrough, orderOf, priceFault, quantityFault } from './ticket';

const BTC: Instrument = {
  instrument_id: '696e7374-0001-8000-8000-000000000001',
  symbol: 'BTC-USD',
  base: 'BTC',
  quote: 'USD',
  price_unit: '0.01',
  lot_unit: '0.0001',
  max_price: '1000000',
  max_quantity: '100',
  protection: '0.05',
  calendar: 'ALWAYS',
  session: 'CONTINUOUS',
  mark_price: null,
  self_trade_prevention: 'CANCEL_NEWEST',
  allocation: 'PRICE_TIME',
  least_allocation: null,
  lead_account_id: null,
  lead_share: null,
};
const LIMIT: Draft = {
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '0.50',
  price: ' 64250.10 ',
};

describe('the ticket', () => {
  it.each([
    ['0.5', null],
    ['100', null],
    ['', 'Enter a quantity, such as 0.0001.'],
    ['abc', 'Enter a quantity, such as 0.0001.'],
    ['0', 'The quantity must be above 0.'],
    ['-1', 'The quantity must be above 0.'],
    ['0.00005', 'The quantity must be a multiple of 0.0001.'],
    ['100.0001', 'The quantity may be 100 at most.'],
  ])('quantity "%s": %s', (typed, expected) => {
    expect(quantityFault(typed, BTC)).toBe(expected);
  });

  it.each([
    ['64250.1', null],
    ['70,000', null],
    ['64250,10', 'Write decimals with a point, and commas only between thousands, as in 1,234.5.'],
    ['64250.105', 'The price must be a multiple of 0.01.'],
    ['1000000.01', 'The price may be 1000000 at most.'],
  ])('price "%s": %s', (typed, expected) => {
    expect(priceFault(typed, BTC)).toBe(expected);
  });

  it.each([
    ['buying spends the quote currency', 'BUY', 50, '1000', '300', '1.6666'],
    ['all of it', 'BUY', 100, '1000', '300', '3.3333'],
    ['nothing to spend', 'BUY', 100, '0', '300', '0'],
    ['without a price there is no quantity', 'BUY', 100, '1000', null, null],
    ['a price of zero is none', 'BUY', 100, '1000', '0', null],
    ['selling takes part of what there is', 'SELL', 25, '1.00009', null, '0.25'],
  ] as [string, Draft['side'], number, string, string | null, string | null][])(
    '%s',
    (_name, side, percent, available, price, expected) => {
      expect(affordable(side, percent, available, price, BTC.lot_unit)).toBe(expected);
    },
  );

  it('estimates by the limit, or by the best opposite price', () => {
    const value = (draft: Draft, best: string | null) => {
      const estimated = estimate(draft, best);
      return estimated && text(estimated);
    };
    expect(value(LIMIT, null)).toBe('32125.05');
    expect(value({ ...LIMIT, type: 'MARKET' }, '64000')).toBe('32000');
    expect(value({ ...LIMIT, type: 'MARKET' }, null)).toBeNull();
  });

  it('a thousands separator is no decimal point', () => {
    const order = orderOf({ ...LIMIT, price: '70,000', quantity: '1,000.5' }, 'BTC-USD', 'web-1');
    expect([order.price, order.quantity]).toEqual(['70000', '1000.5']);
  });

  it.each([
    ['a buy a twentieth above the offer', 'BUY', 'LIMIT', '67200', '64000', null],
    [
      'a buy beyond that',
      'BUY',
      'LIMIT',
      '70,000',
      '64000',
      '70,000 is 9.3 % above the lowest offer, 64,000. It would trade at once. Is that meant?',
    ],
    ['a sell a twentieth below the bid', 'SELL', 'LIMIT', '60800', '64000', null],
    [
      'a sell beyond that',
      'SELL',
      'LIMIT',
      '643.15',
      '64000',
      '643.15 is 98.9 % below the highest bid, 64,000. It would trade at once. Is that meant?',
    ],
    ['a buy far below rests', 'BUY', 'LIMIT', '1', '64000', null],
    ['an empty side', 'BUY', 'LIMIT', '70000', null, null],
    ['a market order has its protection', 'BUY', 'MARKET', '70000', '64000', null],
  ] as [string, Draft['side'], Draft['type'], string, string | null, string | null][])(
    'is asked about when far through the market: %s',
    (_name, side, type, price, best, expected) => {
      expect(farThrough({ ...LIMIT, side, type, price }, best)).toBe(expected);
    },
  );

  it('sends canonical decimals, and for a market order neither price nor time in force of its own', () => {
    expect(orderOf(LIMIT, 'BTC-USD', 'web-1')).toEqual({
      symbol: 'BTC-USD',
      side: 'BUY',
      type: 'LIMIT',
      quantity: '0.5',
      price: '64250.1',
      time_in_force: 'GTC',
      client_order_id: 'web-1',
    });
    expect(orderOf({ ...LIMIT, type: 'MARKET' }, 'BTC-USD', 'web-1')).toEqual({
      symbol: 'BTC-USD',
      side: 'BUY',
      type: 'MARKET',
      quantity: '0.5',
      time_in_force: 'IOC',
      client_order_id: 'web-1',
    });
  });
});
