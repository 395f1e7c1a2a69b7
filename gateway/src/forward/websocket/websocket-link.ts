// Links the client's WebSocket with the upstream's: passes close codes, applies backpressure, and ends both with the token.
import type { EventEmitter } from 'node:events'

import { RENEWED_TOKEN, type NextToken } from '../streams/stream-renewal.ts'
import type { LongLived, StreamWatch } from '../streams/stream-watch.ts'

/** The parts of a WebSocket of the library ws that the link uses. */
export interface Peer extends EventEmitter {
  readonly bufferedAmount: number
  close(code?: number, reason?: string): void
  send(text: string): void
  terminate(): void
  pause(): void
  resume(): void
}

export interface Side {
  readonly peer: Peer
  /** The underlying stream, for its `drain` event. */
  readonly connection: EventEmitter
}

export interface LinkParts {
  readonly watch: StreamWatch
  readonly closeCode: number
  /** Source of successors for the client; undefined when the link delivers none. */
  readonly nextToken: NextToken | undefined
  /** False when the token has expired or was revoked, which ends the link. Undefined: the link may outlive its token. */
  readonly isStillGood: ((wallMs: number) => boolean) | undefined
}

/** Most bytes buffered for a slow side, plus one message. */
const MAX_BUFFERED_BYTES = 65_536

/** Longest wait for the reply to a close frame of the gateway. The library would wait for 30 s. */
const CLOSE_MS = 2000

const NO_STATUS = 1005
const ABNORMAL = 1006
const GOING_AWAY = 1001
const SHUTTING_DOWN = 'the gateway is shutting down'
const INTERNAL_ERROR = 1011

/** Pauses one side while the other has too many buffered bytes. */
function applyBackpressure(from: Side, to: Side): void {
  from.peer.on('message', () => {
    if (to.peer.bufferedAmount <= MAX_BUFFERED_BYTES) return
    from.peer.pause()
    to.connection.once('drain', () => {
      from.peer.resume()
    })
  })
}

/**
 * Passes the close of one side to the other, before the plugin's own listeners: the plugin would send 4005 for a close without a
 * code and 4006 for a lost connection, and pass on the library's error messages.
 */
function carryClose(from: Side, to: Side, name: string): void {
  from.peer.prependListener('close', (code: number, reason: Buffer) => {
    // A paused side would not read the reply to its close frame.
    to.peer.resume()
    if (code === ABNORMAL) to.peer.terminate()
    else if (code === NO_STATUS) to.peer.close()
    else to.peer.close(code, reason.toString())
  })
  from.peer.prependListener('error', () => {
    to.peer.close(INTERNAL_ERROR, `the connection to the ${name} failed`)
  })
}

/** Links both sides until one closes or the token ends. Returns a function that ends the link at shutdown. */
export function linkWebSockets(
  client: Side,
  upstream: Side,
  { watch, closeCode, isStillGood, nextToken }: LinkParts,
): () => void {
  applyBackpressure(client, upstream)
  applyBackpressure(upstream, client)
  carryClose(client, upstream, 'client')
  carryClose(upstream, client, 'service')
  let closing = false
  let closingSinceMs: number | undefined

  function end(code: number, reason: string): void {
    closing = true
    watch.add(longLived)
    client.peer.close(code, reason)
    upstream.peer.close(GOING_AWAY, reason)
  }
  function sendNext(wallMs: number): void {
    const token = nextToken?.(wallMs)
    if (token !== undefined) client.peer.send(JSON.stringify({ type: RENEWED_TOKEN, token }))
  }
  const longLived: LongLived = {
    check(nowMs, wallMs, leaveMs) {
      if (!closing) {
        if (leaveMs > -Infinity) end(GOING_AWAY, SHUTTING_DOWN)
        else if (isStillGood?.(wallMs) === false) end(closeCode, 'the token has expired or was revoked')
        else sendNext(wallMs)
        return
      }
      closingSinceMs ??= nowMs
      if (nowMs - closingSinceMs < CLOSE_MS) return
      client.peer.terminate()
      upstream.peer.terminate()
    },
  }
  watch.add(longLived)
  client.peer.on('close', () => {
    watch.delete(longLived)
  })
  return () => {
    end(GOING_AWAY, SHUTTING_DOWN)
  }
}
