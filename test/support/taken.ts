// What clients have taken of a gateway and not given back, by its own gauges.
import type { TestGateway } from './test-gateway.ts'

const TAKEN = /^tollgate_(requests_in_flight|requests_waiting|upstream_queued|target_in_flight)(?:\{[^}]*\})? (\S+)$/gm

/** The gauges that count what is under way, by name; several targets are added up. */
export async function takenOf({ gateway }: Pick<TestGateway, 'gateway'>): Promise<Record<string, number>> {
  const taken: Record<string, number> = {}
  for (const [, name = '', value] of (await gateway.metrics.text()).matchAll(TAKEN))
    taken[name] = (taken[name] ?? 0) + Number(value)
  return taken
}

export const NOTHING_TAKEN = { requests_in_flight: 0, requests_waiting: 0, upstream_queued: 0, target_in_flight: 0 }

/** The paths of the access lines so far. */
export function pathsOf({ lines }: Pick<TestGateway, 'lines'>): unknown[] {
  return lines.filter(({ message }) => message === 'request').map(({ path }) => path)
}
