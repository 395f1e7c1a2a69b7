// Removes tokens from a request before it is forwarded: from all locations, or only where they would reach logs.
import type { StripToken, TokenLocation } from './location.ts'

/**
 * With `strip` out of all locations, with `keep` out of those where tokens would reach logs. Wherever one was found, and also where
 * nobody looked for one: on routes that ask for none, and where a bad one is only reported. Undefined where nothing is ever to be
 * removed.
 */
export function createStripTokens(
  locations: readonly TokenLocation[],
  forward: 'keep' | 'strip',
): StripToken | undefined {
  const strips = locations
    .filter(({ isAlwaysStripped }) => isAlwaysStripped || forward === 'strip')
    .map(({ strip }) => strip)
  return strips.length < 2 ? strips[0] : inTurn(strips)
}

/** Leaves of several cookies the one that counts, so that no upstream believes another. */
export function createStripSuperseded(locations: readonly TokenLocation[]) {
  return function stripSuperseded(superseded: readonly string[]): StripToken {
    return inTurn(locations.flatMap(({ stripOnly }) => stripOnly?.(superseded) ?? []))
  }
}

function inTurn(strips: readonly StripToken[]): StripToken {
  return (headers, target) => {
    let left = target
    for (const strip of strips) left = strip(headers, left)
    return left
  }
}
