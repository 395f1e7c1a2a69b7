// The listeners of a process: opened, changed one by one while the others serve on, and closed.
import { isDeepStrictEqual } from 'node:util'

import { CannotStart } from '../../failure.ts'
import { addressOf, meet, placeOf, shownAddress, type Address, type Place } from '../../options/listen/address.ts'
import type { ListenerOptions } from '../../options/listen/listen.ts'
import type { Log } from '../../observe/log.ts'
import { startAccepting, type Accepting } from './accepting.ts'
import type { ConnectionServer } from './connection-server.ts'
import { setMode } from './socket-file.ts'

export interface Listener {
  readonly options: ListenerOptions
  readonly place: Place
  readonly address: Address
  readonly server: ConnectionServer
  /** Undefined before it listens. */
  readonly accepting: Accepting | undefined
}

/** A change that is prepared: new addresses are bound, and nobody is served there. */
export interface PreparedListeners {
  /** New listeners serve, and those that are gone close: no more connections, and each is ended between two requests. */
  commit(): void
  /** Nothing came of it. */
  abandon(): Promise<void>
}

type CreateServer = (options: ListenerOptions, place: Place) => ConnectionServer

/** The mode of a socket file may change while it is listened on. */
function sameAddress(one: Address, other: Address): boolean {
  return isDeepStrictEqual({ ...one, mode: undefined }, { ...other, mode: undefined })
}

export function urlOf({ accepting, options, address }: Listener): string {
  return accepting?.url(options.tls === undefined ? 'http' : 'https') ?? shownAddress(address)
}

/** The kernel would not let them listen side by side. */
function refuseMeeting({ address, place }: Pick<Listener, 'address' | 'place'>, leaving: readonly Listener[]): void {
  const other = leaving.find((listener) => meet(listener.address, address))
  if (other === undefined) return
  const [wanted, held] = [shownAddress(address), shownAddress(other.address)]
  const message = `${wanted} is taken by ${held} as long as that one listens: a change of it needs a restart (${place.name})`
  throw new CannotStart(message, place.path)
}

interface Plan {
  /** The one that serves its address now. */
  readonly running: Listener | undefined
  readonly listener: Listener
  readonly useCertificate: (() => void) | undefined
}

async function openAll(listeners: readonly Listener[]): Promise<readonly Listener[]> {
  const opened: Listener[] = []
  try {
    for (const listener of listeners)
      opened.push({ ...listener, accepting: await startAccepting(listener.address, listener.place) })
    return opened
  } catch (error) {
    await closeAccepting(opened)
    throw error
  }
}

async function closeAccepting(listeners: readonly Listener[]): Promise<void> {
  await Promise.all(listeners.flatMap(({ accepting }) => (accepting === undefined ? [] : [accepting.close()])))
}

/** What was made for a change that does not come about. */
function dropServers(plans: readonly Plan[]): void {
  for (const { running, listener } of plans) if (running?.server !== listener.server) listener.server.tls?.stop()
}

export class Listeners {
  #current: readonly Listener[]
  /** Of closed listeners, or with options that were changed: those that have connections still. */
  readonly #draining = new Set<ConnectionServer>()
  readonly #create: CreateServer
  readonly #log: Pick<Log, 'info'>
  #isListening = false
  #isRetired = false
  /** Whoever accepts no more opens no other address: a change may be asked for while what is under way ends. */
  #isEnding = false

