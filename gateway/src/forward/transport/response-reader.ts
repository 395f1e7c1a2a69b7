// Reads the responses of one connection: finds where each begins and ends, in whatever pieces it arrives (RFC 9112 section 6).
import { ChunkedBody } from './chunked-body.ts'
import { isCleanText, parseHead, type ResponseHead } from './response-head.ts'
import { HeadersTooLarge, InvalidResponse } from '../upstream/upstream-failure.ts'

/** Of the interim responses to one request. */
const MAX_INTERIM = 32
const START = 'HTTP/1.'
const END_OF_HEAD = '\r\n\r\n'
/** What is looked at first of a piece: behind the head may be a body, which is no text. */
const USUAL_HEAD_BYTES = 4096
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

/** What is expected of the response to a request. */
export interface Expected {
  readonly method: string
  readonly upgrade: boolean
}

type State = 'head' | 'length' | 'chunked' | 'until-close' | 'over'

export class ResponseReader {
  readonly #sink: ResponseSink
  readonly #maxHeadBytes: number
  #state: State = 'over'
  #expected: Expected | undefined
  /** A head whose end is still to come. */
  #begun = ''
  #interim = 0
  #head: ResponseHead | undefined
  #left = 0
  #chunks: ChunkedBody | undefined

  /** `maxHeadBytes`: of a head, interim ones apart. */
  constructor(sink: ResponseSink, maxHeadBytes: number) {
    this.#sink = sink
    this.#maxHeadBytes = maxHeadBytes
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
    this.#begun = ''
    this.#chunks = undefined
  }

  /** What is wrong with it; undefined when nothing is. */
  read(piece: Buffer): Error | undefined {
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
        return new InvalidResponse('the upstream sent what nobody asked for')
    }
  }

  /** The upstream sends no more. True when that is how the response ends. */
  close(): boolean {
    if (this.#state !== 'until-close') return false
    this.#end(NO_TRAILERS, false)
    return true
  }

  #readHead(piece: Buffer): Error | undefined {
    const before = this.#begun
    const from = before.length - END_OF_HEAD.length
    let text = before + piece.toString('latin1', 0, USUAL_HEAD_BYTES)
    let end = text.indexOf(END_OF_HEAD, from)
    if (end < 0 && piece.length > USUAL_HEAD_BYTES) {
      text = before + piece.toString('latin1')
      end = text.indexOf(END_OF_HEAD, from)
    }
    if ((end < 0 ? text.length : end + END_OF_HEAD.length) > this.#maxHeadBytes)
      return new HeadersTooLarge(`the head of the response is too large: over ${this.#maxHeadBytes} bytes`)
    if (end < 0) {
      // Told at once, for it may never become one, and whoever waits would wait for the timeout.
      const unread = before.endsWith('\r') ? before.length - 1 : before.length
      if (!(text.startsWith(START) || START.startsWith(text)) || !isCleanText(text.slice(unread)))
        return new InvalidResponse('this is no response')
      this.#begun = text
      return undefined
    }
    this.#begun = ''
    const head = parseHead(text.slice(0, end + 2))
    if (head === undefined) return new InvalidResponse('the head of the response is malformed')
    return this.#begin(head, piece.subarray(end + END_OF_HEAD.length - before.length))
  }

  #begin(head: ResponseHead, rest: Buffer): Error | undefined {
    const { method = '', upgrade = false } = this.#expected ?? {}
    if (head.status === 101) {
      if (!upgrade) return new InvalidResponse('protocols were switched though nobody asked')
      this.#state = 'over'
      this.#sink.onSwitch(head, rest)
      return undefined
    }
    if (head.status < 200) {
      this.#interim += 1
      if (this.#interim > MAX_INTERIM) return new InvalidResponse('there are too many interim responses')
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

  #readChunks(piece: Buffer): Error | undefined {
    const chunks = this.#chunks as ChunkedBody
    const { content, used } = chunks.read(piece)
    if (content.length > 0) this.#sink.onBody(content)
    if (!this.busy) return undefined
    if (chunks.state === 'invalid') return new InvalidResponse('the chunks of the response are malformed')
    if (chunks.state === 'over') this.#end(chunks.trailers, used === piece.length)
    return undefined
  }

  #end(trailers: readonly string[], clean: boolean): void {
    const persistent = this.#head?.persistent === true
    this.stop()
    this.#sink.onEnd(trailers, clean && persistent)
  }
}
