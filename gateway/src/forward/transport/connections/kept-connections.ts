// Idle connections and the requests queued for them. A connection is reused only after the event loop has polled it again.
import type { OutgoingRequest, ResponseReceiver } from '../transport.ts'

/** What an idle connection stores for the queue. */
export interface Keepable {
  /** The turn of the event loop, and the monotonic time in milliseconds, at which the connection became idle. */
  idleSinceTurn: number
  idleSinceMs: number
}

/**
 * An upstream that closes a connection without notice does so right after a response, or after some idle seconds. The
 * connection that became idle last is the farthest from its idle timeout, so it is reused first, but only after this time.
 */
const SETTLE_MS = 10

type Serve<Connection> = (request: OutgoingRequest, receiver: ResponseReceiver, connection?: Connection) => void

/**
 * The event loop must poll an idle connection to learn that the upstream has closed it, or has sent extra bytes after its
 * response. A request written earlier is lost, or receives a response that is not its own (GHSA-35p6-xmwp-9g52; undici waits
 * for the same reason). So a request is written after the poll in which it arrived, on a connection that was idle before that
 * poll began. Turns are counted after their poll, and only while a connection or a request waits.
 */
export class KeptConnections<Connection extends Keepable> {
  /** Idle for less than SETTLE_MS, oldest first. */
  readonly #young: Connection[] = []
  /** Idle for longer, newest last. */
  readonly #settled: Connection[] = []
  /** Queued requests and their receivers, oldest first. Two arrays, because pairs would cost an object for each request. */
  readonly #requests: OutgoingRequest[] = []
  readonly #receivers: ResponseReceiver[] = []
  readonly #nowMs: () => number
  readonly #serve: Serve<Connection>
  #turn = 0
  #counting = false

  /** `serve` receives each queued request, with an idle connection, or without one if too few are left. */
  constructor(nowMs: () => number, serve: Serve<Connection>) {
    this.#nowMs = nowMs
    this.#serve = serve
  }

  get waiting(): number {
    return this.#requests.length
  }

  /** Adds a connection that has become idle. */
  add(connection: Connection): void {
    connection.idleSinceTurn = this.#turn
    this.#young.push(connection)
    this.#countTurn()
  }

  /** Queues the request. False, and not queued, when there are fewer idle connections than requests: open a new one. */
  wait(request: OutgoingRequest, receiver: ResponseReceiver): boolean {
    if (this.#young.length + this.#settled.length <= this.#requests.length) return false
    this.#requests.push(request)
    this.#receivers.push(receiver)
    this.#countTurn()
    return true
  }

  delete(connection: Connection): void {
    remove(this.#settled, connection)
    remove(this.#young, connection)
  }

  takeAll(): Connection[] {
    return [...this.#settled.splice(0), ...this.#young.splice(0)]
  }

  /** True when a whole poll has passed since the connection became idle. */
  #wasPolled(connection: Connection | undefined): boolean {
    return connection !== undefined && connection.idleSinceTurn + 2 <= this.#turn
  }

  #countTurn(): void {
    if (this.#counting) return
    this.#counting = true
    setImmediate(this.#onTurn)
  }

  readonly #onTurn = (): void => {
    this.#counting = false
    this.#turn += 1
    this.#settle()
    while (this.#requests.length > 0) {
      const connection = this.#take()
      // The idle connections that are left became idle in this poll: they serve in the next turn.
      if (connection === undefined && this.#requests.length <= this.#young.length) {
        this.#countTurn()
        return
      }
      this.#serve(this.#requests.shift() as OutgoingRequest, this.#receivers.shift() as ResponseReceiver, connection)
    }
  }

  #take(): Connection | undefined {
    return this.#settled.pop() ?? (this.#wasPolled(this.#young[0]) ? this.#young.shift() : undefined)
  }

  #settle(): void {
    if (this.#young.length === 0) return
    const settledMs = this.#nowMs() - SETTLE_MS
    for (let first = this.#young[0]; first !== undefined; first = this.#young[0]) {
      if (first.idleSinceMs > settledMs || !this.#wasPolled(first)) return
      this.#young.shift()
      this.#settled.push(first)
    }
  }
}

function remove<Item>(items: Item[], item: Item): void {
  const index = items.lastIndexOf(item)
  if (index >= 0) items.splice(index, 1)
}
