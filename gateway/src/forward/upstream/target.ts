// One target of an upstream: its transport, its requests in flight and its health.
import { createEjection, type Ejection, type EjectionConfig } from './ejection.ts'
import type { TargetTransport } from '../transport/transport.ts'

/** Why a target gets no requests. */
export interface Outage {
  /** ejected: requests failed in a row. unhealthy: active health checks did. */
  readonly why: 'ejected' | 'unhealthy'
  /** The last of those failures, as text for the log. */
  readonly cause: string
  /** By the monotonic clock. */
  readonly sinceMs: number
}

export interface Target {
  /** The URL of the target in the config. */
  readonly name: string
  readonly weight: number
  readonly transport: TargetTransport
  readonly ejection: Ejection
  inFlight: number
  /** The result of the active health checks; true without them. */
  healthy: boolean
  /** Why it is out, while it is. */
  readonly outages: Map<Outage['why'], Outage>
  /** Current weight in the smooth weighted round robin (balance.ts). */
  credit: number
}

export function createTarget(
  name: string,
  weight: number,
  transport: TargetTransport,
  ejection: EjectionConfig,
): Target {
  return {
    ...{ name, weight, transport, ejection: createEjection(ejection) },
    ...{ inFlight: 0, healthy: true, outages: new Map<Outage['why'], Outage>(), credit: 0 },
  }
}
