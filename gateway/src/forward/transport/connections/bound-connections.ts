// Connections that an upstream has authenticated: each serves one client connection, and closes with it.
import type { Socket } from 'node:net'

/** The parts of a client's socket that binding needs. */
export type ClientConnection = Pick<Socket, 'destroyed' | 'once' | 'off'>

interface Bound<Connection> {
  readonly connection: Connection
  readonly onClientGone: () => void
}

/**
 * Idle bound connections, at most one for each client. A client continues its handshake on the connection on which it began
 * (RFC 4559 section 4).
 */
export class BoundConnections<Connection> {
  readonly #byClient = new Map<ClientConnection, Bound<Connection>>()
  readonly #most: number
  readonly #close: (connection: Connection) => void

  constructor(most: number, close: (connection: Connection) => void) {
    this.#most = most
    this.#close = close
  }

  has(client: ClientConnection): boolean {
    return this.#byClient.has(client)
  }

  /** Removes and returns the idle connection of this client. */
  take(client: ClientConnection | undefined): Connection | undefined {
    if (client === undefined || this.#byClient.size === 0) return undefined
    const bound = this.#byClient.get(client)
    if (bound === undefined) return undefined
    this.#byClient.delete(client)
    client.off('close', bound.onClientGone)
    return bound.connection
  }

  /** Keeps an idle connection for this client. False when that is not possible: close the connection, do not reuse it. */
  keep(client: ClientConnection | undefined, connection: Connection): boolean {
    if (client === undefined || client.destroyed) return false
    const before = this.take(client)
    if (before !== undefined) this.#close(before)
    if (this.#byClient.size >= this.#most) return false
    const onClientGone = () => {
      this.#byClient.delete(client)
      this.#close(connection)
    }
    client.once('close', onClientGone)
    this.#byClient.set(client, { connection, onClientGone })
    return true
  }

  delete(connection: Connection): void {
    for (const [client, bound] of this.#byClient) if (bound.connection === connection) this.take(client)
  }

  closeAll(): void {
    for (const [client, { connection }] of this.#byClient) {
      this.take(client)
      this.#close(connection)
    }
  }
}
