// Checks the addresses of the listeners: they are valid, and no two listeners share one.
import { isIP } from 'node:net'

import { options, text, type Loose } from './loose.ts'
import type { Finding } from '../problem.ts'

const NAME = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/
const EVERYWHERE = new Set(['0.0.0.0', '::'])

function checkHost(name: string, listener: Loose): readonly Finding[] {
  const host = text(listener['host'])
  if (host === undefined || isIP(host) !== 0 || NAME.test(host)) return []
  const hint = 'such as 127.0.0.1, or 0.0.0.0 for all; the port is an option of its own'
  return [{ path: [name, 'host'], message: 'must be an address or a name, alone', hint }]
}

function addressOf(host: unknown): unknown {
  return host === 'localhost' ? '127.0.0.1' : host
}

function meet(one: Loose, other: Loose): boolean {
  const [first, second] = [addressOf(one['host']), addressOf(other['host'])]
  // Port 0 is a different port each time.
  if (one['port'] !== other['port'] || one['port'] === 0 || typeof one['port'] !== 'number') return false
  return first === second || [first, second].some((host) => EVERYWHERE.has(text(host) ?? ''))
}

export function checkListeners(listen: unknown, admin: unknown): readonly Finding[] {
  const [proxy, changes] = [options(listen), options(admin)]
  const both: readonly Finding[] = meet(proxy, changes)
    ? [{ path: ['admin', 'port'], message: 'is the port of the proxy too (listen.port): each needs one of its own' }]
    : []
  return [...checkHost('listen', proxy), ...checkHost('admin', changes), ...both]
}
