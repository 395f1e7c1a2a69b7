// Parser of a chunked body (RFC 9112 section 7.1): its data, and where it ends.
import { isCleanText, parseFields } from './response-head.ts'

/** Of all extensions of a body, which nobody uses, and of its trailers. Without a bound they would be a body that nobody counts. */
const MAX_EXTENSION_BYTES = 16 * 1024
const MAX_TRAILER_BYTES = 16 * 1024
/** 2^52 bytes and less: what a number holds exactly. */
const MAX_SIZE_DIGITS = 13

const CR = 13
const LF = 10
const SEMICOLON = 59
const LINE_END = '\r\n'

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers' | 'over' | 'invalid'

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

function ignore(): void {
  // What frames a message has no meaning in its trailers.
}

export class ChunkedBody {
  #state: State = 'size'
  #size = 0
  #digits = 0
  #extensionBytes = 0
  /** From the end of the line with the last size on: an empty line behind it ends them, also where there are none. */
  #trailerText = LINE_END
  #trailers: readonly string[] = []

  get state(): 'open' | 'over' | 'invalid' {
    return this.#state === 'over' || this.#state === 'invalid' ? this.#state : 'open'
  }

  /** Names and values in turn, once the body is over. */
  get trailers(): readonly string[] {
    return this.#trailers
  }

  /**
   * What is in the chunks of `piece`, as one: they are moved together within it, so that a thousand small ones are one
   * write and not a thousand. `used` is how much of the piece belonged to this body.
   */
  read(piece: Buffer): { readonly content: Buffer; readonly used: number } {
    let [from, to] = [0, 0]
    let at = 0
    while (at < piece.length && this.state === 'open') {
      if (this.#state === 'trailers') {
        at += this.#readTrailers(piece.toString('latin1', at))
      } else if (this.#state === 'data') {
        const end = Math.min(piece.length, at + this.#size)
        if (to === 0) from = to = at
        if (to !== at) piece.copyWithin(to, at, end)
        to += end - at
        this.#size -= end - at
        at = end
        if (this.#size === 0) this.#state = 'data-cr'
      } else {
        this.#state = this.#next(piece[at] as number)
        at += 1
      }
    }
    return { content: piece.subarray(from, to), used: at }
  }

  #next(code: number): State {
    switch (this.#state) {
      case 'size': {
        const digit = hexDigit(code)
        if (digit >= 0) {
          this.#size = this.#size * 16 + digit
          this.#digits += 1
          return this.#digits <= MAX_SIZE_DIGITS ? 'size' : 'invalid'
        }
        if (this.#digits === 0) return 'invalid'
        if (code === CR) return 'size-lf'
        return code === SEMICOLON ? 'extension' : 'invalid'
      }
      case 'extension':
        this.#extensionBytes += 1
        if (code === CR) return 'size-lf'
        return code === LF || code === 0 || this.#extensionBytes > MAX_EXTENSION_BYTES ? 'invalid' : 'extension'
      case 'size-lf':
        this.#digits = 0
        if (code !== LF) return 'invalid'
        return this.#size === 0 ? 'trailers' : 'data'
      case 'data-cr':
        return code === CR ? 'data-lf' : 'invalid'
      case 'data-lf':
        return code === LF ? 'size' : 'invalid'
      default:
        return 'invalid'
    }
  }

  /** How much of the text belongs to the trailers. */
  #readTrailers(text: string): number {
    const before = this.#trailerText.length
    const all = this.#trailerText + text
    const end = all.indexOf(LINE_END + LINE_END)
    if (end >= 0) {
      const fields = all.slice(LINE_END.length, end + LINE_END.length)
      const trailers = isCleanText(fields) ? parseFields(fields, 0, ignore) : undefined
      this.#trailers = trailers ?? []
      this.#state = trailers === undefined || fields.length > MAX_TRAILER_BYTES ? 'invalid' : 'over'
      return end + 2 * LINE_END.length - before
    }
    if (all.length - LINE_END.length > MAX_TRAILER_BYTES || !isCleanText(all)) this.#state = 'invalid'
    this.#trailerText = all
    return text.length
  }
}
