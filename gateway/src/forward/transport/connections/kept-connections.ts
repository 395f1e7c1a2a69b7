// Idle connections, and the requests that wait for one: none is reused before the event loop has polled it once more.
import type { OutgoingRequest, ResponseReceiver } from '../transport.ts'

/** What is remembered of a connection for this. */
export interface Keepable {
  /** The turn of the event loop in which it came to rest, and when that was. */
  restedInTurn: number
  restedAtMs: number
}

/**
 * An upstream that closes without a word does so right after its response, or after some seconds of silence. The one that came
 * to rest last is farthest from the second and nearest to the first: so it is taken, but only after this time.
 */
const SETTLE_MS = 10

type Serve<Connection> = (request: OutgoingRequest, receiver: ResponseReceiver, connection?: Connection) => void

/**
 * What an upstream sent behind its response, and that it has closed, is known when the loop has polled: a request that is
 * written before is lost, or gets a response that is not its own. So requests are written when the poll in which they came
 * is over, and over connections that were at rest before it began. undici waits for the same reason
 * (GHSA-35p6-xmwp-9g52). A turn is counted when its poll is over, and only while there is something to wait for.
 */
export class KeptConnections<Connection extends Keepable> {
  /** The first came to rest first. */
  readonly #young: Connection[] = []
  /** The last came to rest last. */
  readonly #settled: Connection[] = []
  /** Who waits, in turn: two lists, for a pair would be one more object for each request. */
  readonly #requests: OutgoingRequest[] = []
  readonly #receivers: ResponseReceiver[] = []
  readonly #nowMs: () => number
  readonly #serve: Serve<Connection>
  #turn = 0
  #counting = false

  /** `serve` gets who waited, with a connection, or with none where too few were left. */
  constructor(nowMs: () => number, serve: Serve<Connection>) {
    this.#nowMs = nowMs
    this.#serve = serve
  }

  get waiting(): number {
    return this.#requests.length
  }

  rest(connection: Connection): void {
    connection.restedInTurn = this.#turn
    this.#young.push(connection)
    this.#countTurn()
  }

  /** False when too few connections are at rest for all that wait: another one has to be made. */
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

  /** It rested before the poll of some turn, and that turn is over as well. */
  #wasLookedAt(connection: Connection | undefined): boolean {
    return connection !== undefined && connection.restedInTurn + 2 <= this.#turn
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
      // Those that are left came to rest in this very poll.
      if (connection === undefined && this.#requests.length <= this.#young.length) {
        this.#countTurn()
        return
      }
      this.#serve(this.#requests.shift() as OutgoingRequest, this.#receivers.shift() as ResponseReceiver, connection)
    }
  }

  #take(): Connection | undefined {
    return this.#settled.pop() ?? (this.#wasLookedAt(this.#young[0]) ? this.#young.shift() : undefined)
  }

  #settle(): void {
    if (this.#young.length === 0) return
    const settledMs = this.#nowMs() - SETTLE_MS
    for (let first = this.#young[0]; first !== undefined; first = this.#young[0]) {
      if (first.restedAtMs > settledMs || !this.#wasLookedAt(first)) return
      this.#young.shift()
      this.#settled.push(first)
    }
  }
}

function remove<Item>(items: Item[], item: Item): void {
  const index = items.lastIndexOf(item)
  if (index >= 0) items.splice(index, 1)
}
