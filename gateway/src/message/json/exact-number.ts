// JSON numbers that a double would alter: kept by their digits, compared by their decimal value.

/** Every decimal of so many significant digits comes back from a double as it was (DBL_DIG of IEEE 754 binary64). */
const SAFE_DIGITS = 15

const ZERO = 0x30
/** RFC 8259 section 6. */
export const NUMBER_PATTERN = '^(-?)(0|[1-9][0-9]*)(?:\\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$'
const PARTS = new RegExp(NUMBER_PATTERN)

/** A power of ten from its parts. Exponents may have as many digits as fit into a token; nearly all are short. */
function powerOf(exponent: string, shift: number): string {
  return exponent.length <= SAFE_DIGITS ? String(Number(exponent) + shift) : String(BigInt(exponent) + BigInt(shift))
}

/** One text for each decimal number, however it is spelt: its digits without zeros around them, and the power of ten behind. */
function meaningOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = PARTS.exec(text) ?? []
  const digits = whole + fraction
  // No regular expression: one that looks for zeros at the end takes quadratic time where many are in the middle.
  let [start, end] = [0, digits.length]
  while (digits.charCodeAt(start) === ZERO) start += 1
  while (end > start && digits.charCodeAt(end - 1) === ZERO) end -= 1
  return start === end ? '0' : `${sign}${digits.slice(start, end)}e${powerOf(exponent, whole.length - end)}`
}

/** A number that no double is, such as 12345678901234567890 or 1e400. It has no members that a path could lead to. */
export class ExactNumber {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
    Object.freeze(this)
  }

  /** As it was written: a number of JSON. */
  static textOf(number: ExactNumber): string {
    return number.#text
  }

  /** The nearest double, for what asks how large a number is; Infinity beyond the largest. */
  static nearest(number: ExactNumber): number {
    return Number(number.#text)
  }

  /** Whether both are the same number, in whatever spelling. No double is the same number as one of these. */
  static same(one: unknown, other: unknown): boolean {
    return one instanceof ExactNumber && other instanceof ExactNumber && meaningOf(one.#text) === meaningOf(other.#text)
  }

  /** Whoever writes it by JSON.stringify gets a text: never another number. */
  toJSON(): string {
    return this.#text
  }
}

/**
 * The number that a text of JSON means: a double where that is written as the same number again (1.0 and 1e2 are 1 and 100), else
 * by its digits.
 */
export function readNumber(text: string): number | ExactNumber {
  const double = Number(text)
  if (text.length <= SAFE_DIGITS && !/[eE]/.test(text)) return double
  return Number.isFinite(double) && meaningOf(text) === meaningOf(String(double)) ? double : new ExactNumber(text)
}

/** How large a number is, to the precision of a double; undefined for anything that is none. */
export function magnitudeOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return value instanceof ExactNumber ? ExactNumber.nearest(value) : undefined
}
