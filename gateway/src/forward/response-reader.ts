// Reads the responses of one connection: where each begins and ends, whatever pieces it comes in (RFC 9112 section 6).
import { ChunkedBody } from './chunked-body.ts'
import { isCleanText, parseHead, type ResponseHead } from './response-head.ts'

/** Of a head, interim ones apart. As Node's own client has it. */
const MAX_HEAD_BYTES = 16 * 1024
/** Of the interim responses to one request. */
const MAX_INTERIM = 32
const START = 'HTTP/1.'
const NO_TRAILERS: readonly string[] = []

/** Whoever waits for the response. The order is: any number of onInfo, onHead, any number of onBody, onEnd; or onSwitch alone. */
export interface ResponseSink {
  onInfo(head: ResponseHead): void
  onHead(head: ResponseHead): void
  onBody(piece: Buffer): void
  /** `clean`: the connection is fit for another request. */
  onEnd(trailers: readonly string[], clean: boolean): void
  /** The protocol is switched; `rest` belongs to the new one already. */
  onSwitch(head: ResponseHead, rest: Buffer): void
}

/** What is expected of the answer to a request. */
export interface Expected {
  readonly method: string
  readonly upgrade: boolean
}

type State = 'head' | 'length' | 'chunked' | 'until-close' | 'over'

export class ResponseReader {
  readonly #sink: ResponseSink
  #state: State = 'over'
  #expected: Expected | undefined
  #begun: Buffer | undefined
  #interim = 0
  #head: ResponseHead | undefined
  #left = 0
  #chunks: ChunkedBody | undefined

  constructor(sink: ResponseSink) {
    this.#sink = sink
  }

  /** True between a request and the end of its response. */
  get busy(): boolean {
    return this.#state !== 'over'
  }

  expect(expected: Expected): void {
    this.#expected = expected
    this.#state = 'head'
    this.#interim = 0
  }

  /** Nothing more is reported. */
  stop(): void {
    this.#state = 'over'
    this.#begun = undefined
    this.#chunks = undefined
  }

  /** What is wrong with it; undefined when nothing is. */
  read(piece: Buffer): string | undefined {
    switch (this.#state) {
      case 'head':
        return this.#readHead(piece)
      case 'length':
        this.#readLength(piece)
        return undefined
      case 'chunked':
        return this.#readChunks(piece)
      case 'until-close':
        this.#sink.onBody(piece)
        return undefined
      case 'over':
        return 'the upstream sent what nobody asked for'
    }
  }

  /** The upstream sends no more. True when that is how the response ends. */
  close(): boolean {
    if (this.#state !== 'until-close') return false
    this.#end(NO_TRAILERS, false)
    return true
  }

  #readHead(piece: Buffer): string | undefined {
    const all = this.#begun === undefined ? piece : Buffer.concat([this.#begun, piece])
    const text = all.toString('latin1', 0, Math.min(all.length, MAX_HEAD_BYTES))
    const end = text.indexOf('\r\n\r\n')
    if (end < 0) {
      if (all.length >= MAX_HEAD_BYTES) return 'the head of the response is too large'
      // Told at once, for it may never become one, and whoever waits would wait for the timeout.
      if (!(text.startsWith(START) || START.startsWith(text)) || !isCleanText(text)) return 'this is no response'
      this.#begun = all
      return undefined
    }
    this.#begun = undefined
    const head = parseHead(text.slice(0, end + 2))
    if (head === undefined) return 'the head of the response is malformed'
    return this.#begin(head, all.subarray(end + 4))
  }

  #begin(head: ResponseHead, rest: Buffer): string | undefined {
    const { method = '', upgrade = false } = this.#expected ?? {}
    if (head.status === 101) {
      if (!upgrade) return 'protocols were switched though nobody asked'
      this.#state = 'over'
      this.#sink.onSwitch(head, rest)
      return undefined
    }
    if (head.status < 200) {
      this.#interim += 1
      if (this.#interim > MAX_INTERIM) return 'there are too many interim responses'
      this.#sink.onInfo(head)
      return rest.length > 0 && this.#state === 'head' ? this.#readHead(rest) : undefined
    }
    this.#head = head
    // RFC 9112 section 6.3: these have no body, whatever their head says.
    const bodiless = method === 'HEAD' || head.status === 204 || head.status === 304
    this.#left = bodiless ? 0 : (head.length ?? 0)
    this.#state = bodiless || head.length !== undefined ? 'length' : head.chunked ? 'chunked' : 'until-close'
    this.#chunks = this.#state === 'chunked' ? new ChunkedBody() : undefined
    this.#sink.onHead(head)
    if (this.#state === 'length' && this.#left === 0) this.#end(NO_TRAILERS, rest.length === 0)
    else if (rest.length > 0 && this.busy) return this.read(rest)
    return undefined
  }

  #readLength(piece: Buffer): void {
    const mine = piece.length > this.#left ? piece.subarray(0, this.#left) : piece
    this.#left -= mine.length
    this.#sink.onBody(mine)
    if (this.#left === 0 && this.#state === 'length') this.#end(NO_TRAILERS, mine === piece)
  }

  #readChunks(piece: Buffer): string | undefined {
    const chunks = this.#chunks as ChunkedBody
    const { content, used } = chunks.read(piece)
    if (content.length > 0) this.#sink.onBody(content)
    if (!this.busy) return undefined
    if (chunks.state === 'invalid') return 'the chunks of the response are malformed'
    if (chunks.state === 'over') this.#end(chunks.trailers, used === piece.length)
    return undefined
  }

  #end(trailers: readonly string[], clean: boolean): void {
    const persistent = this.#head?.persistent === true
    this.stop()
    this.#sink.onEnd(trailers, clean && persistent)
  }
}
