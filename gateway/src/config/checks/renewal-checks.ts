// Checks renewal: refuses options that would renew forever, renew nothing, or lose sessions.
import { namesOf } from '../../authenticate/keys/key-rules.ts'
import { checkDelivery } from './delivery-checks.ts'
import { entries, isOptions, options, text, texts, type Loose } from './loose.ts'
import type { Finding, Path } from '../problem.ts'
import { parseDuration } from '../../options/kinds.ts'
import { isConfidential } from '../../message/confidential-url.ts'

/** Returns a duration option in seconds; undefined when it is missing or invalid. */
function seconds(value: unknown): number | undefined {
  const ms = parseDuration(text(value) ?? '')
  return Number.isNaN(ms) ? undefined : ms / 1000
}

interface Machines {
  readonly revocation: unknown
  readonly workers: unknown
}

function checkSharing(renewal: Loose, { revocation, workers }: Machines, path: Path): readonly Finding[] {
  const { level, redis } = options(options(revocation)['store'])
  if (text(renewal['endpoint']) === undefined || redis !== undefined) return []
  // The level store belongs to one gateway on one machine.
  if (level !== undefined && workers === 1) return []
  return [
    {
      severity: 'warning',
      path: [...path, 'endpoint'],
      presumes: ['revocation'],
      message: 'each machine and each worker asks for itself: a session may get a successor from each',
      hint: 'with revocation.store: { redis: ... } one asks for all',
    },
  ]
}

function checkMaker(renewal: Loose, issuer: Loose, path: Path): readonly Finding[] {
  const { signingKey, endpoint } = renewal
  if ((signingKey === undefined) === (endpoint === undefined)) {
    const message =
      signingKey === undefined
        ? 'nobody makes the successors: needs signingKey or endpoint'
        : 'has signingKey and endpoint, but successors come from one place only'
    return [{ path, atKey: true, message }]
  }
  if (endpoint !== undefined && entries(renewal['verificationKeys']).length > 0)
    return [{ path: [...path, 'verificationKeys'], atKey: true, message: 'has no effect with endpoint' }]
  return signingKey === undefined
    ? checkEndpoint(text(endpoint), options(issuer['keys'])['allowHttp'] === true, path)
    : [
        ...checkSigningKey(options(signingKey), issuer, [...path, 'signingKey']),
        ...entries(renewal['verificationKeys']).flatMap((key, index) =>
          checkSigningKey(options(key), issuer, [...path, 'verificationKeys', index]),
        ),
      ]
}

function checkEndpoint(endpoint: string | undefined, allowHttp: boolean, path: Path): readonly Finding[] {
  if (endpoint === undefined) return []
  const at = [...path, 'endpoint']
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return [{ path: at, message: 'must be the address that successors come from' }]
  if (url.username !== '' || url.password !== '')
    return [{ path: at, message: 'must not hold a user name or password' }]
  if (isConfidential(url, allowHttp)) return []
  const hint = 'use https, or keys.allowHttp: true if the network is yours'
  return [{ path: at, message: 'tokens that go over plain http can be taken by anyone on the way', hint }]
}

function checkSigningKey(signingKey: Loose, issuer: Loose, path: Path): readonly Finding[] {
  const { pemFile, secret } = signingKey
  const alg = text(signingKey['alg'])
  const findings: Finding[] = []
  if ((pemFile === undefined) === (secret === undefined))
    findings.push({ path, atKey: true, message: 'needs exactly one of pemFile, secret' })
  else if (alg !== undefined && alg.startsWith('HS') !== (secret !== undefined))
    findings.push({
      path: [...path, 'alg'],
      message: 'HS256, HS384 and HS512 go with a secret, all others with a pemFile',
    })
  const algorithms = texts(issuer['algorithms'])
  if (alg !== undefined && algorithms.length > 0 && !namesOf(algorithms).has(alg)) {
    const hint = 'add it to the algorithms of this issuer'
    findings.push({ path: [...path, 'alg'], message: 'successors signed with this would be refused', hint })
  }
  return findings
}

/** Seconds that concurrent requests may take to arrive, including block list updates from other machines. */
const SHORTEST_OVERLAP_SEC = 2

const STRATEGIES: readonly string[] = ['ahead', 'grace', 'both']

