// Fetches the keys of an issuer: ahead of their expiry, with retries while the issuer is down, and for unknown keys.
import type { KeyChange, KeyRing } from './key-ring.ts'
import { keySetFromDocument, type KeyPolicy, type VerificationKey } from './key-set.ts'
import type { KeysOptions } from '../../options/issuer/keys.ts'
import { createUnknownKids, type UnknownKids } from './unknown-kids.ts'
import { createWaitingRoom, type MissingKey } from './waiting-room.ts'
import type { Clock, Schedule } from '../../clock.ts'
import { toldAddress } from './key-document.ts'

/** A fetched document: its JSON, and the max-age of its Cache-Control in seconds, if it has one. */
export interface FetchedDocument {
  readonly json: unknown
  readonly maxAgeSec: number | undefined
  /** Where it was fetched from. */
  readonly url?: string
}

/** Fetches the JWK set. Rejects with an error whose message is safe for the log: no body, no secrets. */
export type FetchJwks = () => Promise<FetchedDocument>

export interface RemoteKeysEvents {
  readonly onFetched: (change: KeyChange, remarks: readonly string[]) => void
  /** `keysLeftMs`: how long the last keys stay in use; 0 when there are none. */
  readonly onFetchFailed: (reason: string, keysLeftMs: number) => void
}

export interface RemoteKeysParts {
  readonly ring: KeyRing
  readonly policy: KeyPolicy
  readonly options: Pick<KeysOptions, 'maxAge' | 'maxStale' | 'cooldown' | 'timeout'>
  readonly fetchJwks: FetchJwks
  readonly clock: Clock
  readonly schedule: Schedule
  /** From 0 to 1, for the jitter of refreshes. */
  readonly random: () => number
  readonly events: RemoteKeysEvents
}

export interface RemoteKeys {
  /** Starts the first fetch, once. Resolves when it has ended, successful or not. Never rejects. */
  start(): Promise<void>
  stop(): void
  /**
   * Waits for the key of a token that no current key verifies. Returns a promise if a fetch that may bring the key is in flight
   * or due within keys.timeout. It resolves when the token should be checked again, after keys.timeout at the latest.
   */
  waitFor(missing: MissingKey): Promise<void> | undefined
  /** True when `waitFor` would return a promise. Starts no fetch and counts nothing. */
  wouldWaitFor(missing: MissingKey): boolean
  /** Monotonic time of the last successful fetch in milliseconds; undefined before the first. */
  lastGoodAtMs(): number | undefined
  /** Monotonic time of the next fetch in milliseconds; undefined while one is in flight, and when none will be. */
  nextFetchAtMs(): number | undefined
  /** Why the last fetch failed; undefined after a successful one. */
  problem(): string | undefined
}

const MIN_FRESH_MS = 60_000
const MAX_FRESH_MS = 86_400_000
const FIRST_RETRY_MS = 1000
const MAX_RETRY_MS = 60_000
// Shorter, because without any key every request is refused.
const MAX_RETRY_WITHOUT_KEYS_MS = 5000

