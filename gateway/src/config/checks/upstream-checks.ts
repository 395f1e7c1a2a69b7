// Options of upstreams and proxies that do not fit together.
import { entries, options, text, texts } from './loose.ts'
import type { Finding } from '../problem.ts'
import { isNetwork } from '../../message/trusted-proxies.ts'

const MAX_SOCKET_BYTES = 107

function checkTarget(target: string, path: readonly (string | number)[]): Finding[] {
  if (target.startsWith('unix:')) {
    // The kernel takes no longer one, and Node cuts it off in silence: another socket might answer.
    const isTooLong = Buffer.byteLength(target) - 'unix:'.length > MAX_SOCKET_BYTES
    return isTooLong ? [{ path, message: `names a socket with more than ${MAX_SOCKET_BYTES} bytes` }] : []
  }
  if (!URL.canParse(target)) return [{ path, vague: true, message: 'is no URL', hint: 'such as http://127.0.0.1:3001' }]
  const { username, password, pathname, search, hash } = new URL(target)
  if (username !== '' || password !== '') return [{ path, message: 'must not hold a user name or password' }]
  return pathname === '/' && search === '' && hash === ''
    ? []
    : [
        {
          path,
          message: 'must be an origin: scheme, host and port',
          hint: 'a path belongs into the rewrite of a route',
        },
      ]
}

function checkUpstream(name: string, upstream: Readonly<Record<string, unknown>>): Finding[] {
  const path = ['upstreams', name]
  const { targets, weights, tls } = upstream
  const findings = texts(targets).flatMap((target, index) => checkTarget(target, [...path, 'targets', index]))
  const count = entries(targets).length
  if (Array.isArray(weights) && weights.length !== count)
    findings.push({ path: [...path, 'weights'], message: `has ${weights.length} shares for ${count} targets` })
  const { cert, key } = options(tls)
  if ((cert === undefined) !== (key === undefined))
    findings.push({ path: [...path, 'tls'], message: 'a client certificate needs both cert and key' })
  return findings
}

export function checkUpstreams(upstreams: unknown): readonly Finding[] {
  return Object.entries(options(upstreams)).flatMap(([name, upstream]) => checkUpstream(name, options(upstream)))
}

export function checkTrustedProxies(proxy: unknown): readonly Finding[] {
  return entries(options(proxy)['trustedProxies']).flatMap((network, index): Finding[] =>
    isNetwork(text(network) ?? '')
      ? []
      : [
          {
            path: ['proxy', 'trustedProxies', index],
            message: 'is neither an address nor a network',
            hint: 'such as 10.0.0.0/8 or 192.0.2.7',
          },
        ],
  )
}
