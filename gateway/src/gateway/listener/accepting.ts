// Accepts connections at one address, and keeps them until somebody serves them.
import { once } from 'node:events'
import type { Server, Socket } from 'node:net'

import { shownAddress, type Address, type Place } from '../../options/listen/address.ts'
import { bind } from './bind.ts'

export type Take = (socket: Socket) => void

export interface Accepting {
  readonly address: Address
  /** `http://127.0.0.1:8080`, with the port that was really taken. */
  url(scheme: 'http' | 'https'): string
  /** From now on, and those that came before. */
  serveBy(take: Take): void
  /** Accepts no more. Resolves when all connections that it accepted are over. */
  close(): Promise<void>
}

function ignore(): void {
  // Whoever serves the connection finds it closed.
}

/** Connections that come before anybody serves them: at most so many, as each may wait for as long as a change takes. */
const MAX_KEPT = 1000

function urlOf(scheme: string, address: Address, servers: readonly Server[]): string {
  const [told] = servers.map((server) => server.address())
  if (address.kind === 'unix' || told === undefined || told === null) return shownAddress(address)
  if (typeof told === 'string') return `unix:${told}`
  return `${scheme}://${shownAddress({ kind: 'port', host: told.address, port: told.port, ipv6Only: false })}`
}

/** Throws CannotStart. */
export async function startAccepting(address: Address, place: Place): Promise<Accepting> {
  let kept: Socket[] = []
  let take: Take = (socket) => {
    if (kept.length >= MAX_KEPT) socket.destroy()
    else kept.push(socket.on('error', ignore))
  }
  const servers = await bind(address, place, (socket) => {
    take(socket)
  })
  return {
    address,
    url: (scheme) => urlOf(scheme, address, servers),
    serveBy(next) {
      take = next
      const waiting = kept
      kept = []
      for (const socket of waiting) {
        socket.off('error', ignore)
        if (!socket.destroyed) next(socket)
      }
    },
    async close() {
      const waiting = kept
      kept = []
      take = (socket) => socket.destroy()
      for (const socket of waiting) socket.destroy()
      await Promise.all(
        servers.map(async (server) => {
          const closed = once(server, 'close')
          server.close()
          await closed
        }),
      )
    },
  }
}