export function createRemoteKeys(parts: RemoteKeysParts): RemoteKeys {
  const { ring, policy, options, fetchJwks, clock, schedule, random, events } = parts
  const timeoutMs = options.timeout
  const unknownKids = createUnknownKids({ cooldownMs: options.cooldown, clock })
  // Tokens of withdrawn keys have a cooldown of their own, so that they do not delay the fetch of the next rotation.
  const withdrawnKids = createUnknownKids({ cooldownMs: options.cooldown, clock })
  const room = createWaitingRoom({ timeoutMs, clock, schedule })
  /** The missing key that caused the fetch in flight or due; undefined for a regular refresh. */
  let fetchFor: MissingKey | undefined
  let nextAtMs = Infinity
  let inFlight: Promise<void> | undefined
  let firstFetch: Promise<void> | undefined
  let cancelNext: (() => void) | undefined
  let lastGoodAtMs: number | undefined
  let failures = 0
  let problem: string | undefined
  let stopped = false

  function refreshIn(delayMs: number): void {
    cancelNext?.()
    nextAtMs = clock.monotonic() + delayMs
    if (!stopped) cancelNext = schedule(delayMs, () => void refresh())
  }

  function adopt({ json, maxAgeSec, url }: FetchedDocument): void {
    const { keys, remarks } = keySetFromDocument(json, policy)
    // A document without a usable key counts as a failed fetch, so that it does not replace good keys.
    if (keys.length === 0)
      throw new Error(
        `${url === undefined ? '' : `${toldAddress(url)}: `}the JWK set has no usable key${remarks[0] === undefined ? '' : `: ${remarks[0]}`}`,
      )
    const change = ring.replace(keys)
    updateCooldowns(change)
    lastGoodAtMs = clock.monotonic()
    failures = 0
    problem = undefined
    events.onFetched(change, remarks)
    const freshMs =
      maxAgeSec === undefined ? options.maxAge : Math.min(Math.max(maxAgeSec * 1000, MIN_FRESH_MS), MAX_FRESH_MS)
    // Ahead of the expiry, with jitter between machines.
    refreshIn(freshMs * (0.75 + 0.15 * random()))
  }

  /** Ends the cooldown of the fetch if it brought a new key that a waiting token may need. */
  function updateCooldowns({ added, fresh }: KeyChange): void {
    if (added.length > 0) {
      unknownKids.forget()
      withdrawnKids.forget()
    }
    const isNew = (key: VerificationKey) => fresh.includes(key)
    const mayServe = ({ header }: MissingKey) => ring.find(header).some(isNew)
    const needs = [...room.waiters].map(({ missing }) => missing)
    if (fetchFor !== undefined) needs.unshift(fetchFor)
    if (needs.some(mayServe)) unknownKids.found()
    fetchFor = undefined
  }

  /** After a fetch, releases the waiters, except those that came during the fetch and for which another fetch may help. */
  function releaseWaiters(): void {
    for (const waiter of room.waiters) {
      const { missing } = waiter
      if (waiter.joinedLate && !mayNowVerify(missing) && (inFlight !== undefined || willFetchFor(missing)))
        waiter.joinedLate = false
      else waiter.release()
    }
  }

  function mayNowVerify({ header, tried, isSignedByOneOf }: MissingKey): boolean {
    const others = ring.find(header).filter((key) => !tried.includes(key))
    return others.length > 0 && (tried.length === 0 || isSignedByOneOf(others))
  }

  /** The extra fetch that the cooldown allows for this key, if it begins before the next regular one. */
  function extraFetchFor(missing: MissingKey): { readonly kids: UnknownKids; readonly inMs: number } | undefined {
    const { kid } = missing.header
    if (unknownKids.dueInMs(kid) > timeoutMs) return undefined
    const kids = missing.isSignedByOneOf(ring.findWithdrawn(missing.header)) ? withdrawnKids : unknownKids
    const inMs = kids.dueInMs(kid)
    return inMs <= timeoutMs && clock.monotonic() + inMs < nextAtMs ? { kids, inMs } : undefined
  }

  function isDueSoon(): boolean {
    return nextAtMs - clock.monotonic() <= timeoutMs
  }

  /** True when a fetch that may help begins within the timeout. Starts one if the cooldown allows it. */
  function willFetchFor(missing: MissingKey): boolean {
    const extra = extraFetchFor(missing)
    if (extra === undefined) return isDueSoon()
    extra.kids.sent(missing.header.kid, extra.inMs)
    fetchFor = missing
    if (extra.inMs === 0) void refresh()
    else refreshIn(extra.inMs)
    return true
  }

  function retryLater(error: unknown): void {
    failures += 1
    problem = error instanceof Error ? error.message : 'the fetch failed'
    const keysLeftMs = lastGoodAtMs === undefined ? 0 : Math.max(0, lastGoodAtMs + options.maxStale - clock.monotonic())
    if (keysLeftMs === 0) ring.replace([])
    events.onFetchFailed(problem, keysLeftMs)
    const delayMs = Math.min(
      FIRST_RETRY_MS * 2 ** (failures - 1),
      ring.size === 0 ? MAX_RETRY_WITHOUT_KEYS_MS : MAX_RETRY_MS,
    )
    refreshIn(delayMs * (0.75 + 0.5 * random()))
    for (const waiter of room.waiters) if (waiter.untilMs <= nextAtMs) waiter.release()
  }

  function refresh(): Promise<void> {
    // One fetch at a time, so that an old response cannot overwrite a newer one.
    if (inFlight !== undefined) return inFlight
    cancelNext?.()
    nextAtMs = Infinity
    inFlight = fetchJwks()
      .then((document) => {
        inFlight = undefined
        if (stopped) return
        adopt(document)
        releaseWaiters()
      })
      .catch((error: unknown) => {
        inFlight = undefined
        if (!stopped) retryLater(error)
      })
    return inFlight
  }

  return {
    start: () => (firstFetch ??= refresh()),
    stop() {
      stopped = true
      cancelNext?.()
      for (const { release } of room.waiters) release()
    },
    waitFor(missing) {
      if (stopped) return undefined
      // Without any key the retries are frequent, so no extra fetch is sent, and between two retries there is nothing to wait for.
      if (ring.size === 0) return inFlight === undefined ? undefined : room.wait(missing, false)
      if (inFlight !== undefined) return room.wait(missing, true)
      return willFetchFor(missing) ? room.wait(missing, false) : undefined
    },
    wouldWaitFor(missing) {
      if (stopped) return false
      if (ring.size === 0 || inFlight !== undefined) return inFlight !== undefined
      return extraFetchFor(missing) !== undefined || isDueSoon()
    },
    lastGoodAtMs: () => lastGoodAtMs,
    nextFetchAtMs: () => (stopped || nextAtMs === Infinity ? undefined : nextAtMs),
    problem: () => problem,
  }
}
