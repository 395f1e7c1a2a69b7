// Which response a connection carries now, and what is sent after all responses that come before.
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

import { keepEarlyBytes } from '../../message/early-bytes.ts'

/** The response that Node is writing on a connection now; undefined when there is none. */
export function responseOn(socket: Duplex): ServerResponse | undefined {
  return (socket as Duplex & { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? undefined
}

/** Runs when every response that was begun or waits on this connection is over; `missed`, when the connection ends before. */
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
 * The same for a connection that Node has let go of (upgrade, connect). When its client's side ends meanwhile, the responses
 * before are the last ones: nothing can be switched any more, and who wants the rest asks again (RFC 9112 section 9.3.2).
 */
export function afterItsTurnUnread(socket: Duplex, run: () => void, missed: () => void): void {
  if (responseOn(socket) === undefined) {
    run()
    return
  }
  const giveBack = keepEarlyBytes(socket)
  // Node has let go of this as well, and the responses before may be larger than what a connection takes at once.
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
