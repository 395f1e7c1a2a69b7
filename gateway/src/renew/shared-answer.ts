// Makes one request to the issuer for all machines: one machine makes it, the others wait for its result in a shared store.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

import type { Clock, Schedule } from '../clock.ts'
import { RenewalRefused } from './renewal-refused.ts'

/** A shared store with expiring keys. Its methods reject when it is not reachable. */
export interface MeetingPlace {
  /** Stores a text for `keptMs`. False when the key exists. */
  putIfNone(name: string, text: string, keptMs: number): Promise<boolean>
  /** Replaces `before` with `text`. False when the key has another text, or none. */
  replace(name: string, before: string, text: string, keptMs: number): Promise<boolean>
  get(name: string): Promise<string | undefined>
}

export interface SharedAnswerParts {
  readonly place: MeetingPlace
  readonly clock: Clock
  readonly schedule: Schedule
  /** Lifetime of a claim, longer than a request to the issuer. After it another machine may make the request. */
  readonly leaseMs: number
}

/** Resolves to the successor, by `ask` or from another machine. Rejects like `ask`, with RenewalRefused for a final refusal. */
export type SharedAnswer = (token: string, keptMs: number, ask: () => Promise<string>) => Promise<string>

const POLL_MS = 50
/** How long a failure is shared, so that waiting machines do not all retry at once. */
const FAILED_KEPT_MS = 1000
const MAX_KEPT_MS = 3_600_000

const [CLAIM, TOKEN, REFUSED, FAILED] = ['claim ', 'token ', 'refused', 'failed']
const [IV_BYTES, TAG_BYTES] = [12, 16]

function derived(token: string, what: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', token, '', `tollgate renewal ${what}`, bytes))
}

/** Derives key name and encryption key from the whole old token: a reader of the store without that token learns nothing. */
function createSeal(token: string) {
  const key = derived(token, 'key', 32)
  return {
    name: derived(token, 'name', 16).toString('base64url'),
    seal(text: string): string {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, iv)
      const sealed = [cipher.update(text, 'utf8'), cipher.final()]
      return TOKEN + Buffer.concat([iv, cipher.getAuthTag(), ...sealed]).toString('base64url')
    },
    /** Decrypts a text; undefined when it was not sealed with the same old token. */
    open: (text: string): string | undefined => {
      const bytes = Buffer.from(text.slice(TOKEN.length), 'base64url')
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES))
        decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
        return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      } catch {
        return undefined
      }
    },
  }
}

type Seal = ReturnType<typeof createSeal>

export function createSharedAnswer({ place, clock, schedule, leaseMs }: SharedAnswerParts): SharedAnswer {
  const pause = () => new Promise<void>((resolve) => schedule(POLL_MS, resolve))

  /** Returns `alone` when the store is not reachable: each machine then makes its own request. */
  async function attempt<Result>(run: () => Promise<Result>): Promise<Result | 'alone'> {
    try {
      return await run()
    } catch {
      return 'alone'
    }
  }

  /** Reads the result of another machine; undefined while there is none. Throws when that machine failed. */
  function answerIn(text: string | undefined, { open }: Seal): string | undefined {
    if (text === REFUSED) throw new RenewalRefused('the issuer refused another machine')
    if (text === FAILED) throw new Error('another machine just asked in vain')
    if (text?.startsWith(TOKEN) !== true) return undefined
    const token = open(text)
    if (token === undefined) throw new Error('what another machine left cannot be read')
    return token
  }

  /** Makes the request and stores the result for the other machines. */
  async function askForAll(claim: string, seal: Seal, keptMs: number, ask: () => Promise<string>): Promise<string> {
    let token: string
    try {
      token = await ask()
    } catch (error) {
      const isRefused = error instanceof RenewalRefused
      const text = isRefused ? REFUSED : FAILED
      await attempt(() => place.replace(seal.name, claim, text, isRefused ? keptMs : FAILED_KEPT_MS))
      throw error
    }
    const isOurs = await attempt(() => place.replace(seal.name, claim, seal.seal(token), keptMs))
    if (isOurs !== false) return token
    // The lease expired and another machine made a second request: all machines use the stored token.
    const other = await attempt(() => place.get(seal.name))
    return (other === 'alone' ? undefined : answerIn(other, seal)) ?? token
  }

  return async function answerFor(token, wantedMs, ask) {
    const seal = createSeal(token)
    const keptMs = Math.ceil(Math.min(Math.max(wantedMs, FAILED_KEPT_MS), MAX_KEPT_MS))
    const claim = CLAIM + randomBytes(12).toString('base64url')
    for (const endMs = clock.monotonic() + 2 * leaseMs; clock.monotonic() < endMs; await pause()) {
      const isOurs = await attempt(() => place.putIfNone(seal.name, claim, leaseMs))
      if (isOurs === 'alone') return await ask()
      if (isOurs) return await askForAll(claim, seal, keptMs, ask)
      const found = await attempt(() => place.get(seal.name))
      if (found === 'alone') return await ask()
      const answer = answerIn(found, seal)
      if (answer !== undefined) return answer
    }
    throw new Error('another machine asks, and has no answer')
  }
}
