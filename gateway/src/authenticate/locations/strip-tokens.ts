// Strips tokens from forwarded requests: from all locations, or only from those that appear in logs.
import type { StripToken, TokenLocation } from './location.ts'

/**
 * Creates the function for `tokens.forward`: `strip` covers all locations, `keep` only those that appear in logs. It runs on every
 * route, also with `auth: none`, and whether a token was found or not. Undefined when there is nothing to strip.
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

/** Creates the function that strips the candidate cookies that were not chosen. */
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
