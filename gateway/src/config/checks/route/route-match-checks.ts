// Checks what a route matches besides its path: methods exist, and a request can name the hosts.
import { METHODS } from 'node:http'

import type { AsWritten } from '../../text/as-written.ts'
import { didYouMean } from '../../schema/did-you-mean.ts'
import { entries, text, type Loose } from '../loose.ts'
import type { Finding } from '../../problem.ts'
import { hostPatternOf } from '../../../accept/routes/host-name.ts'

/** The shapes that the schema allows. It reports other shapes itself. */
const METHOD = /^[A-Z-]+$/
const HOST = /^(\*\.)?[a-z0-9._-]+$|^\[[0-9a-f:.]+\]$/

function checkMethod(method: string): Omit<Finding, 'path'> | undefined {
  if (!METHOD.test(method)) return undefined
  if (method === 'CONNECT') return { message: 'CONNECT asks for a tunnel, and no route makes one' }
  if (METHODS.includes(method)) return undefined
  return { message: 'there is no such method, so no request can have it', hint: didYouMean(method, METHODS) }
}

function checkHost(host: string): Omit<Finding, 'path'> | undefined {
  if (!HOST.test(host)) return undefined
  const name = hostPatternOf(host)
  if (name === undefined) return { message: 'is no host that a request can name' }
  return name === host ? undefined : { message: 'is another spelling of a host', hint: `write ${name}` }
}

/** Checks each entry. The message never repeats the value of a reference. */
function checkEach(
  list: unknown,
  at: readonly (string | number)[],
  check: (value: string) => Omit<Finding, 'path'> | undefined,
  written: AsWritten,
): readonly Finding[] {
  return entries(list).flatMap((entry, index): Finding[] => {
    const value = text(entry)
    const found = value === undefined ? undefined : check(value)
    if (found === undefined) return []
    const path = [...at, index]
    return [written.isReference(path) ? { path, message: found.message } : { path, ...found }]
  })
}

export function checkRouteMatch(route: Loose, index: number, written: AsWritten): readonly Finding[] {
  const at = ['routes', index]
  return [
    ...checkEach(route['methods'], [...at, 'methods'], checkMethod, written),
    ...checkEach(route['hosts'], [...at, 'hosts'], checkHost, written),
  ]
}
