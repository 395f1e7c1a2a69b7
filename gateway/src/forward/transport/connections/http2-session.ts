// One HTTP/2 connection to a target: opened once, and shared by as many requests as the target allows.
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'

import { UpstreamReset } from '../../upstream/upstream-failure.ts'

/** Until its SETTINGS are here a target is taken to allow what RFC 9113 section 6.5.2 recommends at least. */
const STREAMS_AT_FIRST = 100
/** Fields beyond are a response that nobody reads. */
const MAX_FIELDS = 2000
/** More than one frame of a response may be on its way; the window of one connection is for all of its streams. */
const STREAM_WINDOW_BYTES = 262_144

export class SharedConnection {
  readonly session: ClientHttp2Session
  /** Connections with the same number were opened before the same DNS refresh. */
  readonly generation: number
  /** Requests under way. */
  streams = 0
  idleSinceMs = 0
  readonly #socket: Socket
  #asks = false

  constructor(
    socket: Socket,
    origin: string,
    { maxHeadBytes, generation }: { readonly maxHeadBytes: number; readonly generation: number },
    onGone: (connection: SharedConnection) => void,
  ) {
    this.generation = generation
    this.#socket = socket
    this.session = connectHttp2(origin, {
      createConnection: () => socket,
      maxHeaderListPairs: MAX_FIELDS,
      settings: { enablePush: false, maxHeaderListSize: maxHeadBytes, initialWindowSize: STREAM_WINDOW_BYTES },
    })
    // Each stream has its own error; that of the connection says no more.
    this.session
      .on('error', () => undefined)
      .on('goaway', () => {
        this.retire()
      })
      .on('close', () => {
        onGone(this)
      })
  }

  /** Whether one request more may go here. */
  get takes(): boolean {
    const { session } = this
    if (session.closed || session.destroyed) return false
    return this.streams < (session.remoteSettings.maxConcurrentStreams ?? STREAMS_AT_FIRST)
  }

  /** Takes no more requests; closes when those under way are over. */
  retire(): void {
    if (!this.session.closed) this.session.close()
    this.settle()
  }

  /** Call it when a request is over. Node ends its side alone, and waits for a target that may not end its own. */
  settle(): void {
    if (this.session.closed && this.streams === 0) this.#socket.destroy()
  }

  /** A response did not come in time: asks whether the target is there at all, and lets go of it where nothing comes. */
  probe(within: (run: () => void) => () => void): void {
    if (this.#asks || this.session.destroyed) return
    this.#asks = true
    const cancel = within(() => {
      this.session.destroy(new UpstreamReset('the connection does not answer to a ping'))
    })
    const isSent = this.session.ping(() => {
      this.#asks = false
      cancel()
    })
    if (!isSent) cancel()
  }
}
