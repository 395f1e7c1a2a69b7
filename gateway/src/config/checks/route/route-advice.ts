// Advises about routes that are shadowed, that can never match, or that leave a way around a protected route.
import { authRulesOf } from './auth-rules.ts'
import { options, text, texts, type Loose } from '../loose.ts'
import type { Finding } from '../../problem.ts'
import { keepsOut } from '../../../options/route/auth-modes.ts'

interface Numbered {
  readonly route: Loose
  readonly index: number
  readonly path: string
  readonly hosts: readonly string[] | undefined
}

function segmentsOf(path: string): readonly string[] {
  return path.split('/').slice(1)
}

/** True when the first path matches every request path that the second one matches. */
export function covers(wide: string, narrow: string): boolean {
  const [outer, inner] = [segmentsOf(wide), segmentsOf(narrow)]
  const isPrefix = outer.at(-1) === '*'
  const fixed = isPrefix ? outer.slice(0, -1) : outer
  const reach = inner.at(-1) === '*' ? inner.length - 1 : inner.length
  if (isPrefix ? reach < fixed.length : inner.length !== outer.length || inner.at(-1) === '*') return false
  return fixed.every((segment, index) => segment.startsWith(':') || segment === inner[index])
}

/** True when both lists name the same host, or when both are missing. `*.example.com` means all subdomains; no list means any host. */
function hostsMeet(one: Numbered, other: Numbered): boolean {
  if (one.hosts === undefined || other.hosts === undefined) return one.hosts === other.hosts
  return one.hosts.some((host) => other.hosts?.includes(host))
}

function isOpen({ route }: Numbered): boolean {
  const rules = authRulesOf(route)
  return route['action'] === undefined && rules !== undefined && !keepsOut(rules)
}

function isProtected({ route }: Numbered): boolean {
  const rules = authRulesOf(route)
  return route['action'] === undefined && rules !== undefined && keepsOut(rules)
}

function sameUpstream(one: Numbered, other: Numbered): boolean {
  return one.route['upstream'] === other.route['upstream']
}

/** Names a route by its index. Its path or host may come from a reference and must not be repeated. */
function named({ index }: Numbered): string {
  return `routes[${index}]`
}

/** The path on which the upstream receives the request. */
function pathBehind({ route, path }: Numbered): string {
  return text(route['rewrite']) ?? path
}

/** Finds requests that belong to a protected route, but that another route forwards to the same upstream without a token. */
function holeBeside(
  guarded: Numbered,
  open: Numbered,
): { readonly message: string; readonly hint: string } | undefined {
  const { path } = guarded
  if (!sameUpstream(guarded, open)) return undefined
  if (hostsMeet(guarded, open) && !path.endsWith('/*') && path !== '/' && covers(open.path, `${path}/*`))
    return {
      message: `what lies below this path is answered by ${named(open)} without a token`,
      hint: 'with /* at its end the path takes it all',
    }
  if (guarded.hosts !== undefined && open.hosts === undefined && covers(open.path, path))
    return {
      message: `for any other host, ${named(open)} answers these paths without a token`,
      hint: 'clients choose the host they ask for: leave hosts out, or give the other route hosts too',
    }
  if (guarded.hosts === undefined && open.hosts !== undefined && covers(open.path, path))
    return {
      message: `for its hosts, ${named(open)} answers these paths without a token`,
      hint: 'routes with hosts go before those without: repeat this route for that host',
    }
  const isRewritten = open.route['rewrite'] !== undefined || guarded.route['rewrite'] !== undefined
  if (isRewritten && !covers(open.path, path) && covers(pathBehind(open), pathBehind(guarded)))
    return {
      message: `${named(open)} leads to the same paths of the upstream without a token`,
      hint: 'give it a narrower rewrite, or auth: required',
    }
  return undefined
}

function shadowOf(route: Numbered, other: Numbered): { readonly message: string; readonly hint: string } | undefined {
  if (route.hosts !== undefined || other.hosts === undefined || !covers(other.path, route.path)) return undefined
  // Then the way around the protection is reported instead.
  if (isProtected(route) && isOpen(other) && sameUpstream(route, other)) return undefined
  return {
    message: `is shadowed by ${named(other)} for the hosts of that`,
    hint: 'routes with hosts go before those without',
  }
}

function neverMatches({ route }: Numbered): string | undefined {
  const methods = route['methods']
  if (route['websocket'] === true && Array.isArray(methods) && !methods.includes('GET'))
    return 'no WebSocket can be opened: it begins with GET, which methods does not have'
  const { all, any } = options(options(route['require'])['scopes'])
  const spaced = [...texts(all), ...(texts(any).every((scope) => scope.includes(' ')) ? texts(any) : [])]
  if (spaced.some((scope) => scope.includes(' ')))
    return 'no token can have a scope with a blank: scopes are separated by blanks (RFC 6749 section 3.3)'
  return undefined
}

export function checkRouteAdvice(routes: readonly Loose[]): readonly Finding[] {
  const all = routes.map((route, index): Numbered => {
    const hosts = route['hosts'] === undefined ? undefined : texts(route['hosts'])
    return { route, index, path: text(route['path']) ?? '', hosts }
  })
  return all.flatMap((one): readonly Finding[] => {
    const path = ['routes', one.index, 'path']
    const others = all.filter((other) => other !== one)
    const never = neverMatches(one)
    const told = [
      ...(never === undefined ? [] : [{ message: never }]),
      ...others.flatMap((other) => shadowOf(one, other) ?? []),
      ...(isProtected(one) ? others.filter(isOpen).flatMap((open) => holeBeside(one, open) ?? []) : []),
    ]
    return told.map((words) => ({ severity: 'advice', path, ...words }))
  })
}
