// Chooses the target of the next request: weighted round robin, or fewest requests in flight.
import type { Target } from './target.ts'

/** Picks one of the candidates, which are never empty. */
export type Balance = (candidates: readonly Target[]) => Target

/** Smooth weighted round robin, as nginx has it: interleaves the targets, so that the heaviest gets no run of requests. */
function roundRobin(candidates: readonly Target[]): Target {
  let total = 0
  let best = candidates[0] as Target
  for (const target of candidates) {
    total += target.weight
    target.credit += target.weight
    if (target.credit > best.credit) best = target
  }
  best.credit -= total
  return best
}

/** Fewest requests in flight for each unit of weight; round robin among equals, so that an idle upstream spreads requests too. */
function leastInFlight(candidates: readonly Target[]): Target {
  const least = Math.min(...candidates.map(({ inFlight, weight }) => inFlight / weight))
  return roundRobin(candidates.filter(({ inFlight, weight }) => inFlight / weight === least))
}

export function createBalance(name: 'round-robin' | 'least-in-flight'): Balance {
  return name === 'round-robin' ? roundRobin : leastInFlight
}
