// Refuses two routes that match the same requests.
import { text, texts, type Loose } from '../loose.ts'
import type { Finding } from '../../problem.ts'
import { pathFault } from './route-path-checks.ts'

/** True when the lists have a common member, or when both are missing. For hosts, a missing list and a list never overlap. */
function overlap(a: unknown, b: unknown): boolean {
  return a === undefined || b === undefined ? a === b : texts(a).some((name) => texts(b).includes(name))
}

function methodsOverlap(a: unknown, b: unknown): boolean {
  return a === undefined || b === undefined || overlap(a, b)
}

/** The path without parameter names, which tell no two routes apart. */
export function shapeOf(path: string): string {
  return path.replace(/:[^/]+/g, ':')
}

/** Reports routes for the same requests. Routes with hosts take precedence over those without, so the two kinds never conflict. */
export function checkRouteConflicts(routes: readonly Loose[]): readonly Finding[] {
  const byShape = new Map<string, { readonly route: Loose; readonly index: number }[]>()
  const findings: Finding[] = []
  routes.forEach((route, index) => {
    const path = text(route['path'])
    if (path === undefined || pathFault(path) !== undefined) return
    const earlier = byShape.get(shapeOf(path)) ?? []
    const rival = earlier.find(
      ({ route: other }) =>
        overlap(other['hosts'], route['hosts']) && methodsOverlap(other['methods'], route['methods']),
    )
    if (rival !== undefined) {
      findings.push({
        path: ['routes', index, 'path'],
        message: `answers the same requests as routes[${rival.index}]`,
        hint: 'give them different methods or hosts, or remove one',
      })
    }
    byShape.set(shapeOf(path), [...earlier, { route, index }])
  })
  return findings
}
