// Parses a chunked body (RFC 9112 section 7.1): returns its content and finds its end.
import { isCleanText, parseFields } from './response-head.ts'

/** Limits for all chunk extensions and for the trailers of one body: they are not counted as content. */
const MAX_EXTENSION_BYTES = 16 * 1024
const MAX_TRAILER_BYTES = 16 * 1024
/** Up to 2^52 bytes, which a double holds exactly. */
const MAX_SIZE_DIGITS = 13

const CR = 13
const LF = 10
const SEMICOLON = 59
const LINE_END = '\r\n'

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers' | 'complete' | 'invalid'

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

function ignore(): void {
  // Framing fields have no meaning in trailers (RFC 9110 section 6.5.1).
}

/** A push parser for one body: feed it pieces until `state` is no longer `open`. */
export class ChunkedBody {
  #state: State = 'size'
  #size = 0
  #digits = 0
  #extensionBytes = 0
  /** Starts with the line end of the last chunk, so that an empty line ends the trailers even if there are none. */
  #trailerText = LINE_END
  #trailers: readonly string[] = []

  get state(): 'open' | 'complete' | 'invalid' {
    return this.#state === 'complete' || this.#state === 'invalid' ? this.#state : 'open'
  }

  /** Trailer fields as alternating names and values. Empty until `state` is `complete`. */
  get trailers(): readonly string[] {
    return this.#trailers
  }

  /**
   * Returns the content of all chunks in `piece` as one buffer, so that many small chunks become one write. Moves the bytes
   * together within `piece`, which it overwrites. `used` is the number of bytes that belong to this body.
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

  /** Returns how many characters of `text` belong to the trailers. */
  #readTrailers(text: string): number {
    const before = this.#trailerText.length
    const all = this.#trailerText + text
    const end = all.indexOf(LINE_END + LINE_END)
    if (end >= 0) {
      const fields = all.slice(LINE_END.length, end + LINE_END.length)
      const trailers = isCleanText(fields) ? parseFields(fields, 0, ignore) : undefined
      this.#trailers = trailers ?? []
      this.#state = trailers === undefined || fields.length > MAX_TRAILER_BYTES ? 'invalid' : 'complete'
      return end + 2 * LINE_END.length - before
    }
    if (all.length - LINE_END.length > MAX_TRAILER_BYTES || !isCleanText(all)) this.#state = 'invalid'
    this.#trailerText = all
    return text.length
  }
}
