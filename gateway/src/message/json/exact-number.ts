// Keeps JSON numbers that a double would alter: stores their digits, compares their decimal values.

/** Decimals with up to this many significant digits survive the conversion to a double and back (DBL_DIG of IEEE 754 binary64). */
const SAFE_DIGITS = 15

const ZERO = 0x30
/** The grammar of JSON numbers (RFC 8259 section 6). */
export const NUMBER_PATTERN = '^(-?)(0|[1-9][0-9]*)(?:\\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$'
const PARTS = new RegExp(NUMBER_PATTERN)

/** Adds an exponent and a shift. Exponents may have thousands of digits; nearly all are short. */
function powerOf(exponent: string, shift: number): string {
  return exponent.length <= SAFE_DIGITS ? String(Number(exponent) + shift) : String(BigInt(exponent) + BigInt(shift))
}

/** Returns a canonical text for each decimal number: its digits without zeros at either end, and the exponent. */
function meaningOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = PARTS.exec(text) ?? []
  const digits = whole + fraction
  // Without a regular expression: one for trailing zeros takes quadratic time when many zeros are in the middle.
  let [start, end] = [0, digits.length]
  while (digits.charCodeAt(start) === ZERO) start += 1
  while (end > start && digits.charCodeAt(end - 1) === ZERO) end -= 1
  return start === end ? '0' : `${sign}${digits.slice(start, end)}e${powerOf(exponent, whole.length - end)}`
}

/** A number that a double cannot represent, such as 12345678901234567890 or 1e400. Without members that a JSON pointer could reach. */
export class ExactNumber {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
    Object.freeze(this)
  }

  /** The digits of the number, as written in the JSON text. */
  static textOf(number: ExactNumber): string {
    return number.#text
  }

  /** The nearest double, for comparisons of size; Infinity beyond the largest. */
  static nearest(number: ExactNumber): number {
    return Number(number.#text)
  }

  /** True when both are the same number, in any spelling. A double never equals an ExactNumber. */
  static same(one: unknown, other: unknown): boolean {
    return one instanceof ExactNumber && other instanceof ExactNumber && meaningOf(one.#text) === meaningOf(other.#text)
  }

  /** JSON.stringify writes the digits as a string, never as a different number. */
  toJSON(): string {
    return this.#text
  }
}

/** Reads a JSON number: a double if it has the same decimal value (1.0 and 1e2 are 1 and 100), else an ExactNumber. */
export function readNumber(text: string): number | ExactNumber {
  const double = Number(text)
  if (text.length <= SAFE_DIGITS && !/[eE]/.test(text)) return double
  return Number.isFinite(double) && meaningOf(text) === meaningOf(String(double)) ? double : new ExactNumber(text)
}

/** The value of a number, with the precision of a double; undefined for other values. */
export function magnitudeOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return value instanceof ExactNumber ? ExactNumber.nearest(value) : undefined
}
