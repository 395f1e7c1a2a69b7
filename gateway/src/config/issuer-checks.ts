// Issuers: keys that fit the algorithms, and addresses that nobody on the way can answer for.
import { options, text, texts, type Loose } from './loose.ts'
import type { Finding, Path } from './problem.ts'

const SOURCES = ['jwksUrl', 'discovery', 'jwksFile', 'pemFile', 'secret'] as const

function isHmac(algorithm: string): boolean {
  return algorithm.startsWith('HS')
}

function isPlainHttpToOthers(address: string | undefined): boolean {
  if (address === undefined || !URL.canParse(address)) return false
  const { protocol, hostname } = new URL(address)
  return (
    protocol === 'http:' && hostname !== 'localhost' && hostname !== '[::1]' && !/^127(\.\d{1,3}){3}$/.test(hostname)
  )
}

function checkKeys(issuer: Loose, path: Path): readonly Finding[] {
  const keys = options(issuer['keys'])
  const at = [...path, 'keys']
  if (issuer['keys'] === undefined) return []
  const sources = SOURCES.filter((name) => keys[name] !== undefined && keys[name] !== false)
  if (sources.length !== 1) {
    const message =
      sources.length === 0
        ? `needs one of ${SOURCES.join(', ')}`
        : `has ${sources.join(' and ')}, but keys come from one place only`
    return [{ path: at, atKey: true, message }]
  }
  const [source] = sources
  const findings: Finding[] = []
  const algorithms = texts(issuer['algorithms'])
  const hmac = algorithms.filter(isHmac)
  if (source === 'secret' && hmac.length < algorithms.length) {
    findings.push({ path: [...path, 'algorithms'], message: 'a shared secret serves HS256, HS384 and HS512 only' })
  }
  if (hmac.length > 0 && source !== 'secret' && source !== 'jwksFile') {
    const hint = 'a public key that served as secret would let everyone sign'
    findings.push({
      path: [...path, 'algorithms'],
      message: `${hmac.join(', ')} needs keys.secret, or a jwksFile with the secret`,
      hint,
    })
  }
  if (source === 'discovery' && text(issuer['issuer']) === undefined) {
    findings.push({ path: [...at, 'discovery'], message: 'discovery needs `issuer`: its document is found there' })
  }
  const address = source === 'discovery' ? text(issuer['issuer']) : text(keys['jwksUrl'])
  if ((source === 'discovery' || source === 'jwksUrl') && keys['allowHttp'] !== true && isPlainHttpToOthers(address)) {
    const hint = 'use https, or allowHttp: true if the network is yours'
    findings.push({
      path: [...at, source],
      message: 'keys that come over plain http can be replaced by anyone on the way',
      hint,
    })
  }
  return findings
}

function checkMeaning(issuer: Loose, path: Path): readonly Finding[] {
  const warn = (message: string, hint: string): Finding => ({ severity: 'warning', path, message, hint })
  const findings: Finding[] = []
  if (issuer['issuer'] === undefined) findings.push(warn('iss is not looked at', 'give `issuer`'))
  if (issuer['audiences'] === undefined)
    findings.push(warn('aud is not looked at: tokens for other services pass here too', 'give `audiences`'))
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
