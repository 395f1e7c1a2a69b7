// Parses the responses on one connection, in pieces of any size (RFC 9112 section 6).
import { ChunkedBody } from './chunked-body.ts'
import { isCleanText, parseHead, type ResponseHead } from './response-head.ts'
import { HeadersTooLarge, InvalidResponse } from '../upstream/upstream-failure.ts'

/** Most interim responses (1xx) to one request. */
const MAX_INTERIM = 32
const START = 'HTTP/1.'
const END_OF_HEAD = '\r\n\r\n'
/** Decoded first of a piece: it avoids decoding a body that follows the head. */
const USUAL_HEAD_BYTES = 4096
const NO_TRAILERS: readonly string[] = []

/** Receives a parsed response: onInfo any number of times, then onHead, onBody any number of times, and onEnd; or onSwitch. */
export interface ResponseSink {
  onInfo(head: ResponseHead): void
  onHead(head: ResponseHead): void
  onBody(piece: Buffer): void
  /** `clean`: the connection can carry another request. */
  onEnd(trailers: readonly string[], clean: boolean): void
  /** The upstream switched protocols (101). `rest` are bytes of the new protocol. */
  onSwitch(head: ResponseHead, rest: Buffer): void
}

/** What the parser must know of the request: its method decides whether there is a body, `upgrade` whether 101 is allowed. */
export interface Expected {
  readonly method: string
  readonly upgrade: boolean
}

type State = 'head' | 'length' | 'chunked' | 'until-close' | 'idle'

/** A push parser: call `expect` for each request, then `read` for each piece. */
export class ResponseReader {
  readonly #sink: ResponseSink
  readonly #maxHeadBytes: number
  #state: State = 'idle'
  #expected: Expected | undefined
  /** The beginning of a head that is not complete. */
  #begun = ''
  #interim = 0
  #head: ResponseHead | undefined
  #left = 0
  #chunks: ChunkedBody | undefined

  /** `maxHeadBytes` limits each head by itself, interim ones too. */
  constructor(sink: ResponseSink, maxHeadBytes: number) {
    this.#sink = sink
    this.#maxHeadBytes = maxHeadBytes
  }

  /** True between a request and the end of its response. */
  get busy(): boolean {
    return this.#state !== 'idle'
  }

  /** Prepares for the response to the next request. */
  expect(expected: Expected): void {
    this.#expected = expected
    this.#state = 'head'
    this.#interim = 0
  }

  /** Drops the current response: the sink is not called again. */
  stop(): void {
    this.#state = 'idle'
    this.#begun = ''
    this.#chunks = undefined
  }

  /** Parses a piece. Returns an error, InvalidResponse or HeadersTooLarge, when the response is malformed. */
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
      case 'idle':
        return new InvalidResponse('the upstream sent what nobody asked for')
    }
  }

  /** The upstream has closed its side. True when the close ends the response (RFC 9112 section 6.3). */
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
      // Rejected before the head is complete: otherwise the client waits for the timeout.
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
      this.#state = 'idle'
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
    // RFC 9112 section 6.3: these have no body, whatever their headers say.
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
    if (chunks.state === 'complete') this.#end(chunks.trailers, used === piece.length)
    return undefined
  }

  #end(trailers: readonly string[], clean: boolean): void {
    const persistent = this.#head?.persistent === true
    this.stop()
    this.#sink.onEnd(trailers, clean && persistent)
  }
}
