// Chooses the target of the next request: by weight in turn, or the one with the fewest requests in flight.
import type { Target } from './target.ts'

/** Picks one of the candidates, which are never empty. */
export type Balance = (candidates: readonly Target[]) => Target

/** Smooth weighted round robin: shares by weight, and never a row of requests for the heaviest. */
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

/** In proportion to the weights; among equals in turn, or the first would get all that comes alone. */
function leastInFlight(candidates: readonly Target[]): Target {
  const least = Math.min(...candidates.map(({ inFlight, weight }) => inFlight / weight))
  return roundRobin(candidates.filter(({ inFlight, weight }) => inFlight / weight === least))
}

export function createBalance(name: 'round-robin' | 'least-in-flight'): Balance {
  return name === 'round-robin' ? roundRobin : leastInFlight
}
