// A generation, the gateway of one config: what it is given besides, what it offers, and how it begins and ends.
import type { FastifyInstance } from 'fastify'

import type { Authentication } from '../authenticate/authentication.ts'
import type { KeySourceParts } from '../authenticate/keys/key-source.ts'
import type { Clock, Schedule } from '../clock.ts'
import type { Forwarding } from '../forward/forwarding.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics/metrics.ts'
import { createFindings } from '../observe/readiness/findings.ts'
import { watchReadiness, type Readiness } from '../observe/readiness/readiness.ts'
import type { Config } from '../options/config.ts'
import type { AskIssuer } from '../renew/endpoint.ts'
import type { BlockList } from '../revoke/block-list.ts'
import type { RenewalFacts } from '../revoke/entries-for.ts'
import type { Revocation, RevocationParts } from '../revoke/revocation.ts'
import type { App } from './app.ts'
import { createEnding, type Ending } from './ending.ts'
import type { InFlight } from './routes.ts'
import type { Steps } from './steps.ts'

/** What comes from outside the config; tests put their own clock in. */
export interface ServerParts extends Partial<Pick<KeySourceParts, 'clock' | 'schedule' | 'random'>> {
  readonly log: Log
  readonly version: string
  readonly fetchJson: KeySourceParts['fetchJson']
  /** How much may last in the heap, the token cache included. Default what this process may keep. */
  readonly heapBytes?: number
  /** Left out: issuers are not asked for successors. */
  readonly askIssuer?: AskIssuer
  /** See RevocationParts. */
  readonly storeOf?: RevocationParts['storeOf']
  /** See AppParts. */
  readonly injectedTarget?: string
  /** Stands between the router and the stages: `explain` looks on without forwarding. */
  readonly wrapSteps?: (steps: Steps) => Steps
}

export interface Gateway extends Ending {
  readonly app: FastifyInstance
  readonly metrics: Metrics
  /** Whether requests had better go elsewhere; and what does not work though they are served. */
  readonly readiness: () => Readiness
  readonly authenticator: Authentication['authenticator']
  readonly issuers: Authentication['issuers']
  readonly issuerTimeSec: Authentication['authenticator']['issuerTimeSec']
  readonly blockList: BlockList
  readonly revocation: Revocation
  /** How an issuer, by its name, renews tokens; undefined where it does not. */
  readonly renewalOf: (issuerName: string) => RenewalFacts | undefined
  /** Fetches the keys of all issuers; settles when each fetch ended, well or not. */
  loadKeys(): Promise<void>
}

export interface GenerationParts extends Pick<Gateway, 'metrics' | 'revocation' | 'renewalOf'> {
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
  } = parts
  const { authenticator, issuers } = authentication
  const findings = createFindings({ config, issuers, upstreams: forwarding.upstreams, revocation, clock })
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
        // What was revoked by the last requests is written first.
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
    readiness: () => readinessWatch.readiness(),
    async loadKeys() {
      readinessWatch.start()
      forwarding.start()
      await authentication.loadKeys()
    },
    ...ending,
  }
}
