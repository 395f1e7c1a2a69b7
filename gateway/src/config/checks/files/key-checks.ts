// Checks the local keys of issuers by reading them as a start would, and reports errors at their option.
import { createPublicKey } from 'node:crypto'

import { checkCertificateFile } from './certificate-checks.ts'
import { contentOf, fails, pemLabels, wayOut, whatItIs, type NamedFiles } from './file-content.ts'
import { checkHeaderFiles } from './header-file-checks.ts'
import { checkRenewalKeys } from './renewal-key-checks.ts'
import { KEY_SOURCES } from '../issuer-checks.ts'
import { entries, isOptions, options, text, type Loose } from '../loose.ts'
import { checkSpelling, encodingOf, judgeKeys, policyOf } from './key-judgement.ts'
import { parseDocument, withoutMark } from '../../../authenticate/keys/key-document.ts'
import { isHmac } from '../../../authenticate/keys/key-rules.ts'
import {
  keySetFromDocument,
  keySetFromPem,
  keySetFromSecret,
  type KeyPolicy,
} from '../../../authenticate/keys/key-set.ts'
import type { Finding, Path } from '../../problem.ts'

function privateKeyFound(path: Path, name: string): readonly Finding[] {
  return [
    {
      path,
      message: `${name} holds a private key, where the public one belongs: who reads it could sign tokens`,
      hint: 'openssl pkey -in FILE -pubout prints the public one',
    },
  ]
}

function checkPemFile(path: Path, bytes: Buffer, policy: KeyPolicy, files: NamedFiles): readonly Finding[] {
  const name = files.written.show(path)
  const pem = withoutMark(bytes.toString('utf8'))
  const labels = pemLabels(pem)
  if (labels.some((label) => label.endsWith('PRIVATE KEY')) && !fails(() => createPublicKey(pem.trim())))
    return privateKeyFound(path, name)
  if (fails(() => createPublicKey(pem.trim())))
    return [
      { path, message: `${name} holds no public key or certificate in PEM: ${whatItIs(bytes)}`, hint: wayOut(bytes) },
    ]
  const dates = labels[0]?.endsWith('CERTIFICATE') === true ? checkCertificateFile(path, bytes, files) : []
  return [...judgeKeys(path, name, policy, (rules) => keySetFromPem(pem, rules)), ...dates]
}

/** True for a JWK with private members, or for a PEM private key as the value of a kid. */
function hasPrivateKey(document: unknown): boolean {
  return [...entries(options(document)['keys']), ...Object.values(options(document))].some((member) =>
    isOptions(member) ? member['kty'] !== 'oct' && text(member['d']) !== undefined : isPrivatePem(member),
  )
}

function isPrivatePem(member: unknown): boolean {
  return pemLabels(text(member) ?? '').some((label) => label.endsWith('PRIVATE KEY'))
}

/** Returns the position of a parse error alone, because the parser's message quotes the text, which may be a secret. */
function placeOf(error: unknown, content: string): string {
  const position = /position (\d+)/.exec((error as Error).message)?.[1]
  if (position === undefined) return ': it ends too early'
  return ` (line ${content.slice(0, Number(position)).split('\n').length})`
}

function checkJwksFile(path: Path, bytes: Buffer, policy: KeyPolicy, { written }: NamedFiles): readonly Finding[] {
  const name = written.show(path)
  const content = bytes.toString('utf8')
  if (pemLabels(content).length > 0 && fails(() => parseDocument(content)))
    return [{ path, message: `${name} is not JSON: it is PEM`, hint: 'pemFile names such a file' }]
  let document: unknown
  try {
    document = parseDocument(content)
  } catch (error) {
    const reason = content.trim() === '' ? ': it is empty' : placeOf(error, content)
    return [{ path, message: `${name} is not JSON${reason}`, hint: 'a JWK set: {"keys": [...]} (RFC 7517)' }]
  }
  if (hasPrivateKey(document)) return privateKeyFound(path, name)
  return judgeKeys(path, name, policy, (rules) => keySetFromDocument(document, rules))
}

function checkSecret(path: Path, secret: Loose, policy: KeyPolicy): readonly Finding[] {
  const [value, encoding] = [text(secret['value']), encodingOf(secret)]
  if (value === undefined || encoding === undefined || !policy.algorithms.some(isHmac)) return []
  const load = (rules: KeyPolicy) => keySetFromSecret({ value, encoding }, rules)
  return checkSpelling(path, secret, value) ?? judgeKeys([...path, 'value'], undefined, policy, load)
}

function checkOwnKeys(issuer: Loose, at: Path, files: NamedFiles): readonly Finding[] {
  const keys = options(issuer['keys'])
  const policy = policyOf(issuer)
  const [source, ...more] = KEY_SOURCES.filter((name) => keys[name] !== undefined && keys[name] !== false)
  if (policy.algorithms.length === 0 || source === undefined || more.length > 0) return []
  const path = [...at, source]
  if (source === 'secret') return checkSecret(path, options(keys['secret']), policy)
  const bytes = contentOf(files, path)
  if (bytes === undefined) return []
  if (source === 'jwksFile') return checkJwksFile(path, bytes, policy, files)
  // With HS* algorithms alone, the algorithms are wrong rather than the key.
  return source === 'pemFile' && !policy.algorithms.every(isHmac) ? checkPemFile(path, bytes, policy, files) : []
}

export function checkKeys(files: NamedFiles): readonly Finding[] {
  return entries(options(files.config)['issuers']).flatMap((entry, index) => {
    const issuer = options(entry)
    const at = ['issuers', index]
    return [
      ...checkOwnKeys(issuer, [...at, 'keys'], files),
      ...checkHeaderFiles(options(issuer['keys']), [...at, 'keys'], files),
      ...checkRenewalKeys(issuer, at, files),
    ]
  })
}
