// Checks the names in routes: upstreams and issuers exist, and the issuers of a route are distinguishable.
import { namesOf } from '../../../authenticate/keys/key-rules.ts'
import type { AsWritten } from '../../text/as-written.ts'
import { readsToken } from './auth-rules.ts'
import { didYouMean } from '../../schema/did-you-mean.ts'
import { text, texts, type Loose } from '../loose.ts'
import type { Finding, Path } from '../../problem.ts'

/** The names to which routes may refer; undefined when the shape is too wrong to know the names. */
export interface Nameable {
  readonly issuers: readonly Loose[] | undefined
  readonly upstreams: readonly string[] | undefined
  readonly written: AsWritten
}

interface Issuer {
  readonly options: Loose
  readonly index: number
}

function namePath({ index }: Issuer): Path {
  return ['issuers', index, 'name']
}

function quotedName(issuer: Issuer, written: AsWritten): string {
  return text(issuer.options['name']) === undefined ? `issuers[${issuer.index}]` : written.show(namePath(issuer))
}

function checkUpstream(route: Loose, at: Path, { upstreams, written }: Nameable): readonly Finding[] {
  const name = text(route['upstream'])
  if (name === undefined || upstreams === undefined || upstreams.includes(name)) return []
  const path = [...at, 'upstream']
  const all =
    upstreams.length === 0 ? undefined : `there are ${upstreams.map((known) => JSON.stringify(known)).join(', ')}`
  const meant = written.isReference(path) ? undefined : didYouMean(name, upstreams)
  return [{ path, message: `there is no upstream ${written.show(path)}`, hint: meant ?? all }]
}

function checkIssuerNames(route: Loose, at: Path, issuers: readonly Issuer[], written: AsWritten): readonly Finding[] {
  const named = issuers.filter(({ options }) => text(options['name']) !== undefined)
  const all = named.length === 0 ? undefined : `there are ${named.map((one) => quotedName(one, written)).join(', ')}`
  // Suggests only names that are written in the file, because a reference must not be resolved in a message.
  const plain = named.flatMap((one) => (written.isReference(namePath(one)) ? [] : (text(one.options['name']) ?? [])))
  return texts(route['issuers']).flatMap((name, position) => {
    if (named.some(({ options }) => options['name'] === name)) return []
    const path = [...at, 'issuers', position]
    const meant = written.isReference(path) ? undefined : didYouMean(name, plain)
    return [{ path, message: `there is no issuer ${written.show(path)}`, hint: meant ?? all }]
  })
}

/** Issuers are selected by the claim iss and then by algorithm: two issuers that share both are ambiguous. */
function checkTellable(accepted: readonly Issuer[], path: Path, written: AsWritten): readonly Finding[] {
  const findings: Finding[] = []
  if (accepted.length > 1) {
    for (const issuer of accepted.filter(({ options }) => options['issuer'] === undefined)) {
      const message = `issuer ${quotedName(issuer, written)} has no \`issuer\`, so it can only serve a route alone`
      findings.push({ path, message, hint: 'give it `issuer`, or name one issuer in the route' })
    }
  }
  accepted.forEach((issuer, position) => {
    const names = namesOf(texts(issuer.options['algorithms']))
    const rival = accepted
      .slice(0, position)
      .find(
        ({ options }) =>
          options['issuer'] !== undefined &&
          options['issuer'] === issuer.options['issuer'] &&
          [...namesOf(texts(options['algorithms']))].some((name) => names.has(name)),
      )
    if (rival === undefined) return
    const rivals = `${quotedName(rival, written)} and ${quotedName(issuer, written)}`
    const message = `issuers ${rivals} have the same \`issuer\` and an algorithm in common`
    findings.push({ path, message, hint: 'a token could not be given to one of them' })
  })
  return findings
}

function checkWithoutAuth(route: Loose, at: Path): readonly Finding[] {
  return ['require', 'issuers', 'claimHeaders']
    .filter((key) => route[key] !== undefined)
    .map((key) => ({
      path: [...at, key],
      atKey: true,
      message: `has no effect with auth: ${String(route['auth'])}`,
      hint: 'leave it out, or use auth: required or optional',
    }))
}

function isTaken(route: Loose, issuer: Loose): boolean {
  if (!readsToken(route)) return false
  return route['issuers'] === undefined || texts(route['issuers']).includes(text(issuer['name']) ?? '')
}

/** Warns about issuers and upstreams that no route uses, most often because of a misspelt name. */
function checkUnused(routes: readonly Loose[], { issuers = [], upstreams = [] }: Nameable): readonly Finding[] {
  if (routes.length === 0) return []
  const idle = upstreams.filter((name) => !routes.some((route) => route['upstream'] === name))
  const unheard = issuers.flatMap((issuer, index) =>
    text(issuer['name']) === undefined || routes.some((route) => isTaken(route, issuer)) ? [] : [index],
  )
  return [
    ...idle.map((name): Finding => ({
      severity: 'warning',
      path: ['upstreams', name],
      atKey: true,
      presumes: ['routes'],
      message: 'no route leads to this upstream',
    })),
    ...unheard.map((index): Finding => ({
      severity: 'warning',
      path: ['issuers', index, 'name'],
      presumes: ['routes'],
      message: 'no route takes tokens of this issuer',
    })),
  ]
}

export function checkRouteIssuers(routes: readonly Loose[], nameable: Nameable): readonly Finding[] {
  const { issuers: all, written } = nameable
  const issuers = all?.map((options, index): Issuer => ({ options, index }))
  const each = routes.flatMap((route, index) => {
    const at = ['routes', index]
    const findings = checkUpstream(route, at, nameable)
    if (issuers === undefined) return findings
    if (!readsToken(route))
      return [...findings, ...checkIssuerNames(route, at, issuers, written), ...checkWithoutAuth(route, at)]
    if (issuers.length === 0)
      return [
        ...findings,
        { path: at, message: 'needs tokens, but no issuers are configured', hint: 'add issuers, or auth: none' },
      ]
    const names = route['issuers']
    const accepted = issuers.filter(
      ({ options }) => names === undefined || texts(names).includes(text(options['name']) ?? ''),
    )
    return [
      ...findings,
      ...checkIssuerNames(route, at, issuers, written),
      ...checkTellable(accepted, names === undefined ? [...at, 'path'] : [...at, 'issuers'], written),
    ]
  })
  return [...each, ...checkUnused(routes, nameable)]
}
