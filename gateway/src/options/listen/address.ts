// Where a listener listens: a port of an address, a socket file, or the sockets that systemd hands over.
import { isIPv6 } from 'node:net'

import { DEFAULT_HOST, DEFAULT_PORT, type ListenerOptions } from './listen.ts'

export interface PortAddress {
  readonly kind: 'port'
  /** Without brackets. */
  readonly host: string
  readonly port: number
  readonly ipv6Only: boolean
}

export interface SocketFile {
  readonly kind: 'unix'
  readonly file: string
  /** Permissions of the file. */
  readonly mode: number
}

export interface SystemdSockets {
  readonly kind: 'systemd'
  readonly name: string
}

export type Address = PortAddress | SocketFile | SystemdSockets

/** Where a listener stands in the config. */
export interface Place {
  readonly path: readonly (string | number)[]
  /** As messages name it: `listen`, or `listen[1]` where there are several. */
  readonly name: string
}

export function placeOf(index: number, count: number): Place {
  return { path: ['listen', index], name: count === 1 ? 'listen' : `listen[${index}]` }
}

type AddressOptions = Pick<ListenerOptions, 'host' | 'port' | 'ipv6Only' | 'unix' | 'mode' | 'systemd'>

const DEFAULT_MODE = '0660'

export function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}

export function addressOf(listener: AddressOptions): Address {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, ipv6Only = false, unix, mode = DEFAULT_MODE, systemd } = listener
  if (unix !== undefined) return { kind: 'unix', file: unix, mode: Number.parseInt(mode, 8) }
  if (systemd !== undefined) return { kind: 'systemd', name: systemd }
  return { kind: 'port', host: withoutBrackets(host), port, ipv6Only }
}

/** As in a URL. */
export function shownAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.file}`
  if (address.kind === 'systemd') return `systemd:${address.name}`
  const { host, port } = address
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** `::` takes the connections of IPv4 as well, unless it leaves them out. */
function covers({ host, ipv6Only }: PortAddress, other: string): boolean {
  if (host === '::') return isIPv6(other) || !ipv6Only
  return host === '0.0.0.0' && !isIPv6(other)
}

/** Whether the kernel lets only one of them listen. Port 0 is a different one each time. */
export function meet(one: Address, other: Address): boolean {
  if (one.kind === 'unix' && other.kind === 'unix') return one.file === other.file
  if (one.kind === 'systemd' && other.kind === 'systemd') return one.name === other.name
  if (one.kind !== 'port' || other.kind !== 'port' || one.port !== other.port || one.port === 0) return false
  const [first, second] = [one, other].map(({ host }) => (host === 'localhost' ? '127.0.0.1' : host)) as [
    string,
    string,
  ]
  return first === second || covers(one, second) || covers(other, first)
}
