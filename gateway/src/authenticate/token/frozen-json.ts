// Freezes JSON values that requests share, and computes the length of their shortest text.

const MAX_DEPTH = 64
/** The result of freezeJson for a value that is nested too deeply. */
export const TOO_DEEP = -1
const UNKNOWN = NaN

/**
 * Freezes a JSON value deeply, and returns the length of its shortest text; NaN when that may differ from JSON.stringify.
 * TOO_DEEP, with parts not frozen, beyond MAX_DEPTH: this function and JSON.stringify recurse, and the sender chooses the depth.
 */
export function freezeJson(value: object, depth = 0): number {
  if (depth > MAX_DEPTH) return TOO_DEEP
  let length = 1
  // Two loops: `for in` over an array turns each index into a string, which took longer than the rest of the freezing.
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const item = freezeMember(value[index], depth)
      if (item === TOO_DEEP) return TOO_DEEP
      length += item + 1
    }
  } else {
    for (const name in value) {
      const member = freezeMember((value as Record<string, unknown>)[name], depth)
      if (member === TOO_DEEP) return TOO_DEEP
      // JavaScript orders integer names before all others.
      length += startsWithDigit(name) ? UNKNOWN : name.length + member + 4
    }
  }
  Object.freeze(value)
  return length === 1 ? 2 : length
}

function freezeMember(member: unknown, depth: number): number {
  switch (typeof member) {
    case 'string':
      return member.length + 2
    case 'number':
      return lengthOfNumber(member)
    case 'boolean':
      return member ? 4 : 5
    default:
      return member === null ? 4 : freezeJson(member as object, depth + 1)
  }
}

/** Digits are the shortest spelling of an integer, unless it ends in two zeros: 1e3 is shorter than 1000. */
function lengthOfNumber(number: number): number {
  if (number === 0) return 1
  if (!Number.isSafeInteger(number) || number % 100 === 0) return UNKNOWN
  return number >= 1e9 && number < 1e10 ? 10 : String(number).length
}

function startsWithDigit(name: string): boolean {
  const code = name.charCodeAt(0)
  return code >= 0x30 && code <= 0x39
}

/**
 * Saves writing the claims as JSON again: a fifth of the cost of a token whose signature is cached, and a twelfth of a new RS256
 * token (1.2 us). Without it, signed-claims.ts would write them each time.
 *
 * Returns `text` if it equals JSON.stringify of its parsed value, undefined if that is not certain. `shortest` is the result of
 * freezeJson. Without a backslash each string has one spelling. White space, duplicate members and other spellings of numbers
 * make a text longer, so a text of the shortest length has none of them.
 */
export function asStringified(text: string, shortest: number): string | undefined {
  return text.length === shortest && !text.includes('\\') ? text : undefined
}
