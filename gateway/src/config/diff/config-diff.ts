// Compares two loaded configs: routes, upstreams, issuers and listeners that came, went or changed, and all other options.
import { isDeepStrictEqual } from 'node:util'

import { addressOf, shownAddress } from '../../options/listen/address.ts'
import type { Config } from '../../options/config.ts'
import { shapeOf } from '../checks/route/route-conflicts.ts'
import { CONFIG_SHAPE } from '../shown-config.ts'
import { optionChanges, type OptionChange } from './option-changes.ts'
import { partChanges, type PartChanges, type PartKind } from './part-changes.ts'

type Route = Config['routes'][number]
type Issuer = Config['issuers'][number]
type Listener = Config['listen'][number]

/** The requests that a route is for. */
export interface RouteName {
  readonly path: string
  readonly methods?: readonly string[]
  readonly hosts?: readonly string[]
}

export interface Named {
  readonly name: string
}

export interface AtAddress {
  readonly address: string
}

export interface ConfigDiff {
  readonly routes: PartChanges<RouteName>
  readonly upstreams: PartChanges<Named>
  readonly issuers: PartChanges<Named>
  readonly listeners: PartChanges<AtAddress>
  readonly options: readonly OptionChange[]
}

/** Where the files are is no option of the gateway: what they hold is compared. */
const PARTS: ReadonlySet<string> = new Set(['routes', 'upstreams', 'issuers', 'listen', 'include'])

const membersOf = (part: string) => CONFIG_SHAPE.member(part).member(0)

function routeName({ path, methods, hosts }: Route): RouteName {
  return { path, ...(methods === undefined ? {} : { methods }), ...(hosts === undefined ? {} : { hosts }) }
}

const anyOrder = (names: readonly string[] | undefined) => names && [...names].sort()

/** As the router has it: a path without the names of parameters, its hosts and its methods. Two that differ in one are looked for too. */
const ROUTES: PartKind<Route, RouteName> = {
  shape: membersOf('routes'),
  nameOf: routeName,
  keys: [
    ({ path, hosts, methods }) => JSON.stringify([shapeOf(path), anyOrder(hosts), anyOrder(methods)]),
    ({ path, hosts }) => JSON.stringify([shapeOf(path), anyOrder(hosts)]),
    ({ path, methods }) => JSON.stringify([shapeOf(path), anyOrder(methods)]),
  ],
}

const ISSUERS: PartKind<Issuer, Named> = {
  shape: membersOf('issuers'),
  nameOf: ({ name }) => ({ name }),
  keys: [({ name }) => name],
}

const addressText = (listener: Listener) => shownAddress(addressOf(listener))

/** Several may have port 0, which is another one for each: what is equal is the same one. */
const LISTENERS: PartKind<Listener, AtAddress> = {
  shape: membersOf('listen'),
  nameOf: (listener) => ({ address: addressText(listener) }),
  keys: [(listener) => JSON.stringify(listener), addressText],
}

/** Without their names, which would stand in the path of each option. */
function upstreamChanges(before: Config['upstreams'], after: Config['upstreams']): PartChanges<Named> {
  const shape = CONFIG_SHAPE.member('upstreams')
  const only = (one: Config['upstreams'], other: Config['upstreams']) =>
    Object.keys(one).flatMap((name) => (Object.hasOwn(other, name) ? [] : [{ name }]))
  const changed = Object.entries(before).flatMap(([name, one]) => {
    const options = Object.hasOwn(after, name) ? optionChanges(shape.member(name), one, after[name]) : []
    return options.length === 0 ? [] : [{ name, options }]
  })
  return { added: only(after, before), removed: only(before, after), changed }
}

/** Of two issuers with one `iss` the first that has the algorithm counts. */
function orderChange(before: Config, after: Config): readonly OptionChange[] {
  const names = (config: Config) => config.issuers.map(({ name }) => name)
  const [from, to] = [names(before), names(after)]
  const isIn = (list: readonly string[]) => {
    const known = new Set(list)
    return (name: string) => known.has(name)
  }
  const isSame = isDeepStrictEqual(from.filter(isIn(to)), to.filter(isIn(from)))
  return isSame ? [] : [{ option: 'issuers (their order)', from, to }]
}

function otherOptions(config: Config): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(config).filter(([name]) => !PARTS.has(name)))
}

/** What is no route, upstream, issuer or listener. */
export function otherChanges(before: Config, after: Config): readonly OptionChange[] {
  return optionChanges(CONFIG_SHAPE, otherOptions(before), otherOptions(after))
}

/** Secrets are compared and not told. The order of routes says nothing, so it is no difference. */
export function diffConfigs(before: Config, after: Config): ConfigDiff {
  return {
    routes: partChanges(before.routes, after.routes, ROUTES),
    upstreams: upstreamChanges(before.upstreams, after.upstreams),
    issuers: partChanges(before.issuers, after.issuers, ISSUERS),
    listeners: partChanges(before.listen, after.listen, LISTENERS),
    options: [...otherChanges(before, after), ...orderChange(before, after)],
  }
}

export function hasDifferences({ options, ...parts }: ConfigDiff): boolean {
  return (
    options.length > 0 ||
    Object.values(parts).some(({ added, removed, changed }) => added.length + removed.length + changed.length > 0)
  )
}
