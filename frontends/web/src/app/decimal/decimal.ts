/** Exact decimals. Amounts arrive as text and stay exact: `units / 10^scale` with bigint units, never a float. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

const PLAIN = /^-?\d+(\.\d+)?$/;

/** The decimal behind plain text such as "64250.1"; null when it is none ("", "1e5", "1,000"). */
export function parse(text: string): Decimal | null {
  const trimmed = text.trim();
  if (!PLAIN.test(trimmed)) return null;
  const point = trimmed.indexOf('.');
  if (point < 0) return { units: BigInt(trimmed), scale: 0 };
  return { units: BigInt(trimmed.replace('.', '')), scale: trimmed.length - point - 1 };
}

const GROUPED = /^-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$/;

/** What a person typed: plain, or grouped exactly as `display` groups. A comma anywhere else could mean two numbers. */
export function parseTyped(text: string): Decimal | null {
  const trimmed = text.trim();
  return parse(GROUPED.test(trimmed) ? trimmed.replaceAll(',', '') : trimmed);
}

/** The decimal of text that the platform sent; a malformed one is a fault, not an input. */
export function decimal(text: string): Decimal {
  const value = parse(text);
  if (!value) throw new Error(`expected a decimal, got "${text}"`);
  return value;
}

function at(value: Decimal, scale: number): bigint {
  return value.units * 10n ** BigInt(scale - value.scale);
}

export function compare(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const scale = Math.max(a.scale, b.scale);
  const [x, y] = [at(a, scale), at(b, scale)];
  return x < y ? -1 : x > y ? 1 : 0;
}

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: at(a, scale) + at(b, scale), scale };
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  return add(a, { units: -b.units, scale: b.scale });
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, scale: a.scale + b.scale };
}

/** a / b rounded towards zero at `scale` decimals; b is not zero. */
export function divide(a: Decimal, b: Decimal, scale: number): Decimal {
  return { units: (a.units * 10n ** BigInt(scale + b.scale)) / (b.units * 10n ** BigInt(a.scale)), scale };
}

/** The largest multiple of `unit` that is not above `value` (both at least zero, unit above). */
export function floorTo(value: Decimal, unit: Decimal): Decimal {
  const scale = Math.max(value.scale, unit.scale);
  const step = at(unit, scale);
  return { units: (at(value, scale) / step) * step, scale };
}

export function isMultiple(value: Decimal, unit: Decimal): boolean {
  const scale = Math.max(value.scale, unit.scale);
  return at(value, scale) % at(unit, scale) === 0n;
}

/** Plain canonical text: no trailing zeros, no exponent. */
export function text(value: Decimal): string {
  const plain = fixed(value, value.scale);
  return plain.includes('.') ? plain.replace(/\.?0+$/, '') : plain;
}

/** How many decimals a unit such as "0.01" has. */
export function scaleOf(unit: string): number {
  const value = parse(unit);
  return value ? decimal(text(value)).scale : 0;
}

/** The decimals that the finest of these texts needs, at most `most`: one column, one alignment. */
export function finestScale(texts: readonly string[], most = 8): number {
  return Math.min(most, Math.max(0, ...texts.map(scaleOf)));
}

function fixed(value: Decimal, scale: number): string {
  const units = scale >= value.scale ? at(value, scale) : roundHalfUp(value, scale);
  const negative = units < 0n;
  const digits = (negative ? -units : units).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${negative ? '-' : ''}${whole}${scale > 0 ? '.' + digits.slice(-scale) : ''}`;
}

function roundHalfUp(value: Decimal, scale: number): bigint {
  const step = 10n ** BigInt(value.scale - scale);
  const magnitude = value.units < 0n ? -value.units : value.units;
  const rounded = (magnitude + step / 2n) / step;
  return value.units < 0n ? -rounded : rounded;
}

/** Text for people: grouped thousands, at least `least` and at most `most` decimals (rounded half up). */
export function display(value: Decimal, least: number, most = least): string {
  const plain = fixed(value, most);
  const point = plain.indexOf('.');
  const whole = point < 0 ? plain : plain.slice(0, point);
  let fraction = point < 0 ? '' : plain.slice(point + 1);
  while (fraction.length > least && fraction.endsWith('0')) fraction = fraction.slice(0, -1);
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return fraction ? `${grouped}.${fraction}` : grouped;
}
