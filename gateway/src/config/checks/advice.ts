// Advises against options that are allowed, but rarely wise. Only `check --strict` shows advice.
import { options, text, texts, type Loose } from './loose.ts'
import { checkRouteAdvice } from './route/route-advice.ts'
import { isHmac } from '../../authenticate/keys/key-rules.ts'
import type { Algorithm } from '../../options/tokens.ts'
import type { Finding, Path } from '../problem.ts'

function advice(path: Path, message: string, hint: string): Finding {
  return { severity: 'advice', path, message, hint }
}

function isElsewhere(address: string, protocol: string): boolean {
  if (!address.startsWith(`${protocol}://`) || !URL.canParse(address)) return false
  const { hostname } = new URL(address)
  return hostname !== 'localhost' && hostname !== '[::1]' && !/^127(\.\d{1,3}){3}$/.test(hostname)
}

function adviseIssuer(issuer: Loose, at: Path): readonly Finding[] {
  const keys = options(issuer['keys'])
  const findings: Finding[] = []
  if (texts(issuer['algorithms']).some((name) => isHmac(name as Algorithm)))
    findings.push(
      advice(
        [...at, 'algorithms'],
        'with a shared secret, each service that verifies tokens can sign them too',
        'ES256, RS256 or EdDSA need only a public key here',
      ),
    )
  if (isElsewhere(text(keys['jwksUrl']) ?? '', 'http'))
    findings.push(
      advice([...at, 'keys', 'jwksUrl'], 'keys that come over plain http can be replaced on the way', 'use https'),
    )
  const endpoint = text(options(issuer['renewal'])['endpoint']) ?? ''
  if (isElsewhere(endpoint, 'http'))
    findings.push(
      advice([...at, 'renewal', 'endpoint'], 'tokens that go over plain http can be taken on the way', 'use https'),
    )
  return findings
}

function adviseUpstream(name: string, upstream: Loose): readonly Finding[] {
  return texts(upstream['targets']).flatMap((target, index) =>
    isElsewhere(target, 'http')
      ? [
          advice(
            ['upstreams', name, 'targets', index],
            'requests go over plain http to another host: tokens and answers can be read and changed on the way',
            'use https',
          ),
        ]
      : [],
  )
}

/** Returns advice about a valid config with its defaults filled in. */
export function advise(config: unknown): readonly Finding[] {
  const { issuers, upstreams, routes, admin, revocation } = options(config)
  const all = (list: unknown) => (Array.isArray(list) ? list.map(options) : [])
  const { token } = options(admin)
  const findings: Finding[] = []
  if (token === undefined || token === '')
    findings.push(
      advice(['admin'], 'without admin.token nobody can revoke a token here', 'token: "${TOLLGATE_ADMIN_TOKEN}"'),
    )
  if (isElsewhere(text(options(options(revocation)['store'])['redis']) ?? '', 'redis'))
    findings.push(
      advice(['revocation', 'store', 'redis'], 'the list goes to another host without TLS', 'rediss:// uses TLS'),
    )
  return [
    ...findings,
    ...all(issuers).flatMap((issuer, index) => adviseIssuer(issuer, ['issuers', index])),
    ...Object.entries(options(upstreams)).flatMap(([name, upstream]) => adviseUpstream(name, options(upstream))),
    ...checkRouteAdvice(all(routes)),
  ]
}
