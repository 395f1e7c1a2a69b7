// Checks the keys of assertions by reading them as a start would.
import { contentOf, wayOut, whatItIs, type NamedFiles } from './file-content.ts'
import { entries, options, text, type Loose } from '../loose.ts'
import type { Finding, Path } from '../../problem.ts'
import {
  createTokenIssuer,
  readVerificationKey,
  type KeyHalves,
  type SigningKeyMaterial,
} from '../../../renew/signing/token-issuer.ts'

type Compile = (material: SigningKeyMaterial) => KeyHalves | string

const KEY_TYPES = { EdDSA: 'Ed25519 or Ed448', ES256: 'P-256' } as const
const CURVES: Readonly<Record<keyof typeof KEY_TYPES, RegExp>> = { EdDSA: /^Ed(25519|448)$/, ES256: /^P-256$/ }

/** Undefined when the key has another error, which is already reported. */
function read(key: Loose, path: Path, files: NamedFiles, compile: Compile) {
  const alg = (['EdDSA', 'ES256'] as const).find((name) => name === key['alg'])
  const bytes = contentOf(files, [...path, 'pemFile'])
  if (alg === undefined || bytes === undefined) return undefined
  const kid = text(key['kid'])
  return { alg, bytes, halves: compile({ alg, pem: bytes.toString('utf8'), ...(kid === undefined ? {} : { kid }) }) }
}

export function checkAssertionKeys(files: NamedFiles): readonly Finding[] {
  const { signingKey, verificationKeys } = options(options(files.config)['assertion'])
  const kids = new Set<string>()
  const check = (key: unknown, path: Path, compile: Compile): readonly Finding[] => {
    const found = read(options(key), path, files, compile)
    if (found === undefined) return []
    const { alg, bytes, halves } = found
    const source = [...path, 'pemFile']
    const name = files.written.show(source)
    if (typeof halves === 'string' && !halves.includes(alg))
      return [{ path: source, message: `${name} holds no such key in PEM: ${whatItIs(bytes)}`, hint: wayOut(bytes) }]
    if (typeof halves === 'string' || !CURVES[alg].test(halves.publicKey?.crv ?? ''))
      return [{ path: source, message: `${name} cannot be used with ${alg}, which needs ${KEY_TYPES[alg]}` }]
    if (kids.has(halves.kid)) return [{ path, message: 'another key of the assertion has the same kid' }]
    kids.add(halves.kid)
    return []
  }
  return [
    ...check(signingKey, ['assertion', 'signingKey'], createTokenIssuer),
    ...entries(verificationKeys).flatMap((key, index) =>
      check(key, ['assertion', 'verificationKeys', index], readVerificationKey),
    ),
  ]
}
