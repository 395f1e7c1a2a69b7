// Checks the addresses of the listeners: each is one, it is valid, and no two listeners share one.
import { isIP, isIPv6 } from 'node:net'

import { addressOf, meet, withoutBrackets, type Address } from '../../options/listen/address.ts'
import { entries, isOptions, options, text, type Loose } from './loose.ts'
import type { Finding, Path } from '../problem.ts'
import { checkNetwork } from './upstream-checks.ts'

const NAME = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/
/** sun_path of unix(7), with a zero at its end. */
const MAX_SOCKET_BYTES = 107

interface Listener {
  readonly path: Path
  readonly given: Loose
}

function checkHost({ path, given }: Listener): readonly Finding[] {
  const host = text(given['host'])
  const bare = host === undefined || path[0] === 'admin' ? host : withoutBrackets(host)
  if (host === undefined || isIP(bare ?? '') !== 0 || NAME.test(host)) return []
  const hint = 'such as 127.0.0.1, or 0.0.0.0 for all; the port is an option of its own'
  return [{ path: [...path, 'host'], message: 'must be an address or a name, alone', hint }]
}

/** An option that says something about another kind of address. */
function checkKind({ path, given }: Listener): readonly Finding[] {
  const has = (name: string) => given[name] !== undefined
  const kind = ['unix', 'systemd'].find(has)
  const strangers =
    kind === undefined ? ['mode'] : ['host', 'port', 'ipv6Only', 'systemd', ...(kind === 'unix' ? [] : ['mode'])]
  return strangers
    .filter((name) => name !== kind && has(name))
    .map((name) => ({
      path: [...path, name],
      atKey: true,
      message:
        kind === undefined
          ? `${name} goes with unix only`
          : `${name} does not go with ${kind}: a listener has one address`,
    }))
}

function checkSocketFile({ path, given }: Listener): readonly Finding[] {
  const file = text(given['unix'])
  if (file === undefined || Buffer.byteLength(file) <= MAX_SOCKET_BYTES) return []
  const message = `is too long for a socket file: as an absolute path it may have ${MAX_SOCKET_BYTES} bytes`
  return [{ path: [...path, 'unix'], message }]
}

function checkFamily({ path, given }: Listener): readonly Finding[] {
  const host = text(given['host'])
  if (given['ipv6Only'] === undefined || given['unix'] !== undefined || given['systemd'] !== undefined) return []
  if (host !== undefined && isIPv6(withoutBrackets(host))) return []
  const message = 'goes with an IPv6 address as host only'
  return [{ path: [...path, 'ipv6Only'], message, hint: 'such as host: "::"' }]
}

function checkProxyPeers({ path, given }: Listener): readonly Finding[] {
  return entries(options(given['proxyProtocol'])['from']).flatMap((network, index) =>
    checkNetwork(text(network) ?? '', [...path, 'proxyProtocol', 'from', index]),
  )
}

const TYPES: Readonly<Record<string, string>> = {
  ...{ host: 'string', unix: 'string', systemd: 'string', mode: 'string', port: 'number', ipv6Only: 'boolean' },
}

/** Undefined where a part of it is of a wrong type, which the schema tells. */
function readAddress(given: Loose): Address | undefined {
  const isRight = Object.entries(TYPES).every(
    ([name, type]) => given[name] === undefined || typeof given[name] === type,
  )
  return isRight ? addressOf(given) : undefined
}

function shownPath(path: Path): string {
  return path.map((step) => (typeof step === 'number' ? `[${step}]` : step)).join('')
}

function wordOf(address: Address): string {
  if (address.kind === 'port') return 'port'
  return address.kind === 'unix' ? 'unix' : 'systemd'
}

function checkMeetings(listeners: readonly Listener[], admin: Listener): readonly Finding[] {
  // The default of its port is filled in wherever its options are options.
  const all = admin.given['port'] === undefined ? listeners : [...listeners, admin]
  const named = all.map((listener) => ({ ...listener, address: readAddress(listener.given) }))
  return named.flatMap(({ address, path }, index): readonly Finding[] => {
    const before = named
      .slice(0, index)
      .find((other) => address !== undefined && other.address !== undefined && meet(other.address, address))
    if (address === undefined || before === undefined) return []
    const word = wordOf(address)
    if (path[0] === 'admin') {
      const message = `is the port of the proxy too (${shownPath(before.path)}.port): each needs one of its own`
      return [{ path: ['admin', 'port'], message }]
    }
    const both = [before.address, address].some((one) => one?.kind === 'port' && one.host === '::' && !one.ipv6Only)
    return [
      {
        path: [...path, ...(named[index]?.given[word] === undefined ? [] : [word])],
        message: `meets ${shownPath(before.path)}: each listener needs an address of its own`,
        ...(both ? { hint: '"::" takes IPv4 too; with ipv6Only: true it does not' } : {}),
      },
    ]
  })
}

export function checkListeners(listen: unknown, admin: unknown): readonly Finding[] {
  const listeners: readonly Listener[] = Array.isArray(listen)
    ? listen.flatMap((given, index) => (isOptions(given) ? [{ path: ['listen', index], given }] : []))
    : [{ path: ['listen'], given: options(listen) }]
  const ofAdmin = { path: ['admin'], given: options(admin) }
  return [
    ...[...listeners, ofAdmin].flatMap(checkHost),
    ...listeners.flatMap((listener) => [
      ...checkKind(listener),
      ...checkSocketFile(listener),
      ...checkFamily(listener),
      ...checkProxyPeers(listener),
    ]),
    ...checkMeetings(listeners, ofAdmin),
  ]
}
