// Reports the current state of one process for operators: its upstreams with their targets, and the keys of its issuers.
import type { TrustedIssuer } from '../authenticate/issuers.ts'
import { toldAddress } from '../authenticate/keys/key-document.ts'
import type { Clock } from '../clock.ts'
import type { TargetStatus, Upstream } from '../forward/upstream/upstream.ts'
import type { Config } from '../options/config.ts'

type Outage = TargetStatus['outages'][number]

export interface TargetOut {
  /** `ejected`: requests failed. `unhealthy`: health checks failed. */
  readonly why: Outage['why']
  readonly cause: string
  /** RFC 3339. */
  readonly since: string
  /** Seconds until a request may probe the target; left out when health checks decide. */
  readonly probeInSec?: number
}

export interface UpstreamStatus {
  readonly upstream: string
  readonly queued: number
  readonly retries: number
  readonly targets: readonly {
    readonly target: string
    /** True when the target receives requests. */
    readonly available: boolean
    /** The result of active health checks. */
    readonly health: 'healthy' | 'unhealthy' | 'unchecked'
    readonly inFlight: number
    readonly out: readonly TargetOut[]
  }[]
}

/** The keys of one issuer, only by kid and algorithm. */
export interface IssuerKeys {
  readonly issuer: string
  readonly source: 'jwksUrl' | 'discovery' | 'jwksFile' | 'pemFile' | 'secret'
  /** The URL without its query, or the file. */
  readonly from?: string
  readonly keys: readonly { readonly kid?: string; readonly algorithm: string }[]
  /** Seconds since the keys were fetched or read; left out before that. */
  readonly ageSec?: number
  /** Left out during a fetch, and for keys that are not fetched. */
  readonly nextFetchInSec?: number
  /** Error of the last fetch or read; left out after a success. */
  readonly error?: string
}

export interface GatewayStatus {
  readonly upstreams: readonly UpstreamStatus[]
  readonly issuers: readonly IssuerKeys[]
}

export interface StatusParts {
  readonly config: Pick<Config, 'upstreams' | 'issuers'>
  readonly issuers: readonly TrustedIssuer[]
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly clock: Clock
}

function seconds(ms: number): number {
  return Math.max(0, Math.round(ms / 100) / 10)
}

function outOf({ why, cause, sinceMs, probeAtMs }: Outage, clock: Clock): TargetOut {
  const nowMs = clock.monotonic()
  return {
    ...{ why, cause, since: new Date(clock.now() - (nowMs - sinceMs)).toISOString() },
    ...(probeAtMs === undefined ? {} : { probeInSec: seconds(probeAtMs - nowMs) }),
  }
}

function upstreamStatus(upstream: Upstream, isChecked: boolean, clock: Clock): UpstreamStatus {
  const { name, queued, retries } = upstream
  const targets = upstream.status().map(({ target, available, inFlight, outages }) => {
    const isUnhealthy = outages.some(({ why }) => why === 'unhealthy')
    const health = isChecked ? (isUnhealthy ? 'unhealthy' : 'healthy') : 'unchecked'
    return { target, available, health, inFlight, out: outages.map((outage) => outOf(outage, clock)) } as const
  })
  return { upstream: name, queued, retries, targets }
}

function sourceOf({ keys, issuer }: Config['issuers'][number]): Pick<IssuerKeys, 'source' | 'from'> {
  const { jwksUrl, jwksFile, pemFile } = keys
  if (jwksUrl !== undefined) return { source: 'jwksUrl', from: toldAddress(jwksUrl) }
  if (jwksFile !== undefined) return { source: 'jwksFile', from: jwksFile }
  if (pemFile !== undefined) return { source: 'pemFile', from: pemFile }
  return keys.discovery === true ? { source: 'discovery', from: toldAddress(issuer ?? '') } : { source: 'secret' }
}

function keysStatus(issuer: Config['issuers'][number], trusted: TrustedIssuer | undefined, clock: Clock): IssuerKeys {
  const { loadedAtMs, nextFetchAtMs, problem: error } = trusted?.keys.status() ?? {}
  const nowMs = clock.monotonic()
  return {
    issuer: issuer.name,
    ...sourceOf(issuer),
    keys: (trusted?.keys.ring.list() ?? []).map(({ kid, algorithm }) => ({
      ...(kid === undefined ? {} : { kid }),
      algorithm,
    })),
    ...(loadedAtMs === undefined ? {} : { ageSec: seconds(nowMs - loadedAtMs) }),
    ...(nextFetchAtMs === undefined ? {} : { nextFetchInSec: seconds(nextFetchAtMs - nowMs) }),
    ...(error === undefined ? {} : { error }),
  }
}

/** Returns the current status, without side effects. */
export function readStatus({ config, issuers, upstreams, clock }: StatusParts): GatewayStatus {
  return {
    upstreams: [...upstreams.values()].map((upstream) =>
      upstreamStatus(upstream, config.upstreams[upstream.name]?.health !== undefined, clock),
    ),
    issuers: config.issuers.map((issuer) =>
      keysStatus(
        issuer,
        issuers.find(({ name }) => name === issuer.name),
        clock,
      ),
    ),
  }
}
