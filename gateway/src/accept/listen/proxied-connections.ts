// Takes the PROXY header off each new connection of a listener, so that all behind it see the client's address.
import type { Socket } from 'node:net'

import type { Schedule } from '../../clock.ts'
import { setPeerAddress } from '../../message/peer-address.ts'
import { peerAddressOf } from '../../message/trusted-proxies.ts'
import { readProxyHeader } from './proxy-protocol.ts'

/** Why a connection was refused. */
export type ProxyRefusal = 'untrusted' | 'malformed' | 'timeout'

export interface ProxiedParts {
  /** Whether this peer may say who the client is. */
  readonly isTrusted: (peer: string) => boolean
  readonly timeoutMs: number
  readonly schedule: Schedule
  /** Called with the connection, from which nothing but the header was taken. */
  readonly take: (socket: Socket) => void
  /** The connection is closed already. */
  readonly onRefused: (peer: string, refusal: ProxyRefusal, reason: string) => void
}

/** Who is not trusted is refused and not served as without a header: who names addresses is not to be guessed (section 2). */
export function createProxiedConnections(parts: ProxiedParts): (socket: Socket) => void {
  const { isTrusted, timeoutMs, schedule, take, onRefused } = parts

  return (socket) => {
    const peer = peerAddressOf({ socket })
    // Health checks open connections and reset them: who that was cannot be told any more, and nobody is there.
    if (peer === '') {
      socket.on('error', ignore).destroy()
      return
    }
    let unread: Buffer = Buffer.alloc(0)

    function refuse(refusal: ProxyRefusal, reason: string): void {
      letGo()
      socket.on('error', ignore).destroy()
      onRefused(peer, refusal, reason)
    }

    function letGo(): void {
      cancel()
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', ignore)
    }

    function onData(piece: Buffer): void {
      unread = unread.length === 0 ? piece : Buffer.concat([unread, piece])
      const header = readProxyHeader(unread)
      if (header === 'more') return
      if (typeof header === 'string') {
        refuse('malformed', header)
        return
      }
      letGo()
      socket.pause()
      if (unread.length > header.bytes) socket.unshift(unread.subarray(header.bytes))
      if (header.client !== undefined) setPeerAddress(socket, header.client)
      take(socket)
    }

    /** Health checks open connections and close them again. */
    function onEnd(): void {
      if (unread.length > 0) {
        refuse('malformed', 'fault: the connection ended within the header')
        return
      }
      letGo()
      socket.on('error', ignore).destroy()
    }

    const cancel = schedule(timeoutMs, () => {
      refuse('timeout', `no whole header came within ${timeoutMs} ms`)
    })
    if (isTrusted(peer)) socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', ignore)
    else refuse('untrusted', 'the peer is not named in proxyProtocol.from')
  }
}

function ignore(): void {
  // Whoever goes on with the connection is told that it is closed.
}
