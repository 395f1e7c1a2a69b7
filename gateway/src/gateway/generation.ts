// A generation, what one config becomes: it serves the requests that it admitted, until the last of them has ended.
import type { AdmissionStage } from '../accept/admission.ts'
import type { Authentication } from '../authenticate/authentication.ts'
import type { Clock } from '../clock.ts'
import type { Forwarding } from '../forward/forwarding.ts'
import { createFindings, type FindingParts } from '../observe/readiness/findings.ts'
import type { Finding } from '../observe/readiness/readiness.ts'
import type { Log } from '../observe/log.ts'
import type { Config } from '../options/config.ts'
import type { Renewals } from '../renew/renewals.ts'
import type { RenewalFacts } from '../revoke/entries-for.ts'
import type { Revocation } from '../revoke/revocation.ts'
import { Exchanges } from './change/exchanges.ts'
import type { Serving } from './listener/serving.ts'
import { createServe, type InFlight } from './serve.ts'
import type { Steps } from './steps.ts'

/** The stages of one config, joined. */
export interface Stages extends Omit<Serving, 'serve' | 'upgrade' | 'errors'> {
  readonly steps: Steps
  readonly admission: AdmissionStage
  readonly authentication: Authentication
  readonly forwarding: Forwarding
  readonly renewals: Renewals
  /** Returns the renewal of an issuer, by name; undefined when it renews no tokens. */
  readonly renewalOf: (issuerName: string) => RenewalFacts | undefined
}

export interface Generation extends Serving, Omit<Stages, 'steps'> {
  readonly config: Config
  /** Those that it admitted and that are under way. */
  readonly exchanges: Exchanges
  /** Creates what finds out how it is. */
  readonly createFindings: (ofListener: Pick<FindingParts, 'certificates'>) => () => readonly Finding[]
}

/** What belongs to the process. */
export interface GenerationParts {
  readonly inFlight: InFlight
  readonly revocation: Revocation
  readonly clock: Clock
  readonly log: Pick<Log, 'error'>
}

export function createGeneration(
  config: Config,
  { steps, ...stages }: Stages,
  { inFlight, revocation, clock, log }: GenerationParts,
): Generation {
  const { router, authentication, forwarding } = stages
  const exchanges = new Exchanges()
  return {
    ...stages,
    config,
    exchanges,
    errors: config.errors,
    serve: createServe(router, { ...stages, steps, inFlight, exchanges, log }),
    upgrade: steps.upgrade,
    createFindings: (ofListener) =>
      createFindings({
        ...{ config, revocation, clock, ...ofListener },
        issuers: authentication.issuers,
        upstreams: forwarding.upstreams,
      }),
  }
}