  /** Throws CannotStart for a certificate that cannot be used. Nobody listens yet. */
  constructor(first: readonly ListenerOptions[], create: CreateServer, log: Pick<Log, 'info'>) {
    this.#create = create
    this.#log = log
    this.#current = first.map((options, index) => {
      const place = placeOf(index, first.length)
      return { options, place, address: addressOf(options), server: create(options, place), accepting: undefined }
    })
  }

  /** Those that serve now, in the order of the config. */
  get current(): readonly Listener[] {
    return this.#current
  }

  get urls(): readonly string[] {
    return this.#current.map(urlOf)
  }

  /** Open connections, those of closed listeners too. */
  get connections(): number {
    return this.#servers().reduce((sum, { connections }) => sum + connections.count, 0)
  }

  /** Throws CannotStart; then none listens. */
  async listen(): Promise<void> {
    this.#current = await openAll(this.#current)
    this.#isListening = true
    for (const listener of this.#current) this.#serve(listener)
  }

  /** Throws CannotStart; then nothing has changed. One after the other. */
  async prepare(next: readonly ListenerOptions[]): Promise<PreparedListeners> {
    if (this.#isEnding) throw new CannotStart('the gateway is shutting down', undefined)
    const { plans, leaving } = this.#plan(next)
    try {
      // Before it listens anywhere, a change is one of what it will listen at.
      const coming = this.#isListening ? plans.filter(({ running }) => running === undefined) : []
      const opened = await openAll(coming.map(({ listener }) => listener))
      return {
        commit: () => {
          this.#commit(plans, opened, leaving)
        },
        async abandon() {
          dropServers(plans)
          await closeAccepting(opened)
        },
      }
    } catch (error) {
      dropServers(plans)
      throw error
    }
  }

  /** Accepts no more. Connections that are open go on, also idle ones, on which the next request may be on its way. */
  stopAccepting(): void {
    this.#isEnding = true
    void closeAccepting(this.#current)
  }

  /** Adds `Connection: close` to each response from now on. */
  retire(): void {
    this.#isRetired = true
    for (const { connections } of this.#servers()) connections.retire()
  }

  /** Destroys all connections, with their requests in flight. Resolves when all are closed. */
  async cut(): Promise<void> {
    await Promise.all(this.#servers().map(({ connections }) => connections.cut()))
  }

  /** Accepts no more, and waits for the requests in flight. */
  async close(): Promise<void> {
    this.#isEnding = true
    this.#isRetired = true
    await Promise.all([...this.#current.map((one) => this.#close(one)), ...this.#servers().map((one) => one.drain())])
  }

  #servers(): readonly ConnectionServer[] {
    return [...this.#current.map(({ server }) => server), ...this.#draining]
  }

  /** What becomes of each listener; of the running ones each is taken once, as two may be on port 0. */
  #plan(next: readonly ListenerOptions[]): { readonly plans: readonly Plan[]; readonly leaving: readonly Listener[] } {
    const leaving = [...this.#current]
    const addressed = next.map((options, index) => {
      const address = addressOf(options)
      const at = leaving.findIndex((listener) => sameAddress(listener.address, address))
      const [running] = at === -1 ? [] : leaving.splice(at, 1)
      return { options, address, place: placeOf(index, next.length), running }
    })
    if (this.#isListening) for (const one of addressed) if (one.running === undefined) refuseMeeting(one, leaving)
    const plans: Plan[] = []
    try {
      for (const { running, ...rest } of addressed) {
        const isSame = running !== undefined && isDeepStrictEqual(running.options, rest.options)
        const useCertificate = isSame ? running.server.tls?.readCertificate() : undefined
        const server = isSame ? running.server : this.#create(rest.options, rest.place)
        plans.push({ running, useCertificate, listener: { ...rest, server, accepting: running?.accepting } })
      }
      return { plans, leaving }
    } catch (error) {
      dropServers(plans)
      throw error
    }
  }

  #commit(plans: readonly Plan[], opened: readonly Listener[], leaving: readonly Listener[]): void {
    if (this.#isEnding) {
      // It was prepared before.
      dropServers(plans)
      void closeAccepting(opened)
      return
    }
    const isOpen = new Map(opened.map((listener) => [listener.server, listener]))
    this.#current = plans.map(({ listener }) => isOpen.get(listener.server) ?? listener)
    for (const { useCertificate, running, listener } of plans) {
      useCertificate?.()
      if (running === undefined || running.server === listener.server) continue
      if (this.#isListening && listener.address.kind === 'unix') setMode(listener.address.file, listener.address.mode)
      this.#serve(listener)
      void this.#drain(running.server)
    }
    for (const listener of opened) {
      this.#serve(listener)
      this.#log.info({ url: urlOf(listener) }, 'listening at one more address')
    }
    for (const listener of leaving) {
      const url = urlOf(listener)
      if (this.#isListening)
        this.#log.info({ url }, 'listening no longer at this address: what is under way there ends')
      void this.#close(listener)
    }
  }

  #serve({ accepting, server }: Listener): void {
    if (this.#isRetired) server.connections.retire()
    accepting?.serveBy((socket) => {
      server.take(socket)
    })
  }

  async #drain(server: ConnectionServer): Promise<void> {
    this.#draining.add(server)
    await server.drain()
    this.#draining.delete(server)
  }

  async #close({ accepting, server }: Listener): Promise<void> {
    await Promise.all([accepting?.close(), this.#drain(server)])
  }
}
