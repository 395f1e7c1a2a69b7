// The keys that an issuer publishes: fetched ahead of need, kept while the issuer is down, replaced when it rotates.
import type { KeyChange, KeyRing } from './key-ring.ts'
import { keySetFromJwks, type KeyPolicy } from './key-set.ts'
import type { KeysOptions } from './options.ts'
import { createUnknownKids } from './unknown-kids.ts'
import type { Clock, Schedule } from '../clock.ts'

/** A document that was fetched: its JSON, and the max-age of its Cache-Control in seconds, where it has one. */
export interface FetchedDocument {
  readonly json: unknown
  readonly maxAgeSec: number | undefined
}

/** Fetches the JWK set. Rejects with an error whose message is fit for the log: no body, no secrets. */
export type FetchJwks = () => Promise<FetchedDocument>

export interface RemoteKeysEvents {
  readonly onFetched: (change: KeyChange, remarks: readonly string[]) => void
  /** `keysLeftMs`: how long the last good keys will still serve; 0 when there are none. */
  readonly onFetchFailed: (reason: string, keysLeftMs: number) => void
}

export interface RemoteKeysParts {
  readonly ring: KeyRing
  readonly policy: KeyPolicy
  readonly options: Pick<KeysOptions, 'maxAge' | 'maxStale' | 'cooldown'>
  readonly fetchJwks: FetchJwks
  readonly clock: Clock
  readonly schedule: Schedule
  /** From 0 to 1: spreads the refreshes of many gateways. */
  readonly random: () => number
  readonly events: RemoteKeysEvents
}

export interface RemoteKeys {
  /** First fetch; settles when it ended, well or not. Never rejects. */
  start(): Promise<void>
  stop(): void
  /** A token names a key that is not here. A promise when that is worth waiting for: a fetch is under way. */
  lookFor(kid: string | undefined): Promise<void> | undefined
  /** When the keys in use were last confirmed by the issuer, milliseconds; undefined before the first time. */
  lastGoodAtMs(): number | undefined
  /** Why the last fetch failed; undefined when it went well. */
  problem(): string | undefined
}

const MIN_FRESH_MS = 60_000
const MAX_FRESH_MS = 86_400_000
const FIRST_RETRY_MS = 1000
const MAX_RETRY_MS = 60_000
// Without any key every request is refused: ask more often.
const MAX_RETRY_WITHOUT_KEYS_MS = 5000

export function createRemoteKeys(parts: RemoteKeysParts): RemoteKeys {
  const { ring, policy, options, fetchJwks, clock, schedule, random, events } = parts
  const unknownKids = createUnknownKids({ cooldownMs: options.cooldown, clock })
  let underWay: Promise<void> | undefined
  let cancelNext: (() => void) | undefined
  let lastGoodAtMs: number | undefined
  let failures = 0
  let problem: string | undefined
  let stopped = false

  function refreshIn(delayMs: number): void {
    cancelNext?.()
    if (!stopped) cancelNext = schedule(delayMs, () => void refresh())
  }

  function adopt({ json, maxAgeSec }: FetchedDocument): void {
    const { keys, remarks } = keySetFromJwks(json, policy)
    // An answer without one usable key is no answer: good keys are never replaced by junk.
    if (keys.length === 0)
      throw new Error(`the JWK set has no usable key${remarks[0] === undefined ? '' : `: ${remarks[0]}`}`)
    const change = ring.replace(keys)
    if (change.added.length > 0) unknownKids.forget()
    lastGoodAtMs = clock.now()
    failures = 0
    problem = undefined
    events.onFetched(change, remarks)
    const freshMs =
      maxAgeSec === undefined ? options.maxAge : Math.min(Math.max(maxAgeSec * 1000, MIN_FRESH_MS), MAX_FRESH_MS)
    // Ahead of the expiry and never at the same moment on every machine.
    refreshIn(freshMs * (0.75 + 0.15 * random()))
  }

  function retryLater(error: unknown): void {
    failures += 1
    problem = error instanceof Error ? error.message : 'the fetch failed'
    const keysLeftMs = lastGoodAtMs === undefined ? 0 : Math.max(0, lastGoodAtMs + options.maxStale - clock.now())
    if (keysLeftMs === 0) ring.replace([])
    events.onFetchFailed(problem, keysLeftMs)
    const delayMs = Math.min(
      FIRST_RETRY_MS * 2 ** (failures - 1),
      ring.size === 0 ? MAX_RETRY_WITHOUT_KEYS_MS : MAX_RETRY_MS,
    )
    refreshIn(delayMs * (0.75 + 0.5 * random()))
  }

  function refresh(): Promise<void> {
    // One flight at a time: whoever asks meanwhile gets the same answer, and an old answer cannot overwrite a newer one.
    underWay ??= fetchJwks()
      .then((document) => {
        if (!stopped) adopt(document)
      })
      .catch((error: unknown) => {
        if (!stopped) retryLater(error)
      })
      .finally(() => {
        underWay = undefined
      })
    return underWay
  }

  return {
    start: refresh,
    stop() {
      stopped = true
      cancelNext?.()
    },
    lookFor(kid) {
      if (stopped) return undefined
      if (underWay !== undefined) return underWay
      return unknownKids.mayFetch(kid) ? refresh() : undefined
    },
    lastGoodAtMs: () => lastGoodAtMs,
    problem: () => problem,
  }
}
