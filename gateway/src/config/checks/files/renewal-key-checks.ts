// Checks the keys that sign and verify successors by reading them as a start would.
import { contentOf, wayOut, whatItIs, type NamedFiles } from './file-content.ts'
import { checkSpelling, encodingOf, judgeKeys, policyOf } from './key-judgement.ts'
import { entries, options, text, type Loose } from '../loose.ts'
import { isHmac, namesOf } from '../../../authenticate/keys/key-rules.ts'
import { keySetFromJwks } from '../../../authenticate/keys/key-set.ts'
import { ALGORITHMS } from '../../../options/tokens.ts'
import {
  createTokenIssuer,
  readVerificationKey,
  type KeyHalves,
  type SigningKeyMaterial,
} from '../../../renew/signing/token-issuer.ts'
import type { Finding, Path } from '../../problem.ts'

/** A key as written in the config, with the content of its file. */
interface WrittenKey {
  readonly path: Path
  /** The path of the option that holds its material: the file or the secret. */
  readonly source: Path
  readonly bytes: Buffer | undefined
  readonly material: SigningKeyMaterial
}

/** Undefined when the key has another error, which is already reported. */
function readKey(key: Loose, issuer: Loose, path: Path, files: NamedFiles): WrittenKey | undefined {
  const { pemFile, secret } = key
  const alg = ALGORITHMS.find((name) => name === key['alg'])
  if (alg === undefined || !namesOf(policyOf(issuer).algorithms).has(alg)) return undefined
  if ((pemFile === undefined) === (secret === undefined) || isHmac(alg) !== (secret !== undefined)) return undefined
  const kid = text(key['kid'])
  const named = { alg, ...(kid === undefined ? {} : { kid }) }
  if (secret !== undefined) {
    const [value, encoding] = [text(options(secret)['value']), encodingOf(options(secret))]
    if (value === undefined || encoding === undefined) return undefined
    const material = { ...named, secret: { value, encoding } }
    return { path, source: [...path, 'secret', 'value'], bytes: undefined, material }
  }
  const source = [...path, 'pemFile']
  const bytes = contentOf(files, source)
  return bytes === undefined ? undefined : { path, source, bytes, material: { ...named, pem: bytes.toString('utf8') } }
}

interface Judged {
  readonly findings: readonly Finding[]
  readonly kid: string | undefined
}

function judge(
  { source, bytes, material }: WrittenKey,
  issuer: Loose,
  { written }: NamedFiles,
  compile: (material: SigningKeyMaterial) => KeyHalves | string,
): Judged {
  const name = bytes === undefined ? undefined : written.show(source)
  const halves = compile(material)
  if (typeof halves === 'string') {
    const isRead = bytes === undefined || halves.includes(material.alg)
    const wanted = compile === createTokenIssuer ? 'private key' : 'key or certificate'
    const finding: Finding = isRead
      ? { path: source, message: name === undefined ? halves : `${name}: ${halves}` }
      : {
          path: source,
          message: `${name} holds no ${wanted} in PEM: ${whatItIs(bytes)}`,
          hint: wayOut(bytes),
        }
    return { findings: [finding], kid: undefined }
  }
  // A successor is verified by the rules of its issuer.
  const load = (rules: Parameters<typeof keySetFromJwks>[1]) =>
    keySetFromJwks({ keys: [halves.verificationKey] }, rules)
  return { findings: judgeKeys(source, name, policyOf(issuer), load), kid: halves.kid }
}

export function checkRenewalKeys(issuer: Loose, at: Path, files: NamedFiles): readonly Finding[] {
  const path = [...at, 'renewal']
  const { signingKey, verificationKeys } = options(issuer['renewal'])
  const seen = new Set<string>()
  const check = (key: unknown, keyPath: Path, compile: Parameters<typeof judge>[3]): readonly Finding[] => {
    const secret = options(options(key)['secret'])
    const misspelt = checkSpelling([...keyPath, 'secret'], secret, text(secret['value']) ?? '')
    if (misspelt !== undefined) return misspelt
    const read = readKey(options(key), issuer, keyPath, files)
    if (read === undefined) return []
    const { findings, kid } = judge(read, issuer, files, compile)
    if (kid === undefined) return findings
    const twice = seen.has(kid)
    seen.add(kid)
    const message = 'another key of this renewal has the same kid: tokens name their key by it'
    return twice
      ? [...findings, { path: options(key)['kid'] === undefined ? keyPath : [...keyPath, 'kid'], message }]
      : findings
  }
  return [
    ...check(signingKey, [...path, 'signingKey'], createTokenIssuer),
    ...entries(verificationKeys).flatMap((key, index) =>
      check(key, [...path, 'verificationKeys', index], readVerificationKey),
    ),
  ]
}