function checkTimes(renewal: Loose, issuer: Loose, path: Path): readonly Finding[] {
  const strategy = text(renewal['strategy']) ?? 'ahead'
  const findings: Finding[] = []
  // The schema reports an unknown strategy, which may be a secret in the wrong option and must not be repeated.
  if (!STRATEGIES.includes(strategy)) return findings
  for (const [name, other] of [
    ['window', 'grace'],
    ['grace', 'ahead'],
  ] as const) {
    const given = renewal[name] !== undefined
    if (strategy !== other && !given)
      findings.push({ path, atKey: true, message: `strategy ${strategy} needs ${name}` })
    if (strategy === other && given)
      findings.push({ path: [...path, name], atKey: true, message: `has no effect with strategy ${strategy}` })
  }
  const [window = 0, grace = 0] = [seconds(renewal['window']), seconds(renewal['grace'])]
  const [lifetime, maxSession] = [seconds(renewal['lifetime']), seconds(renewal['maxSession'])]
  const tolerance = seconds(issuer['clockTolerance']) ?? 0
  const maxLifetime = seconds(issuer['maxLifetime'])
  const tell = (name: string, message: string, hint?: string) => {
    findings.push({ path: [...path, name], message, ...(hint === undefined ? {} : { hint }) })
  }
  if (strategy !== 'ahead' && renewal['grace'] !== undefined && grace <= tolerance)
    tell('grace', `must be longer than clockTolerance (${tolerance} s), which it contains`, 'or renew ahead')
  if (renewal['signingKey'] !== undefined && renewal['lifetime'] === undefined)
    findings.push({ path, atKey: true, message: 'signingKey needs lifetime: how long a successor lives' })
  if (renewal['endpoint'] !== undefined && renewal['lifetime'] !== undefined)
    tell('lifetime', 'has no effect with endpoint: there the issuer decides')
  if (lifetime !== undefined && window + grace >= lifetime)
    tell('lifetime', 'must be longer than window and grace together, or a successor could be over when it is delivered')
  if (lifetime !== undefined && maxLifetime !== undefined && lifetime > maxLifetime)
    tell('lifetime', `is longer than maxLifetime (${maxLifetime} s): successors would be refused`)
  if (lifetime !== undefined && maxSession !== undefined && maxSession < lifetime)
    tell('maxSession', 'is shorter than lifetime: no token could have a successor')
  if (lifetime === undefined && maxSession !== undefined && maxSession <= window + grace)
    tell('maxSession', 'must be longer than window and grace together')
  const overlap = seconds(renewal['overlap'])
  if (renewal['onReuse'] === 'revoke-session' && overlap !== undefined && overlap < SHORTEST_OVERLAP_SEC)
    tell(
      renewal['overlap'] === undefined ? 'onReuse' : 'overlap',
      `must be at least ${SHORTEST_OVERLAP_SEC}s with onReuse: revoke-session, which would end the session of a client whose requests pass each other on the way`,
      'give overlap some seconds',
    )
  return findings
}

function checkPublishing(renewal: Loose, routes: readonly Loose[], path: Path): readonly Finding[] {
  const jwksPath = text(renewal['jwksPath'])
  if (jwksPath === undefined) return []
  const at = [...path, 'jwksPath']
  if (options(renewal['signingKey'])['pemFile'] === undefined)
    return [{ path: at, message: 'there is no public key to publish: needs signingKey.pemFile' }]
  const taken = routes.findIndex((route) => text(route['path']) === jwksPath)
  return taken === -1 ? [] : [{ path: at, message: `routes[${taken}] answers this path already` }]
}

export function checkRenewals(
  issuers: readonly Loose[],
  { tokens, routes, ...machines }: Machines & { readonly tokens: unknown; readonly routes: readonly Loose[] },
): readonly Finding[] {
  const locations = entries(options(tokens)['from']).map(options)
  return issuers.flatMap((issuer, index): readonly Finding[] => {
    const renewal = issuer['renewal']
    if (!isOptions(renewal)) return []
    const path = ['issuers', index, 'renewal']
    const foreign: readonly Finding[] =
      issuer['issuer'] === undefined
        ? [{ path, atKey: true, message: 'tokens of anybody would be renewed: needs `issuer`, which iss must equal' }]
        : []
    return [
      ...foreign,
      ...checkMaker(renewal, issuer, path),
      ...checkSharing(renewal, machines, path),
      ...checkTimes(renewal, issuer, path),
      ...checkDelivery(renewal, { locations, routes }, path),
      ...checkPublishing(renewal, routes, path),
    ]
  })
}
