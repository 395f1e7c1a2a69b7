// One target of an upstream: how many requests it has in flight, and whether it may get more.
import { createEjection, type Ejection, type EjectionConfig } from './ejection.ts'
import type { TargetTransport } from '../transport/transport.ts'

export interface Target {
  /** As in the config. */
  readonly name: string
  readonly weight: number
  readonly transport: TargetTransport
  readonly ejection: Ejection
  inFlight: number
  /** What the active health checks say; true where there are none. */
  healthy: boolean
  /** Of the weighted round robin: how much it is owed. */
  credit: number
}

export function createTarget(
  name: string,
  weight: number,
  transport: TargetTransport,
  ejection: EjectionConfig,
): Target {
  return { name, weight, transport, ejection: createEjection(ejection), inFlight: 0, healthy: true, credit: 0 }
}
