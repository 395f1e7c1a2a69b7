// Refuses origins that no browser sends, and warns about those that include more sites than intended.
import { entries, options, texts, type Loose } from '../loose.ts'
import type { Finding, Path } from '../../problem.ts'
import { isOriginOrWildcard, isTopLevelWildcard } from '../../../accept/origins/origins.ts'

function checkOrigin(text: string, path: Path): readonly Finding[] {
  // `*` is an alternative of its own in the schema.
  if (text === '*' || !/^https?:\/\//.test(text)) return []
  if (!isOriginOrWildcard(text)) {
    return [
      {
        path,
        message: 'is no origin: scheme, host and, where it is not the usual one, port',
        hint: 'such as https://app.example.com, or https://*.example.com for all hosts below',
      },
    ]
  }
  if (!isTopLevelWildcard(text)) return []
  return [{ severity: 'warning', path, message: 'names every host below a whole top-level domain' }]
}

function checkEach(origins: unknown, path: Path): readonly Finding[] {
  return texts(origins).flatMap((text, index) => checkOrigin(text, [...path, index]))
}

function checkCors(cors: unknown, path: Path): readonly Finding[] {
  const { origins, credentials } = options(cors)
  const findings = checkEach(origins, [...path, 'origins'])
  if (credentials !== true || !texts(origins).includes('*')) return findings
  return [
    ...findings,
    {
      path: [...path, 'credentials'],
      message: 'cookies for any origin: browsers refuse it, and it would let every site act for the user',
      hint: 'name the origins',
    },
  ]
}

function checkRouteOrigins(route: Loose, index: number, tokens: unknown): readonly Finding[] {
  const { origins } = route
  const path = ['routes', index, 'origins']
  if (origins === undefined) return []
  const hasCookies = entries(options(tokens)['from']).some((location) => options(location)['cookie'] !== undefined)
  const findings = checkEach(origins, path)
  if (hasCookies) return findings
  return [
    ...findings,
    {
      severity: 'warning',
      path,
      atKey: true,
      message: 'has no effect: tokens.from names no cookie',
      hint: 'for CORS it is cors.origins',
    },
  ]
}

export function checkOrigins({
  cors,
  routes,
  tokens,
}: {
  readonly cors: unknown
  readonly routes: readonly Loose[]
  readonly tokens: unknown
}): readonly Finding[] {
  return [
    ...checkCors(cors, ['cors']),
    ...routes.flatMap((route, index) => [
      ...checkCors(route['cors'], ['routes', index, 'cors']),
      ...checkRouteOrigins(route, index, tokens),
    ]),
  ]
}
