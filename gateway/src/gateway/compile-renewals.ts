// How the tokens of each issuer are renewed, compiled: keys read, checks of authentication wired to the renew stage.
import { readFileSync } from 'node:fs'

import type { AuthResult, RenewedToken } from '../authenticate/auth-result.ts'
import type { RenewalPart } from '../authenticate/issuers.ts'
import { KeysNotUsable } from '../authenticate/keys/key-source.ts'
import type { Clock, Schedule } from '../clock.ts'
import type { Config } from '../options/config.ts'
import type { CookieSlot } from '../authenticate/locations/cookie-clearing.ts'
import { Failure } from '../failure.ts'
import { createDelivery } from '../renew/delivery.ts'
import { createEndpoint, type AskIssuer } from '../renew/endpoint.ts'
import type { PublishedKey } from '../renew/publish-keys.ts'
import { createRenewal, type RenewalEvents } from '../renew/renew.ts'
import { createSharedAnswer, type MeetingPlace } from '../renew/shared-answer.ts'
import { createSessionLife } from '../renew/session-life.ts'
import {
  createTokenIssuer,
  readVerificationKey,
  type KeyHalves,
  type SigningKeyMaterial,
  type TokenIssuer,
} from '../renew/token-issuer.ts'
import type { BlockList } from '../revoke/block-list.ts'

type Issuer = Config['issuers'][number]
type Renewal = NonNullable<Issuer['renewal']>

/** By how much a claim outlasts the time that an answer of the issuer may take. */
const LEASE_MORE_MS = 2000

export interface RenewalsParts {
  readonly clock: Clock
  readonly askIssuer: AskIssuer
  /** Where the machines that share sessions meet; left out where they do not. */
  readonly meeting?: { readonly place: MeetingPlace; readonly schedule: Schedule } | undefined
  readonly blockList: Pick<BlockList, 'add' | 'get' | 'find'>
  /** What the gateway would say to a token of this issuer now. */
  readonly verify: (token: string, issuer: string) => { readonly result: AuthResult } | Failure
  readonly events: { eventsFor(issuer: string): RenewalEvents; readonly onDelivered: (caller: AuthResult) => void }
}

export interface Renewals {
  readonly byIssuer: ReadonlyMap<string, RenewalPart>
  readonly published: readonly PublishedKey[]
  /** An answer carried the successor of this caller's token. */
  readonly onDelivered: (caller: AuthResult) => void
  /** The cookies that successors are set in. */
  readonly cookies: readonly CookieSlot[]
  /** Makes the successor of a token for the stream that it opened, when it is due; undefined where streams carry none. */
  readonly successorOnStream: ((caller: AuthResult, wallMs: number) => RenewedToken | undefined) | undefined
}

function readSigningKey({ signingKey }: Renewal, name: string): TokenIssuer | undefined {
  if (signingKey === undefined) return undefined
  return usable(createTokenIssuer(materialOf(signingKey, name)), name)
}

function usable<Key>(key: Key | string, name: string): Key {
  if (typeof key === 'string') throw new KeysNotUsable(`issuer ${name}: renewal: ${key}`)
  return key
}

function materialOf(
  { kid, alg, pemFile, secret }: NonNullable<Renewal['signingKey']>,
  name: string,
): SigningKeyMaterial {
  const named = { alg, ...(kid === undefined ? {} : { kid }) }
  return secret === undefined ? { ...named, pem: readPem(pemFile ?? '', name) } : { ...named, secret }
}

/** All that verify: of the key that signs here, and of those that signed or will sign. */
function allKeys(signer: TokenIssuer, { verificationKeys }: Renewal, name: string): readonly KeyHalves[] {
  const byKid = new Map<string, KeyHalves>([[signer.kid, signer]])
  for (const options of verificationKeys) {
    const key = usable(readVerificationKey(materialOf(options, name)), name)
    if (byKid.has(key.kid)) throw new KeysNotUsable(`issuer ${name}: renewal: two keys have the kid ${key.kid}`)
    byKid.set(key.kid, key)
  }
  return [...byKid.values()]
}

function readPem(file: string, name: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new KeysNotUsable(`issuer ${name}: renewal: key file ${file} cannot be read`)
  }
}

/** Throws KeysNotUsable, naming the issuer, when a signing key cannot be used. */
export function compileRenewals({ issuers, tokens, limits }: Config, parts: RenewalsParts): Renewals {
  const byIssuer = new Map<string, RenewalPart>()
  const published: PublishedKey[] = []
  const cookies: CookieSlot[] = []
  const life = createSessionLife(parts.blockList)

  const { meeting } = parts

  for (const { name, clockTolerance, renewal: options } of issuers) {
    if (options === undefined) continue
    const { endpoint = '', timeout, maxRequests, jwksPath } = options
    const signer = readSigningKey(options, name)
    const delivery = createDelivery(options.deliver, tokens.from)
    if (delivery.cookie !== undefined) cookies.push(delivery.cookie)
    const renewal = createRenewal({
      options,
      clockToleranceSec: clockTolerance / 1000,
      maxTokenBytes: limits.tokenBytes,
      delivery,
      maker:
        signer ??
        createEndpoint({
          ...parts,
          url: endpoint,
          timeoutMs: timeout,
          maxRequests,
          sharedAnswer:
            meeting === undefined
              ? undefined
              : createSharedAnswer({ ...meeting, clock: parts.clock, leaseMs: timeout + LEASE_MORE_MS }),
        }),
      verify: (token) => {
        const verified = parts.verify(token, name)
        return verified instanceof Failure ? verified : verified.result
      },
      blockList: parts.blockList,
      events: parts.events.eventsFor(name),
    })
    const keys = signer === undefined ? [] : allKeys(signer, options, name)
    byIssuer.set(name, { renewal, verificationKeys: keys.map(({ verificationKey }) => verificationKey) })
    for (const { publicKey } of keys)
      if (jwksPath !== undefined && publicKey !== undefined) published.push({ path: jwksPath, key: publicKey })
  }
  function successorOnStream(caller: AuthResult, wallMs: number): RenewedToken | undefined {
    const { issuer, renewal: state } = caller
    if (state === undefined || state.raw === '' || wallMs / 1000 < state.dueSec) return undefined
    // A stream of a blocked caller is just about to be ended.
    const blocked = parts.blockList.find(caller, wallMs / 1000)
    if (blocked !== undefined && blocked.reason !== 'renewed') return undefined
    byIssuer.get(issuer)?.renewal.renew({ raw: state.raw, result: caller }, state, wallMs / 1000)
    return state.successor?.cookie === undefined ? state.successor : undefined
  }

  return {
    byIssuer,
    published,
    cookies,
    successorOnStream: issuers.some(({ renewal }) => renewal?.stream === 'event') ? successorOnStream : undefined,
    onDelivered(caller) {
      life.onDelivered(caller)
      parts.events.onDelivered(caller)
    },
  }
}
