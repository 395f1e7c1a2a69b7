// One request to the issuer for a token across all machines: which one asks, and how the others get the result.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

import type { Clock, Schedule } from '../clock.ts'
import { RenewalRefused } from './renewal-refused.ts'

/** Where machines meet. What is put there goes by itself after a while. Rejects when it cannot be reached. */
export interface MeetingPlace {
  /** False when something is there already. */
  putIfNone(name: string, text: string, keptMs: number): Promise<boolean>
  /** Puts `text` where `before` is; false when something else is there, or nothing. */
  replace(name: string, before: string, text: string, keptMs: number): Promise<boolean>
  get(name: string): Promise<string | undefined>
}

export interface SharedAnswerParts {
  readonly place: MeetingPlace
  readonly clock: Clock
  readonly schedule: Schedule
  /** Longer than a response of the issuer may take: when this is over, whoever claimed it is taken for gone. */
  readonly leaseMs: number
}

/** Asks, or gets what another machine was answered. Rejects as `ask` does, RenewalRefused where that is for good. */
export type SharedAnswer = (token: string, keptMs: number, ask: () => Promise<string>) => Promise<string>

const POLL_MS = 50
/** A failure is told so that each of the others does not try as well; all may soon try again. */
const FAILED_KEPT_MS = 1000
const MAX_KEPT_MS = 3_600_000

const [CLAIM, TOKEN, REFUSED, FAILED] = ['claim ', 'token ', 'refused', 'failed']
const [IV_BYTES, TAG_BYTES] = [12, 16]

function derived(token: string, what: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', token, '', `tollgate renewal ${what}`, bytes))
}

/** Both are made from the whole old token: who can read the place, and does not have that token, learns nothing of the next one. */
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
    /** Undefined for what nobody sealed who has the old token. */
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

  /** Without a place to meet, each machine is on its own. */
  async function attempt<Result>(run: () => Promise<Result>): Promise<Result | 'alone'> {
    try {
      return await run()
    } catch {
      return 'alone'
    }
  }

  /** Undefined while nobody has a response. */
  function answerIn(text: string | undefined, { open }: Seal): string | undefined {
    if (text === REFUSED) throw new RenewalRefused('the issuer refused another machine')
    if (text === FAILED) throw new Error('another machine just asked in vain')
    if (text?.startsWith(TOKEN) !== true) return undefined
    const token = open(text)
    if (token === undefined) throw new Error('what another machine left cannot be read')
    return token
  }

  /** Asks, and leaves the response for the others. */
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
    // It took longer than the lease, and another machine asked as well: of two tokens all take the one that is there.
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
