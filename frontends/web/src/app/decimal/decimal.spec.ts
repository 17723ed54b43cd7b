import {
  compare,
  decimal,
  display,
  divide,
  finestScale,
  floorTo,
  isMultiple,
  multiply,
  parse,
  parseTyped,
  scaleOf,
  subtract,
  text,
} from './decimal';

describe('decimals stay exact', () => {
  it.each([
    ['a product keeps every digit', text(multiply(decimal('0.1'), decimal('0.2'))), '0.02'],
    [
      'a product of large numbers keeps every digit',
      text(multiply(decimal('64250.1'), decimal('0.00000001'))),
      '0.000642501',
    ],
    ['a difference crosses zero', text(subtract(decimal('0.1'), decimal('0.3'))), '-0.2'],
    ['a quotient is cut towards zero', text(divide(decimal('1'), decimal('3'), 4)), '0.3333'],
    ['a negative quotient is cut towards zero', text(divide(decimal('-1'), decimal('3'), 4)), '-0.3333'],
    [
      'a quotient may have fewer decimals than its parts',
      text(divide(decimal('1'), decimal('0.00000003'), 0)),
      '33333333',
    ],
    ['trailing zeros go', text(decimal('10.500')), '10.5'],
    ['zeros of whole numbers stay', text(decimal('100')), '100'],
    ['a lot below the value', text(floorTo(decimal('1.23456'), decimal('0.01'))), '1.23'],
    ['whole lots', text(floorTo(decimal('17.9'), decimal('5'))), '15'],
  ])('%s', (_name, got, expected) => {
    expect(got).toBe(expected);
  });

  it.each(['', ' ', 'abc', '1e5', '1,000', '.5', '5.', '+1', '--1', 'NaN'])('"%s" is no decimal', (typed) => {
    expect(parse(typed)).toBeNull();
  });

  it.each([
    ['70,000', '70000'],
    ['64,315.38', '64315.38'],
    [' 1,234,567.5 ', '1234567.5'],
    ['64315.38', '64315.38'],
    ['0.125', '0.125'],
    ['-1,000', '-1000'],
  ])('typed "%s" is %s', (typed, expected) => {
    const value = parseTyped(typed);
    expect(value && text(value)).toBe(expected);
  });

  it.each([
    '64250,10',
    '0,125',
    '7,0000',
    '1,00',
    '70.000,5',
    '1,234,56',
    ',500',
    '1234,567',
    '1,,000',
    '1 000',
  ])('typed "%s" could mean two numbers, or none', (typed) => {
    expect(parseTyped(typed)).toBeNull();
  });

  it('a malformed number from the platform is a fault that names it', () => {
    expect(() => decimal('1e5')).toThrow('expected a decimal, got "1e5"');
  });

  it('compares across scales', () => {
    expect(compare(decimal('1.0'), decimal('1'))).toBe(0);
    expect(compare(decimal('0.99'), decimal('1'))).toBe(-1);
    expect(compare(decimal('-1'), decimal('-1.01'))).toBe(1);
  });

  it('knows multiples', () => {
    expect(isMultiple(decimal('64250.1'), decimal('0.01'))).toBe(true);
    expect(isMultiple(decimal('64250.105'), decimal('0.01'))).toBe(false);
    expect(isMultiple(decimal('0.3'), decimal('0.1'))).toBe(true);
  });
});

describe('decimals for people', () => {
  it.each([
    ['64250.1', 2, 2, '64,250.10'],
    ['1234567', 0, 8, '1,234,567'],
    ['999', 0, 0, '999'],
    ['0.00000001', 2, 8, '0.00000001'],
    ['2.005', 2, 2, '2.01'],
    ['-1234.5', 0, 2, '-1,234.5'],
    ['-0.005', 2, 2, '-0.01'],
    ['0', 2, 2, '0.00'],
  ])('%s with %d to %d decimals is %s', (value, least, most, expected) => {
    expect(display(decimal(value), least, most)).toBe(expected);
  });

  it('a unit tells its decimals', () => {
    expect(['0.01', '1', '0.50', '0.00000001'].map(scaleOf)).toEqual([2, 0, 1, 8]);
    expect(finestScale(['0.5', '0.125', '3'])).toBe(3);
    expect(finestScale([])).toBe(0);
  });
});
