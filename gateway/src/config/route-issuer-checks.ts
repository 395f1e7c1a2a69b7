// The names in routes: upstreams and issuers that exist, and issuers that can be told apart.
import { didYouMean } from './did-you-mean.ts'
import { text, texts, type Loose } from './loose.ts'
import type { Finding, Path } from './problem.ts'

function unknownName(kind: string, name: string, known: readonly string[], path: Path): Finding {
  return {
    path,
    message: `there is no ${kind} ${JSON.stringify(name)}`,
    hint: didYouMean(name, known) ?? (known.length === 0 ? undefined : `there are ${known.join(', ')}`),
  }
}

/** Tokens are given to an issuer by iss, and then by algorithm: two that share both cannot be told apart. */
function checkTellable(accepted: readonly Loose[], path: Path): readonly Finding[] {
  const findings: Finding[] = []
  if (accepted.length > 1) {
    for (const issuer of accepted.filter(({ issuer }) => issuer === undefined)) {
      const message = `issuer ${text(issuer['name']) ?? ''} has no \`issuer\`, so it can only serve a route alone`
      findings.push({ path, message, hint: 'give it `issuer`, or name one issuer in the route' })
    }
  }
  accepted.forEach((issuer, index) => {
    const rival = accepted
      .slice(0, index)
      .find((other) => other['issuer'] !== undefined && other['issuer'] === issuer['issuer'])
    const shared = texts(issuer['algorithms']).filter((algorithm) => texts(rival?.['algorithms']).includes(algorithm))
    if (rival === undefined || shared.length === 0) return
    const names = `${text(rival['name']) ?? ''} and ${text(issuer['name']) ?? ''}`
    findings.push({
      path,
      message: `issuers ${names} have the same \`issuer\` and share ${shared.join(', ')}`,
      hint: 'a token could not be given to one of them',
    })
  })
  return findings
}

function checkRoute(
  route: Loose,
  index: number,
  issuers: readonly Loose[],
  upstreams: readonly string[],
): readonly Finding[] {
  const at = ['routes', index]
  const findings: Finding[] = []
  const upstream = text(route['upstream'])
  if (upstream !== undefined && !upstreams.includes(upstream))
    findings.push(unknownName('upstream', upstream, upstreams, [...at, 'upstream']))

  const known = issuers.flatMap(({ name }) => text(name) ?? [])
  const named = texts(route['issuers'])
  named.forEach((name, position) => {
    if (!known.includes(name)) findings.push(unknownName('issuer', name, known, [...at, 'issuers', position]))
  })

  if (route['auth'] === 'none') {
    for (const key of ['require', 'issuers'].filter((name) => route[name] !== undefined)) {
      findings.push({
        path: [...at, key],
        atKey: true,
        message: `${key} has no effect with auth: none`,
        hint: 'leave it out, or use auth: required or optional',
      })
    }
    return findings
  }
  if (issuers.length === 0)
    return [
      ...findings,
      { path: at, message: 'needs tokens, but no issuers are configured', hint: 'add issuers, or auth: none' },
    ]
  const accepted = issuers.filter(({ name }) => route['issuers'] === undefined || named.includes(text(name) ?? ''))
  return [
    ...findings,
    ...checkTellable(accepted, route['issuers'] === undefined ? [...at, 'path'] : [...at, 'issuers']),
  ]
}

export function checkRouteIssuers(
  routes: readonly Loose[],
  issuers: readonly Loose[],
  upstreams: readonly string[],
): readonly Finding[] {
  return routes.flatMap((route, index) => checkRoute(route, index, issuers, upstreams))
}
