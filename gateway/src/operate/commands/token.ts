// tollgate token sign | verify | decode: tokens for tests and for finding out.
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSigner, type Algorithm as SignerAlgorithm } from 'fast-jwt'
import type { Command } from 'commander'

import { CommandFailed } from './command-failed.ts'
import { readToken } from './token-input.ts'
import { algorithmsOfKey, isCalled, isHmac, olderNameOf } from '../../authenticate/keys/key-rules.ts'
import { createKeyRing } from '../../authenticate/keys/key-ring.ts'
import { parseDocument } from '../../authenticate/keys/key-document.ts'
import { keySetFromDocument, keySetFromPem, keySetFromSecret, type KeySet } from '../../authenticate/keys/key-set.ts'
import { ALGORITHMS, type Algorithm } from '../../options/tokens.ts'
import { createTokenReader, headerAsSent, type UnverifiedToken } from '../../authenticate/token/token-shape.ts'
import { writeExactJson } from '../../message/exact-json.ts'
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
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims))
      return claims as Record<string, unknown>
  } catch {
    // Falls through to the one message.
  }
  throw new CommandFailed('--claims must be a JSON object, such as \'{"sub":"alice"}\'')
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

function sign({ key, secret, alg, kid, typ, claims, expires }: SignOptions): string {
  if ((key === undefined) === (secret === undefined)) throw new CommandFailed('give either --key or --secret')
  const lifetimeMs = parseDuration(expires)
  if (Number.isNaN(lifetimeMs)) throw new CommandFailed(`--expires ${expires} is no duration, such as 15m or 1d`)
  const fitting = key === undefined ? ALGORITHMS.filter(isHmac) : algorithmsOfPrivateKey(readKey(key))
  const [first] = fitting
  // What every verifier knows is the default; either name can be asked for.
  const algorithm = alg ?? (first === undefined ? undefined : olderNameOf(first))
  const signing = fitting.find((each) => isCalled(each, algorithm))
  if (algorithm === undefined || signing === undefined)
    throw new CommandFailed(
      `the key serves ${fitting.join(', ') || 'no algorithm'}${alg === undefined ? '' : `, not ${alg}`}`,
    )
  const nowSec = Math.floor(Date.now() / 1000)
  const signToken = createSigner({
    key: key === undefined ? (secret ?? '') : readKey(key),
    // fast-jwt knows the older names alone.
    algorithm: olderNameOf(signing) as SignerAlgorithm,
    header: { alg: algorithm, typ, ...(kid === undefined ? {} : { kid }) },
  })
  return signToken({ iat: nowSec, exp: nowSec + Math.floor(lifetimeMs / 1000), ...parseClaims(claims) })
}

function algorithmsOfPrivateKey(pem: string): readonly Algorithm[] {
  try {
    return algorithmsOfKey(createPublicKey(createPrivateKey(pem)))
  } catch {
    throw new CommandFailed('the key file holds no private key in PEM')
  }
}

async function takeApart(option: string | undefined): Promise<UnverifiedToken> {
  const raw = await readToken(option)
  if (raw === undefined) throw new CommandFailed('no token was given: name it, or pipe it in')
  const token = createTokenReader(MAX_TOKEN_BYTES)(raw)
  if (token instanceof Failure) throw new CommandFailed(`${token.code}: ${token.detail}`)
  return token
}

function keysFor({ key, secret }: { readonly key?: string; readonly secret?: string }): KeySet {
  const policy = { algorithms: ALGORITHMS, weakKeys: 'warn', allowSecrets: true } as const
  if (secret !== undefined) return keySetFromSecret({ value: secret, encoding: 'utf8' }, policy)
  if (key === undefined) throw new CommandFailed('give either --key or --secret')
  const text = readKey(key)
  try {
    return keySetFromDocument(parseDocument(text), policy)
  } catch {
    return keySetFromPem(text, policy)
  }
}

function shown(token: UnverifiedToken): string {
  return writeExactJson({ header: headerAsSent(token), claims: token.signedClaims().claims }, 2)
}

export function addToken(token: Command): void {
  token
    .command('sign')
    .description('print a signed token')
    .option('--key <file>', 'private key in PEM')
    .option('--secret <text>', 'shared secret, for HS*')
    .option('--alg <algorithm>', 'default: the first that the key serves')
    .option('--kid <id>', 'key id in the header')
    .option('--typ <type>', 'type in the header', 'JWT')
    .option('--claims <json>', 'claims; iat and exp are added', '{}')
    .option('--expires <duration>', 'lifetime, such as 15m or 1d', '15m')
    .action((options: SignOptions) => {
      process.stdout.write(`${sign(options)}\n`)
    })
  token
    .command('verify')
    .description(
      'check the signature of a token, and print its header and claims; the claims are not judged (see explain)',
    )
    .argument('[token]', 'the token; - or a pipe reads it from standard input')
    .option('--key <file>', 'public key in PEM, or a JWK set')
    .option('--secret <text>', 'shared secret')
    .action(async (raw: string | undefined, options: { key?: string; secret?: string }) => {
      const parts = await takeApart(raw)
      const keys = createKeyRing(keysFor(options).keys).find(parts.header)
      if (keys.length === 0) throw new CommandFailed('key_unknown: no key fits the header of the token')
      if (!keys.some(({ isSignedBy }) => isSignedBy(parts)))
        throw new CommandFailed('signature_invalid: the token was not signed with this key')
      process.stdout.write(`${shown(parts)}\n`)
    })
  token
    .command('decode')
    .description('print header and claims of a token; nothing is verified')
    .argument('[token]', 'the token; - or a pipe reads it from standard input')
    .action(async (raw: string | undefined) => {
      process.stdout.write(`${shown(await takeApart(raw))}\n`)
    })
}
