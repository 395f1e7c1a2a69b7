// tollgate token sign | verify | decode: signs, verifies and decodes tokens, for tests and for debugging.
import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'

import { CommandFailed, WrongCall } from './command-failed.ts'
import { readToken } from './token-input.ts'
import { algorithmsOfKey, isCalled, isHmac, olderNameOf, weaknessOf } from '../../authenticate/keys/key-rules.ts'
import { createKeyRing } from '../../authenticate/keys/key-ring.ts'
import { parseDocument } from '../../authenticate/keys/key-document.ts'
import { keySetFromDocument, keySetFromPem, keySetFromSecret, type KeySet } from '../../authenticate/keys/key-set.ts'
import { ALGORITHMS, type Algorithm } from '../../options/tokens.ts'
import { createTokenReader, headerAsSent, type UnverifiedToken } from '../../authenticate/token/token-shape.ts'
import { readExactJson, writeExactJson } from '../../message/json/exact-json.ts'
import { magnitudeOf } from '../../message/json/exact-number.ts'
import { dateText, durationText } from '../../authenticate/token/claims.ts'
import type { Claims } from '../../authenticate/auth-result.ts'
import { kidInPem } from '../../renew/signing/kid-in-pem.ts'
import { createTokenSigner } from '../../renew/signing/sign-token.ts'
import { Failure } from '../../failure.ts'
import { parseDuration } from '../../options/kinds.ts'

const MAX_TOKEN_BYTES = 1_048_576

function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new CommandFailed(`key file ${file} cannot be read`)
  }
}

function parseClaims(text: string): Record<string, unknown> {
  try {
    const claims: unknown = JSON.parse(text)
    // Written from exact numbers, because JSON.parse rounds integers above 2^53.
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims))
      return readExactJson(text) as Record<string, unknown>
  } catch {
    // Invalid JSON gets the same message as JSON that is no object.
  }
  throw new WrongCall('--claims must be a JSON object, such as \'{"sub":"alice"}\'')
}

interface SignOptions {
  readonly key?: string
  readonly secret?: string
  readonly alg?: string
  readonly kid?: string
  readonly typ: string
  readonly claims: string
  readonly expires: string
}

/** The key with its algorithms, and the kid of its file. */
interface SigningKey {
  readonly key: KeyObject
  readonly fitting: readonly Algorithm[]
  readonly kid: string | undefined
}

function signingKey({ key: file, secret }: Pick<SignOptions, 'key' | 'secret'>): SigningKey {
  if ((file === undefined) === (secret === undefined)) throw new WrongCall('give either --key or --secret')
  if (file === undefined)
    return { key: createSecretKey(secret ?? '', 'utf8'), fitting: ALGORITHMS.filter(isHmac), kid: undefined }
  const pem = readKey(file)
  try {
    const key = createPrivateKey(pem)
    return { key, fitting: algorithmsOfKey(createPublicKey(key)), kid: kidInPem(pem) }
  } catch {
    throw new CommandFailed('the key file holds no private key in PEM')
  }
}

function sign(options: SignOptions): string {
  const { alg, typ, claims, expires } = options
  const { key, fitting, kid: named } = signingKey(options)
  const lifetimeMs = parseDuration(expires)
  if (Number.isNaN(lifetimeMs)) throw new WrongCall(`--expires ${expires} is no duration, such as 15m or 1d`)
  const [first] = fitting
  // The older algorithm name is the default, because every verifier knows it. --alg selects the other.
  const algorithm = alg ?? (first === undefined ? undefined : olderNameOf(first))
  const signing = fitting.find((each) => isCalled(each, algorithm))
  const signToken = signing === undefined ? undefined : createTokenSigner(key, signing)
  if (algorithm === undefined || signing === undefined || signToken === undefined)
    throw new CommandFailed(
      `the key serves ${fitting.join(', ') || 'no algorithm'}${alg === undefined ? '' : `, not ${alg}`}`,
    )
  const weakness = weaknessOf(key, signing)
  if (weakness !== undefined) process.stderr.write(`warning: ${weakness}; gateways refuse it\n`)
  const nowSec = Math.floor(Date.now() / 1000)
  const kid = options.kid ?? named
  const header = { alg: algorithm, typ, ...(kid === undefined ? {} : { kid }) }
  const all = { iat: nowSec, exp: nowSec + Math.floor(lifetimeMs / 1000), ...parseClaims(claims) }
  return signToken(JSON.stringify(header), writeExactJson(all))
}

