// Finds the response in flight on a connection, and runs code after all responses before it.
import type { Duplex } from 'node:stream'

import type { GatewayResponse } from '../../message/client-exchange.ts'
import { keepEarlyBytes } from '../../message/connection/early-bytes.ts'

/** `_httpMessage` is where Node keeps it, `laneResponse` where the fast lane does. */
interface ServedSocket extends Duplex {
  readonly _httpMessage?: GatewayResponse | null
  laneResponse?: GatewayResponse | undefined
}

/** Returns the response in flight on this connection; undefined when there is none. */
export function responseOn(socket: Duplex): GatewayResponse | undefined {
  const { laneResponse, _httpMessage } = socket as ServedSocket
  return laneResponse ?? _httpMessage ?? undefined
}

/** Sets what responseOn returns, for the fast lane; undefined after the response. */
export function noteResponse(socket: Duplex, response: GatewayResponse | undefined): void {
  ;(socket as ServedSocket).laneResponse = response
}

/** Calls `run` after all responses in flight or queued on this connection; `missed` if the connection closes before. */
export function afterItsTurn(socket: Duplex, run: () => void, missed: () => void): void {
  const response = responseOn(socket)
  if (response === undefined) run()
  else
    response.once('close', () => {
      if (socket.destroyed) missed()
      else afterItsTurn(socket, run, missed)
    })
}

/**
 * `afterItsTurn` for a connection that Node has detached (upgrade, connect). If the client closes its side meanwhile, the
 * responses before are the last ones: nothing can be switched, and the client retries (RFC 9112 section 9.3.2).
 */
export function afterItsTurnUnread(socket: Duplex, run: () => void, missed: () => void): void {
  if (responseOn(socket) === undefined) {
    run()
    return
  }
  const giveBack = keepEarlyBytes(socket)
  // Node has detached the drain listener too, and the responses before may exceed the socket's buffer.
  const onDrain = () => {
    const response = responseOn(socket)
    if (response?.writableNeedDrain === true) response.emit('drain')
  }
  socket.on('drain', onDrain)
  afterItsTurn(
    socket,
    () => {
      socket.off('drain', onDrain)
      if (socket.readableEnded) {
        missed()
        socket.end(() => socket.destroy())
        return
      }
      giveBack()
      run()
    },
    missed,
  )
}
