// The connections to one target, one request each: a free one is found at once, however many are busy.
import { Client } from 'undici'

export interface ClientPool {
  /** A free connection, or a new one. Whoever takes it gives it back. */
  take(): Client
  release(client: Client): void
  /** Its request failed: nobody shall have what is left of the connection. */
  drop(client: Client): void
  /** Waits for what is under way. */
  close(): Promise<void>
}

function ignore(): void {
  // It was of no use any more.
}

/**
 * undici's Pool looks through its connections for a free one, busy ones first, and twice for each request. How many there
 * are is bounded by who asks (upstream.ts). The one that became free last goes first, so that those that are not needed
 * fall idle and are closed.
 */
export function createClientPool(origin: string, options: Client.Options): ClientPool {
  const all = new Set<Client>()
  const free: Client[] = []

  return {
    take() {
      const known = free.pop()
      if (known !== undefined) return known
      const client = new Client(origin, options)
      all.add(client)
      return client
    },
    release(client) {
      free.push(client)
    },
    drop(client) {
      all.delete(client)
      client.destroy().catch(ignore)
    },
    async close() {
      await Promise.all([...all].map((client) => client.close()))
    },
  }
}
