// Tells which parts of a running gateway a change of its config leaves as they are, by the facts that decide it (carried.ts).
import { isDeepStrictEqual } from 'node:util'

import type { Config } from '../../options/config.ts'
import { issuerFacts, keyFacts, tokenFacts } from './carried.ts'

export interface Staying {
  /** Upstreams that keep their connections, and what is known of the health of their targets. */
  readonly connections: readonly string[]
  /** Issuers that keep the keys that were fetched. */
  readonly keys: readonly string[]
  /** Issuers whose tokens stay known, so that none of them is verified again. */
  readonly tokens: readonly string[]
}

/** The files that these options name. */
export type HasNewFile = (path: readonly (string | number)[]) => boolean

function sameUpstream(name: string, before: Config, after: Config): boolean {
  const facts = ({ upstreams, limits }: Config) => [upstreams[name], limits.responseHeaderBytes]
  return isDeepStrictEqual(facts(before), facts(after))
}

/** `hasNewFile`: whether a file that is named below this path is not what it was when it was read. */
export function whatStays(before: Config, after: Config, hasNewFile: HasNewFile): Staying {
  const byName = new Map(before.issuers.map((issuer) => [issuer.name, issuer]))
  const issuers = after.issuers.flatMap((next, index) => {
    const known = byName.get(next.name)
    return known === undefined || hasNewFile(['issuers', index]) ? [] : [{ name: next.name, known, next }]
  })
  const keepsKeys = ({ known, next }: (typeof issuers)[number]) =>
    isDeepStrictEqual(keyFacts(known, before.watch), keyFacts(next, after.watch)) &&
    isDeepStrictEqual(signingKeysOf(known), signingKeysOf(next))
  const [sharedBefore, sharedAfter] = [tokenFacts(before), tokenFacts(after)]
  const keepsTokens = ({ name }: (typeof issuers)[number]) =>
    isDeepStrictEqual(issuerFacts(before, name, sharedBefore), issuerFacts(after, name, sharedAfter))
  const names = (kept: typeof issuers) => kept.map(({ name }) => name)
  return {
    connections: Object.keys(after.upstreams).filter(
      (name) =>
        Object.hasOwn(before.upstreams, name) && !hasNewFile(['upstreams', name]) && sameUpstream(name, before, after),
    ),
    keys: names(issuers.filter(keepsKeys)),
    tokens: names(issuers.filter(keepsTokens)),
  }
}

function signingKeysOf(issuer: Config['issuers'][number] | undefined) {
  const { signingKey, verificationKeys } = issuer?.renewal ?? {}
  return [signingKey, verificationKeys]
}
