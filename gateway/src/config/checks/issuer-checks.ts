// Checks issuers: their keys fit the algorithms, and their URLs are protected by TLS unless the config allows http.
import { checkKeyRequest } from './key-request-checks.ts'
import { isOptions, options, text, texts, type Loose } from './loose.ts'
import type { Finding, Path } from '../problem.ts'
import { isMisspelt } from '../schema/did-you-mean.ts'
import { isConfidential } from '../../message/confidential-url.ts'
import { ALGORITHMS } from '../../options/tokens.ts'

/** The sources of keys. Each issuer has exactly one. */
export const KEY_SOURCES = ['jwksUrl', 'discovery', 'jwksFile', 'pemFile', 'secret'] as const

function isHmac(algorithm: string): boolean {
  return algorithm.startsWith('HS')
}

/** Returns the error of a URL from which keys are fetched; undefined when it is valid. */
function addressFault(address: string, example: string, allowHttp: boolean): Omit<Finding, 'path'> | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return { message: 'must be the address that keys are fetched from', hint: `such as ${example}` }
  if (url.username !== '' || url.password !== '') return { message: 'must not hold a user name or password' }
  if (isConfidential(url, allowHttp)) return undefined
  return {
    message: 'keys that come over plain http can be replaced by anyone on the way',
    hint: 'use https, or allowHttp: true if the network is yours',
  }
}

function checkAddress(issuer: Loose, source: string, path: Path): readonly Finding[] {
  const keys = options(issuer['keys'])
  const [address, at, example] =
    source === 'discovery'
      ? [text(issuer['issuer']), [...path, 'issuer'], 'https://login.example.com']
      : [text(keys['jwksUrl']), [...path, 'keys', 'jwksUrl'], 'https://login.example.com/.well-known/jwks.json']
  const fault = address === undefined ? undefined : addressFault(address, example, keys['allowHttp'] === true)
  return fault === undefined ? [] : [{ ...fault, path: at }]
}

function checkKeys(issuer: Loose, path: Path): readonly Finding[] {
  const keys = options(issuer['keys'])
  const at = [...path, 'keys']
  // The schema reports a value that is no object.
  if (!isOptions(issuer['keys'])) return []
  const sources = KEY_SOURCES.filter((name) => keys[name] !== undefined && keys[name] !== false)
  if (sources.length === 0 && KEY_SOURCES.some((name) => isMisspelt(name, keys))) return []
  if (sources.length !== 1) {
    const message =
      sources.length === 0
        ? `needs one of ${KEY_SOURCES.join(', ')}`
        : `has ${sources.join(' and ')}, but keys come from one place only`
    return [{ path: at, atKey: true, message }]
  }
  const [source] = sources
  const findings: Finding[] = []
  // The schema reports a misspelt algorithm.
  const algorithms = texts(issuer['algorithms']).filter((name) => ALGORITHMS.some((known) => known === name))
  const hmac = algorithms.filter(isHmac)
  if (source === 'secret' && hmac.length < algorithms.length) {
    findings.push({ path: [...path, 'algorithms'], message: 'a shared secret serves HS256, HS384 and HS512 only' })
  }
  if (hmac.length > 0 && source !== 'secret' && source !== 'jwksFile') {
    const hint = 'a public key that served as secret would let everyone sign'
    findings.push({
      path: [...path, 'algorithms'],
      message: 'HS256, HS384 and HS512 need keys.secret, or a jwksFile with the secret',
      hint,
    })
  }
  if (source === 'discovery' && text(issuer['issuer']) === undefined) {
    findings.push({ path: [...at, 'discovery'], message: 'discovery needs `issuer`: its document is found there' })
  }
  if (source === 'discovery' || source === 'jwksUrl') findings.push(...checkAddress(issuer, source, path))
  return [...findings, ...checkKeyRequest(keys, at, source === 'discovery' ? issuer['issuer'] : keys['jwksUrl'])]
}

function checkMeaning(issuer: Loose, path: Path): readonly Finding[] {
  const warn = (message: string, hint: string): Finding => ({ severity: 'warning', path, message, hint })
  const findings: Finding[] = []
  if (issuer['issuer'] === undefined)
    findings.push({ ...warn('iss is not looked at', 'give `issuer`'), presumes: [...path, 'keys', 'discovery'] })
  if (issuer['audiences'] === undefined)
    findings.push(warn('aud is not looked at: tokens for other services pass here too', 'give `audiences`'))
  if (issuer['binding'] === 'ignore')
    findings.push({
      severity: 'warning',
      path: [...path, 'binding'],
      message: 'tokens that are bound to a key (cnf) pass without its proof: whoever stole one can use it',
      hint: 'refuse, unless something in front of the gateway checks the proofs',
    })
  const required = issuer['requiredClaims']
  if (Array.isArray(required) && !required.includes('exp'))
    findings.push(warn('tokens without exp are accepted, and live for ever', 'add exp to requiredClaims'))
  return findings
}

export function checkIssuers(issuers: readonly Loose[]): readonly Finding[] {
  const names = new Set<string>()
  return issuers.flatMap((issuer, index): readonly Finding[] => {
    const path = ['issuers', index]
    const name = text(issuer['name'])
    const repeated = name !== undefined && names.has(name)
    if (name !== undefined) names.add(name)
    const twice: Finding[] = repeated ? [{ path: [...path, 'name'], message: 'another issuer has this name' }] : []
    return [...twice, ...checkKeys(issuer, path), ...checkMeaning(issuer, path)]
  })
}
