// The gateway of a process: its listener, the generation that serves, and its start, change and end.
import type { FastifyInstance } from 'fastify'

import type { Authentication } from '../authenticate/authentication.ts'
import type { KeySourceParts } from '../authenticate/keys/key-source.ts'
import type { Clock, Schedule } from '../clock.ts'
import type { StreamWatch } from '../forward/streams/stream-watch.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics/metrics.ts'
import { watchReadiness, type Finding, type Readiness } from '../observe/readiness/readiness.ts'
import { readStatus, type GatewayStatus } from '../observe/status.ts'
import type { Config } from '../options/config.ts'
import type { AskIssuer } from '../renew/endpoint.ts'
import type { BlockList } from '../revoke/block-list.ts'
import type { Revocation, RevocationParts } from '../revoke/revocation.ts'
import { prepareChange, type Change } from './change/change.ts'
import type { Generations } from './change/generations.ts'
import { createEnding, type Ending } from './ending.ts'
import type { Generation } from './generation.ts'
import type { Lent } from './lent.ts'
import type { Front } from './listener/listener.ts'
import type { Listeners } from './listener/listeners.ts'
import { certificatesOf } from './listener/certificates.ts'
import type { InFlight } from './serve.ts'
import type { Steps } from './steps.ts'

/** Dependencies of a gateway. Tests replace the clock. */
export interface ServerParts extends Partial<Pick<KeySourceParts, 'clock' | 'schedule' | 'random'>> {
  readonly log: Log
  readonly version: string
  readonly fetchJson: KeySourceParts['fetchJson']
  /** Size of the old generation of the heap in bytes. Default: the limit of this process. */
  readonly heapBytes?: number
  /** Requests successors from issuers. Left out: no issuer is asked. */
  readonly askIssuer?: AskIssuer
  /** See RevocationParts. */
  readonly storeOf?: RevocationParts['storeOf']
  /** See AppParts. */
  readonly injectedTarget?: string
  /** Wraps the steps of each request: `explain` records them without forwarding. */
  readonly wrapSteps?: (steps: Steps) => Steps
  /** Of the gateway that runs in this process: what it has already is taken from it instead of being made. */
  readonly lent?: Lent | undefined
}

export interface Gateway extends Ending {
  readonly app: FastifyInstance
  readonly listeners: Pick<Listeners, 'urls' | 'current' | 'connections' | 'cut'>
  /** Listens, and serves from then on. Throws CannotStart; then no address is listened at. */
  listen(): Promise<void>
  readonly metrics: Metrics
  /** Whether the gateway is ready, and which dependencies fail while it serves. */
  readonly readiness: () => Readiness
  readonly blockList: BlockList
  readonly revocation: Revocation
  /** What serves now, as all that follows: another one after each change. */
  readonly config: Config
  readonly authenticator: Authentication['authenticator']
  readonly issuers: Authentication['issuers']
  readonly issuerTimeSec: Authentication['authenticator']['issuerTimeSec']
  readonly renewalOf: Generation['renewalOf']
  /** How its targets and its keys are. */
  status(): GatewayStatus
  /** Lends its state to the explanation of one request. */
  lend(): Lent
  /** Fetches the keys of all issuers. Resolves when all fetches have ended, successful or not. */
  loadKeys(): Promise<void>
  /** Whether the last config that was read could be used, for the metrics. */
  noteReload(successful: boolean): void
  /** See prepareChange. One after the other. */
  prepare(config: Config): Promise<Change>
  /** Generations that are not over: 1 when no exchange of an earlier one is under way. */
  readonly generations: number
}

export interface GatewayParts extends Pick<Gateway, 'metrics' | 'revocation' | 'lend'> {
  readonly front: Front
  readonly generations: Generations
  readonly inFlight: InFlight
  readonly reloads: { successful: boolean; succeededAtMs: number }
  readonly watch: StreamWatch
  readonly log: Log
  readonly clock: Clock
  readonly schedule: Schedule
}

/** Those of the generation that serves. */
function findingsOf(generations: Generations, { listeners }: Pick<Front, 'listeners'>): () => readonly Finding[] {
  const ofListeners = { certificates: () => certificatesOf(listeners.current) }
  let generation = generations.current
  let look = generation.createFindings(ofListeners)
  return () => {
    if (generation !== generations.current) {
      generation = generations.current
      look = generation.createFindings(ofListeners)
    }
    return look()
  }
}

export function createGateway(parts: GatewayParts): Gateway {
  const { front, generations, inFlight, reloads, watch, revocation, clock, schedule, metrics, log, lend } = parts
  const readinessWatch = watchReadiness(findingsOf(generations, front), clock, schedule)
  const ending = createEnding(
    { front, inFlight, leaveStreams: watch.leave, log },
    {
      stop() {
        generations.stop()
        readinessWatch.stop()
      },
      async release() {
        // Revocations by the last requests are written before the store closes.
        await Promise.all([revocation.close(), generations.release()])
      },
    },
  )

  return {
    app: front.app,
    listeners: front.listeners,
    listen: () => front.listen(),
    metrics,
    blockList: revocation.list,
    revocation,
    get config() {
      return generations.current.config
    },
    get authenticator() {
      return generations.current.authentication.authenticator
    },
    get issuers() {
      return generations.current.authentication.issuers
    },
    issuerTimeSec: (issuerId) => generations.current.authentication.authenticator.issuerTimeSec(issuerId),
    renewalOf: (issuerName) => generations.current.renewalOf(issuerName),
    lend,
    status() {
      const { config, authentication, forwarding } = generations.current
      return readStatus({ config, issuers: authentication.issuers, upstreams: forwarding.upstreams, clock })
    },
    readiness: () => readinessWatch.readiness(),
    async loadKeys() {
      readinessWatch.start()
      const { forwarding, authentication } = generations.current
      forwarding.start()
      await authentication.loadKeys()
    },
    noteReload(successful) {
      reloads.successful = successful
      if (successful) reloads.succeededAtMs = clock.now()
    },
    prepare: (config) => prepareChange(config, { generations, listeners: front.listeners, inFlight, revocation, log }),
    get generations() {
      return generations.alive
    },
    ...ending,
  }
}
