// A generation, the gateway of one config: its dependencies, its interface, and its start and end.
import type { FastifyInstance } from 'fastify'

import type { Authentication } from '../authenticate/authentication.ts'
import type { KeySourceParts } from '../authenticate/keys/key-source.ts'
import type { Clock, Schedule } from '../clock.ts'
import type { Forwarding } from '../forward/forwarding.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics/metrics.ts'
import { createFindings } from '../observe/readiness/findings.ts'
import { watchReadiness, type Readiness } from '../observe/readiness/readiness.ts'
import { readStatus, type GatewayStatus } from '../observe/status.ts'
import type { Config } from '../options/config.ts'
import type { AskIssuer } from '../renew/endpoint.ts'
import type { BlockList } from '../revoke/block-list.ts'
import type { RenewalFacts } from '../revoke/entries-for.ts'
import type { Revocation, RevocationParts } from '../revoke/revocation.ts'
import type { App } from './listener/app.ts'
import { createEnding, type Ending } from './ending.ts'
import type { Lent } from './lent.ts'
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
  readonly metrics: Metrics
  /** Whether the gateway is ready, and which dependencies fail while it serves. */
  readonly readiness: () => Readiness
  readonly authenticator: Authentication['authenticator']
  readonly issuers: Authentication['issuers']
  readonly issuerTimeSec: Authentication['authenticator']['issuerTimeSec']
  readonly blockList: BlockList
  readonly revocation: Revocation
  /** Returns the renewal of an issuer, by name; undefined when it renews no tokens. */
  readonly renewalOf: (issuerName: string) => RenewalFacts | undefined
  /** How its targets and its keys are. */
  status(): GatewayStatus
  /** Lends its state to the explanation of one request. */
  lend(): Lent
  /** Fetches the keys of all issuers. Resolves when all fetches have ended, successful or not. */
  loadKeys(): Promise<void>
}

export interface GenerationParts extends Pick<Gateway, 'metrics' | 'revocation' | 'renewalOf' | 'lend'> {
  readonly listener: App
  readonly inFlight: InFlight
  readonly log: Log
  readonly authentication: Authentication
  readonly forwarding: Forwarding
  readonly meetingPlace: { close(): void } | undefined
  readonly clock: Clock
  readonly schedule: Schedule
}

export function createGeneration(config: Config, parts: GenerationParts): Gateway {
  const {
    listener,
    authentication,
    forwarding,
    meetingPlace,
    revocation,
    clock,
    schedule,
    metrics,
    renewalOf,
    inFlight,
    log,
    lend,
  } = parts
  const { authenticator, issuers } = authentication
  const findings = createFindings({
    ...{ config, issuers, upstreams: forwarding.upstreams, revocation, clock },
    certificateProblem: listener.certificateProblem,
  })
  const readinessWatch = watchReadiness(findings, clock, schedule)
  const ending = createEnding(
    { listener, inFlight, leaveStreams: forwarding.leaveStreams, log },
    {
      stop() {
        authentication.stop()
        readinessWatch.stop()
      },
      async release() {
        meetingPlace?.close()
        // Revocations by the last requests are written before the store closes.
        await Promise.all([revocation.close(), forwarding.close()])
      },
    },
  )

  return {
    app: listener.app,
    metrics,
    authenticator,
    issuers,
    issuerTimeSec: authenticator.issuerTimeSec,
    blockList: revocation.list,
    revocation,
    renewalOf,
    lend,
    status: () => readStatus({ config, issuers, upstreams: forwarding.upstreams, clock }),
    readiness: () => readinessWatch.readiness(),
    async loadKeys() {
      readinessWatch.start()
      forwarding.start()
      await authentication.loadKeys()
    },
    ...ending,
  }
}
