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

/** The issuers of a config by name, as each route asks for some of thousands. */
class Issuers {
  readonly all: readonly Issuer[]
  readonly #written: AsWritten
  readonly #byName = new Map<string, Issuer[]>()
  #hints: { readonly all: string | undefined; readonly plain: readonly string[] } | undefined
  #faultsOfAll: readonly Fault[] | undefined

  constructor(all: readonly Loose[], written: AsWritten) {
    this.all = all.map((options, index) => ({ options, index }))
    this.#written = written
    for (const issuer of this.all) {
      const name = text(issuer.options['name']) ?? ''
      const others = this.#byName.get(name)
      if (others === undefined) this.#byName.set(name, [issuer])
      else others.push(issuer)
    }
  }

  has(name: string): boolean {
    return this.#byName.get(name)?.some(({ options }) => options['name'] === name) === true
  }

  /** In the order of the config. */
  named(names: readonly string[]): readonly Issuer[] {
    return [...new Set(names)]
      .flatMap((name) => this.#byName.get(name) ?? [])
      .toSorted((one, other) => one.index - other.index)
  }

  /** What is wrong with a route that takes all. */
  get faultsOfAll(): readonly Fault[] {
    return (this.#faultsOfAll ??= tellableFaults(this.all, this.#written))
  }

  get hints() {
    return (this.#hints ??= this.#hintsOf(this.all.filter(({ options }) => text(options['name']) !== undefined)))
  }

  #hintsOf(named: readonly Issuer[]) {
    const written = this.#written
    return {
      all: named.length === 0 ? undefined : `there are ${named.map((one) => quotedName(one, written)).join(', ')}`,
      // Suggests only names that are written in the file, because a reference must not be resolved in a message.
      plain: named.flatMap((one) => (written.isReference(namePath(one)) ? [] : (text(one.options['name']) ?? []))),
    }
  }
}

function checkIssuerNames(route: Loose, at: Path, issuers: Issuers, written: AsWritten): readonly Finding[] {
  return texts(route['issuers']).flatMap((name, position) => {
    if (issuers.has(name)) return []
    const path = [...at, 'issuers', position]
    const { all, plain } = issuers.hints
    const meant = written.isReference(path) ? undefined : didYouMean(name, plain)
    return [{ path, message: `there is no issuer ${written.show(path)}`, hint: meant ?? all }]
  })
}

type Fault = Omit<Finding, 'path'>

/** Issuers are selected by the claim iss and then by algorithm: two issuers that share both are ambiguous. */
function tellableFaults(accepted: readonly Issuer[], written: AsWritten): readonly Fault[] {
  const faults: Fault[] = []
  if (accepted.length > 1) {
    for (const issuer of accepted.filter(({ options }) => options['issuer'] === undefined)) {
      const message = `issuer ${quotedName(issuer, written)} has no \`issuer\`, so it can only serve a route alone`
      faults.push({ message, hint: 'give it `issuer`, or name one issuer in the route' })
    }
  }
  const byIss = new Map<unknown, Issuer[]>()
  for (const issuer of accepted) {
    const iss = issuer.options['issuer']
    if (iss === undefined) continue
    const before = byIss.get(iss) ?? []
    const names = namesOf(texts(issuer.options['algorithms']))
    const rival = before.find(({ options }) =>
      [...namesOf(texts(options['algorithms']))].some((name) => names.has(name)),
    )
    byIss.set(iss, before)
    before.push(issuer)
    if (rival === undefined) continue
    const rivals = `${quotedName(rival, written)} and ${quotedName(issuer, written)}`
    const message = `issuers ${rivals} have the same \`issuer\` and an algorithm in common`
    faults.push({ message, hint: 'a token could not be given to one of them' })
  }
  return faults
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

/** Warns about issuers and upstreams that no route uses, most often because of a misspelt name. */
function checkUnused(routes: readonly Loose[], { issuers = [], upstreams = [] }: Nameable): readonly Finding[] {
  if (routes.length === 0) return []
  const used = new Set(routes.map((route) => route['upstream']))
  const reading = routes.filter(readsToken)
  const isEachTaken = reading.some((route) => route['issuers'] === undefined)
  const taken = new Set(reading.flatMap((route) => texts(route['issuers'])))
  const idle = upstreams.filter((name) => !used.has(name))
  const unheard = issuers.flatMap(({ name }, index) =>
    text(name) === undefined || isEachTaken || taken.has(text(name) ?? '') ? [] : [index],
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
  const issuers = all === undefined ? undefined : new Issuers(all, written)
  const each = routes.flatMap((route, index) => {
    const at = ['routes', index]
    const findings = checkUpstream(route, at, nameable)
    if (issuers === undefined) return findings
    if (!readsToken(route))
      return [...findings, ...checkIssuerNames(route, at, issuers, written), ...checkWithoutAuth(route, at)]
    if (issuers.all.length === 0)
      return [
        ...findings,
        { path: at, message: 'needs tokens, but no issuers are configured', hint: 'add issuers, or auth: none' },
      ]
    const names = route['issuers']
    const faults = names === undefined ? issuers.faultsOfAll : tellableFaults(issuers.named(texts(names)), written)
    const path = [...at, names === undefined ? 'path' : 'issuers']
    return [
      ...findings,
      ...checkIssuerNames(route, at, issuers, written),
      ...faults.map((fault): Finding => ({ path, ...fault })),
    ]
  })
  return [...each, ...checkUnused(routes, nameable)]
}
