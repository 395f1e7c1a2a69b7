// The keys that an issuer publishes: fetched ahead of need, kept while the issuer is down, replaced when it rotates.
import type { KeyChange, KeyRing } from './key-ring.ts'
import { keySetFromDocument, type KeyPolicy, type VerificationKey } from './key-set.ts'
import type { KeysOptions } from '../../options/issuer/keys.ts'
import { createUnknownKids } from './unknown-kids.ts'
import { createWaitingRoom, type Wish } from './waiting-room.ts'
import type { Clock, Schedule } from '../../clock.ts'
import { toldAddress } from './key-document.ts'

/** A document that was fetched: its JSON, and the max-age of its Cache-Control in seconds, where it has one. */
export interface FetchedDocument {
  readonly json: unknown
  readonly maxAgeSec: number | undefined
  /** Where it was fetched from. */
  readonly url?: string
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
  readonly options: Pick<KeysOptions, 'maxAge' | 'maxStale' | 'cooldown' | 'timeout'>
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
  /**
   * No key here verifies a token, by its name or by its signature. A promise when a fetch that may bring the key is under way
   * or due soon; it settles when the token is worth another look, and never later than keys.timeout from now.
   */
  lookFor(wish: Wish): Promise<void> | undefined
  /** When the keys in use were last confirmed by the issuer, by the monotonic clock; undefined before the first time. */
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
  const timeoutMs = options.timeout
  const unknownKids = createUnknownKids({ cooldownMs: options.cooldown, clock })
  // Clients go on with tokens of a key that was replaced: they have a pause of their own, so that the next rotation need not
  // wait behind them.
  const withdrawnKids = createUnknownKids({ cooldownMs: options.cooldown, clock })
  const room = createWaitingRoom({ timeoutMs, clock, schedule })
  /** Whose fetch is under way or due; undefined where nobody asked for it. */
  let sentFor: Wish | undefined
  let nextAtMs = Infinity
  let underWay: Promise<void> | undefined
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
    // An answer without one usable key is no answer: good keys are never replaced by junk.
    if (keys.length === 0)
      throw new Error(
        `${url === undefined ? '' : `${toldAddress(url)}: `}the JWK set has no usable key${remarks[0] === undefined ? '' : `: ${remarks[0]}`}`,
      )
    const change = ring.replace(keys)
    settleAccounts(change)
    lastGoodAtMs = clock.monotonic()
    failures = 0
    problem = undefined
    events.onFetched(change, remarks)
    const freshMs =
      maxAgeSec === undefined ? options.maxAge : Math.min(Math.max(maxAgeSec * 1000, MIN_FRESH_MS), MAX_FRESH_MS)
    // Ahead of the expiry and never at the same moment on every machine.
    refreshIn(freshMs * (0.75 + 0.15 * random()))
  }

  /** What the fetch cost those who asked: nothing, where it brought a key that was never here and that one of them may need. */
  function settleAccounts({ added, fresh }: KeyChange): void {
    if (added.length > 0) {
      unknownKids.forget()
      withdrawnKids.forget()
    }
    const isNew = (key: VerificationKey) => fresh.includes(key)
    const isServed = ({ header }: Wish) => ring.find(header).some(isNew)
    const wishes = [...room.waiters].map(({ wish }) => wish)
    if (sentFor !== undefined) wishes.unshift(sentFor)
    if (wishes.some(isServed)) unknownKids.found()
    sentFor = undefined
  }

  /** After a fetch: who has other keys now, or nothing more to hope for, is decided about once more. */
  function letGo(): void {
    for (const waiter of room.waiters) {
      const { wish } = waiter
      if (waiter.isLate && !isMet(wish) && (underWay !== undefined || isComing(wish))) waiter.isLate = false
      else waiter.release()
    }
  }

  function isMet({ header, tried, isSignedByOneOf }: Wish): boolean {
    const others = ring.find(header).filter((key) => !tried.includes(key))
    return others.length > 0 && (tried.length === 0 || isSignedByOneOf(others))
  }

  /** True when a fetch that may help begins now or soon; sends it where that is allowed. */
  function isComing(wish: Wish): boolean {
    const { kid } = wish.header
    if (unknownKids.dueInMs(kid) <= timeoutMs) {
      const kids = wish.isSignedByOneOf(ring.findWithdrawn(wish.header)) ? withdrawnKids : unknownKids
      const inMs = kids.dueInMs(kid)
      if (inMs <= timeoutMs && clock.monotonic() + inMs < nextAtMs) {
        kids.sent(kid, inMs)
        sentFor = wish
        if (inMs === 0) void refresh()
        else refreshIn(inMs)
        return true
      }
    }
    return nextAtMs - clock.monotonic() <= timeoutMs
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
    // One flight at a time: whoever asks meanwhile gets the same response, and an old response cannot overwrite a newer one.
    if (underWay !== undefined) return underWay
    cancelNext?.()
    nextAtMs = Infinity
    underWay = fetchJwks()
      .then((document) => {
        underWay = undefined
        if (stopped) return
        adopt(document)
        letGo()
      })
      .catch((error: unknown) => {
        underWay = undefined
        if (!stopped) retryLater(error)
      })
    return underWay
  }

  return {
    start: refresh,
    stop() {
      stopped = true
      cancelNext?.()
      for (const { release } of room.waiters) release()
    },
    lookFor(wish) {
      if (stopped) return undefined
      // Without any key the retries come soon on their own: nothing is to be sent, and between two of them nothing is to be hoped for.
      if (ring.size === 0) return underWay === undefined ? undefined : room.wait(wish, false)
      if (underWay !== undefined) return room.wait(wish, true)
      return isComing(wish) ? room.wait(wish, false) : undefined
    },
    lastGoodAtMs: () => lastGoodAtMs,
    problem: () => problem,
  }
}