async function takeApart(option: string | undefined): Promise<UnverifiedToken> {
  const raw = await readToken(option)
  if (raw === undefined) throw new WrongCall('no token was given: name it, or pipe it in')
  const token = createTokenReader(MAX_TOKEN_BYTES)(raw)
  if (token instanceof Failure) throw new CommandFailed(`${token.code}: ${token.detail}`)
  return token
}

function keysFor({ key, secret }: { readonly key?: string; readonly secret?: string }): KeySet {
  const policy = { algorithms: ALGORITHMS, weakKeys: 'warn', allowSecrets: true } as const
  if (secret !== undefined) return keySetFromSecret({ value: secret, encoding: 'utf8' }, policy)
  if (key === undefined) throw new WrongCall('give either --key or --secret')
  const text = readKey(key)
  try {
    return keySetFromDocument(parseDocument(text), policy)
  } catch {
    return keySetFromPem(text, policy)
  }
}

const DATES = ['iat', 'nbf', 'exp', 'auth_time'] as const

/** Formats the NumericDate claims (RFC 7519 section 2) as dates, with the distance from now. */
function datesIn(claims: Claims): Record<string, string> {
  const nowSec = Date.now() / 1000
  return Object.fromEntries(
    DATES.flatMap((name) => {
      const seconds = magnitudeOf(claims[name])
      if (seconds === undefined) return []
      const away = seconds < nowSec ? `${durationText(nowSec - seconds)} ago` : `in ${durationText(seconds - nowSec)}`
      return [[name, `${dateText(seconds)} (${away})`]]
    }),
  )
}

/** Prints JSON: indented for people, on one line with --json. */
function show(token: UnverifiedToken, { json }: { readonly json?: boolean }, more: object = {}): void {
  const { claims } = token.signedClaims()
  const report = { ...more, header: headerAsSent(token), claims, dates: datesIn(claims) }
  process.stdout.write(`${json === true ? writeExactJson(report) : writeExactJson(report, 2)}\n`)
}

export function addToken(token: Command): void {
  token
    .command('sign')
    .description('print a signed token')
    .option('--key <file>', 'private key in PEM; this or --secret is required')
    .option('--secret <text>', 'shared secret, for HS*; this or --key is required')
    .option('--alg <algorithm>', 'default: the first that the key serves')
    .option('--kid <id>', 'key id in the header; default: the one that keys generate wrote into the key file')
    .option('--typ <type>', 'type in the header', 'JWT')
    .option('--claims <json>', 'claims; iat and exp are added', '{}')
    .option('--expires <duration>', 'lifetime, such as 15m or 1d', '15m')
    .option('--json', 'print JSON')
    .action((options: SignOptions & { readonly json?: boolean }) => {
      const token = sign(options)
      process.stdout.write(`${options.json === true ? JSON.stringify({ token }) : token}\n`)
    })
  token
    .command('verify')
    .description(
      'check the signature of a token, and print its header and claims; the claims are not judged (see explain)',
    )
    .argument('[token]', 'the token; - or a pipe reads it from standard input')
    .option('--key <file>', 'public key in PEM, or a JWK set; this or --secret is required')
    .option('--secret <text>', 'shared secret; this or --key is required')
    .option('--json', 'print it on one line')
    .action(async (raw: string | undefined, options: { key?: string; secret?: string; json?: boolean }) => {
      if ((options.key === undefined) === (options.secret === undefined))
        throw new WrongCall('give either --key or --secret')
      const parts = await takeApart(raw)
      const keys = createKeyRing(keysFor(options).keys).find(parts.header)
      if (keys.length === 0) throw new CommandFailed('key_unknown: no key fits the header of the token')
      if (!keys.some(({ isSignedBy }) => isSignedBy(parts)))
        throw new CommandFailed('signature_invalid: the token was not signed with this key')
      show(parts, options, { signature: 'valid' })
    })
  token
    .command('decode')
    .description('print header, claims and dates of a token; nothing is verified')
    .argument('[token]', 'the token; - or a pipe reads it from standard input')
    .option('--json', 'print it on one line')
    .action(async (raw: string | undefined, options: { json?: boolean }) => {
      show(await takeApart(raw), options)
    })
}
