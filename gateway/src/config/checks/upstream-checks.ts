// Checks options of upstreams and proxies that do not fit together.
import { entries, options, text, texts, type Loose } from './loose.ts'
import type { Finding, Path } from '../problem.ts'
import { counted } from '../text/counted.ts'
import { isNetwork } from '../../message/trusted-proxies.ts'

const MAX_SOCKET_BYTES = 107

function checkTarget(target: string, path: readonly (string | number)[]): Finding[] {
  if (target.startsWith('unix:')) {
    // The kernel accepts no longer path, and Node truncates it silently, which could connect to another socket.
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
    findings.push({
      path: [...path, 'weights'],
      message: `has ${counted(weights.length, 'share')} for ${counted(count, 'target')}`,
    })
  const { cert, key } = options(tls)
  if ((cert === undefined) !== (key === undefined))
    findings.push({ path: [...path, 'tls'], message: 'a client certificate needs both cert and key' })
  if (tls !== undefined && !texts(targets).some((target) => target.startsWith('https:')))
    findings.push(pointless([...path, 'tls'], 'has no effect: no target begins with https'))
  return findings
}

function pointless(path: Path, message: string): Finding {
  return { severity: 'warning', path, atKey: true, message }
}

export function checkUpstreams(upstreams: unknown): readonly Finding[] {
  return Object.entries(options(upstreams)).flatMap(([name, upstream]) => checkUpstream(name, options(upstream)))
}

/** With transport: undici, the connect timeout of a route has no effect. */
export function checkRouteConnect(routes: readonly Loose[], upstreams: unknown): readonly Finding[] {
  return routes.flatMap((route, index): Finding[] => {
    const { transport } = options(options(upstreams)[text(route['upstream']) ?? ''])
    if (transport !== 'undici' || options(route['timeouts'])['connect'] === undefined) return []
    return [pointless(['routes', index, 'timeouts', 'connect'], 'has no effect with transport: undici')]
  })
}

export function checkNetwork(network: string, path: Path): readonly Finding[] {
  if (!isNetwork(network))
    return [
      {
        path,
        message: 'is neither an address nor a network',
        hint: 'such as 10.0.0.0/8 or 192.0.2.7; "unix:" for socket files',
      },
    ]
  if (!network.endsWith('/0')) return []
  const hint = 'name the load balancers, or the network that they alone are in'
  return [{ severity: 'warning', path, message: 'is everybody: each client says itself which address it has', hint }]
}

export function checkProxy(proxy: unknown): readonly Finding[] {
  const { trustedProxies, clientAddress } = options(proxy)
  const networks = entries(trustedProxies)
  const unasked: readonly Finding[] =
    clientAddress === 'forwarded' && networks.length === 0
      ? [pointless(['proxy', 'clientAddress'], 'has no effect without trustedProxies: the client is the peer')]
      : []
  return [
    ...networks.flatMap((network, index) => checkNetwork(text(network) ?? '', ['proxy', 'trustedProxies', index])),
    ...unasked,
  ]
}
