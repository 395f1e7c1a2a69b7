// Links the client's WebSocket with the upstream's: passes close codes on, applies backpressure, ends both with the token.
import type { EventEmitter } from 'node:events'

import { RENEWED_TOKEN, type NextToken } from '../streams/stream-renewal.ts'
import type { LongLived, StreamWatch } from '../streams/stream-watch.ts'

/** What is used of a WebSocket of the library ws. */
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
  /** The stream below: tells when what was written to it is gone. */
  readonly connection: EventEmitter
}

export interface LinkParts {
  readonly watch: StreamWatch
  readonly closeCode: number
  /** The successor that the client is to have now; undefined where the link carries none. */
  readonly nextToken: NextToken | undefined
  /** False ends the link. Undefined: it has no token to outlive. */
  readonly isStillGood: ((wallMs: number) => boolean) | undefined
}

/** What may wait for a side that reads slowly; one message more can come on top. */
const MAX_BUFFERED_BYTES = 65_536

/** How long a side may take to answer a close that is ours: the library would wait for half a minute. */
const CLOSE_MS = 2000

const NO_STATUS = 1005
const ABNORMAL = 1006
const GOING_AWAY = 1001
const SHUTTING_DOWN = 'the gateway is shutting down'
const INTERNAL_ERROR = 1011

/** Whoever sends waits until the other side has taken what it was sent. */
function holdBack(from: Side, to: Side): void {
  from.peer.on('message', () => {
    if (to.peer.bufferedAmount <= MAX_BUFFERED_BYTES) return
    from.peer.pause()
    to.connection.once('drain', () => {
      from.peer.resume()
    })
  })
}

/**
 * Before the plugin's own listeners: it would turn a close without a code into 4005 and a lost connection into 4006, and
 * tell one side the library's words for an error of the other.
 */
function carryClose(from: Side, to: Side, name: string): void {
  from.peer.prependListener('close', (code: number, reason: Buffer) => {
    // Held back, it would not read the answer to its close.
    to.peer.resume()
    if (code === ABNORMAL) to.peer.terminate()
    else if (code === NO_STATUS) to.peer.close()
    else to.peer.close(code, reason.toString())
  })
  from.peer.prependListener('error', () => {
    to.peer.close(INTERNAL_ERROR, `the connection to the ${name} failed`)
  })
}

/** Links both sides until one closes or the token ends; the returned function ends it for a shutdown. */
export function linkWebSockets(
  client: Side,
  upstream: Side,
  { watch, closeCode, isStillGood, nextToken }: LinkParts,
): () => void {
  holdBack(client, upstream)
  holdBack(upstream, client)
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
