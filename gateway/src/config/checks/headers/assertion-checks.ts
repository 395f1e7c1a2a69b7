// Checks the assertion: audiences of upstreams that are there, claims that are copied and not said by the gateway, a free path.
import { entries, isOptions, options, text, texts, type Loose } from '../loose.ts'
import type { Finding } from '../../problem.ts'
import { didYouMean } from '../../schema/did-you-mean.ts'
import { OWN_CLAIMS } from '../../../forward/headers/assertion.ts'

function checkClaims(assertion: Loose): readonly Finding[] {
  return texts(assertion['claims']).flatMap((name, index) =>
    OWN_CLAIMS.has(name)
      ? [{ path: ['assertion', 'claims', index], message: `${name} is what the gateway says itself: leave it out` }]
      : [],
  )
}

function checkAudiences(assertion: Loose, upstreams: readonly string[]): readonly Finding[] {
  return Object.keys(options(assertion['audiences'])).flatMap((name): Finding[] =>
    upstreams.includes(name)
      ? []
      : [
          {
            path: ['assertion', 'audiences', name],
            atKey: true,
            message: 'there is no such upstream',
            hint: didYouMean(name, upstreams),
          },
        ],
  )
}

function checkPath(assertion: Loose, config: Loose, routes: readonly Loose[]): readonly Finding[] {
  const jwksPath = text(assertion['jwksPath'])
  if (jwksPath === undefined) return []
  const path = ['assertion', 'jwksPath']
  const route = routes.findIndex((other) => text(other['path']) === jwksPath)
  if (route !== -1) return [{ path, message: `routes[${route}] answers this path already` }]
  const taken = entries(config['issuers']).some(
    (issuer) => text(options(options(issuer)['renewal'])['jwksPath']) === jwksPath,
  )
  return taken ? [{ path, message: 'the keys of renewals are published there already' }] : []
}

export function checkAssertion(config: Loose, routes: readonly Loose[]): readonly Finding[] {
  const { assertion, upstreams } = config
  if (!isOptions(assertion)) return []
  const names = isOptions(upstreams) ? Object.keys(upstreams) : undefined
  return [
    ...checkClaims(assertion),
    ...(names === undefined ? [] : checkAudiences(assertion, names)),
    ...checkPath(assertion, config, routes),
  ]
}
