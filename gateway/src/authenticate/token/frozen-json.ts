// Values of JSON that all requests with one token share: frozen, and measured on the way.

const MAX_DEPTH = 64
/** What freezeJson answers instead of a length where it has given up. */
export const TOO_DEEP = -1
const UNKNOWN = NaN

/**
 * Freezes a value of JSON all the way down, and says how many characters the shortest text has that means it: NaN where that is
 * not simply the one that JSON.stringify writes. TOO_DEEP, with a part not frozen, when it is deeper than tokens are: this and
 * JSON.stringify go down by recursion, and the depth is the sender's to choose.
 */
export function freezeJson(value: object, depth = 0): number {
  if (depth > MAX_DEPTH) return TOO_DEEP
  let length = 1
  // Two loops: `for in` over an array turns each index into a string, which took longer than all the rest of the freezing.
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
      // A name that is a number is written before all others, wherever it stood.
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

/** Plain digits are the shortest spelling of a whole number, unless it ends in two zeros: 1e3 is shorter than 1000. */
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
 * Buys a fifth of what a token costs whose signature is in the cache, and a twelfth of an RS256 token that is new (1.2 us): its
 * claims need not be written again. Without it nothing breaks: signed-claims.ts would have them written each time.
 *
 * The text itself when it is character for character what JSON.stringify would write for the value that was parsed from it,
 * undefined when that cannot be said. `shortest` is the length that freezeJson gave. Without a backslash each string has one
 * spelling; white space, a member written twice or another spelling of a number make a text longer, and nothing makes it
 * shorter again: a text of the shortest length has none of them.
 */
export function asStringified(text: string, shortest: number): string | undefined {
  return text.length === shortest && !text.includes('\\') ? text : undefined
}
