// Binds the sockets of one address, or says in one line why not.
import cluster from 'node:cluster'
import { once } from 'node:events'
import { lookup } from 'node:dns/promises'
import { createServer, type AddressInfo, type ListenOptions, type Server, type Socket } from 'node:net'

import { CannotStart } from '../../failure.ts'
import { setPeerAddress, UNIX_PEER } from '../../message/peer-address.ts'
import type { Address, Place, PortAddress, SocketFile, SystemdSockets } from '../../options/listen/address.ts'
import { inheritedSockets } from './inherited-sockets.ts'
import { setMode, socketFault } from './socket-file.ts'

type Receive = (socket: Socket) => void

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error'
}

/** Says why a port cannot be listened on. */
export function portFault(
  { host, port }: Pick<PortAddress, 'host' | 'port'>,
  error: unknown,
  place: Place,
): CannotStart {
  const code = codeOf(error)
  const reason =
    code === 'EADDRINUSE' ? 'is in use' : code === 'EACCES' ? 'needs more rights' : `cannot be listened on (${code})`
  const name = code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' ? 'host' : 'port'
  return new CannotStart(`port ${port} of ${host} ${reason} (${place.name}.${name})`, [...place.path, name])
}

async function open(options: ListenOptions | { readonly fd: number }, receive: Receive): Promise<Server> {
  // As Node's own HTTP server does.
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  server.on('connection', receive)
  server.listen(options)
  await once(server, 'listening')
  return server
}

function closeAll(servers: readonly Server[]): void {
  for (const server of servers) server.close()
}

/** Such as `::1` where the machine has no IPv6. */
const NOT_HERE: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])

/** `localhost` is each loopback address that there is, on one port. */
async function bindPort(address: PortAddress, place: Place, receive: Receive): Promise<readonly Server[]> {
  const { host, port, ipv6Only } = address
  const servers: Server[] = []
  try {
    const hosts = host === 'localhost' ? (await lookup(host, { all: true })).map((found) => found.address) : [host]
    for (const one of hosts) {
      const taken = (servers[0]?.address() as AddressInfo | undefined)?.port ?? port
      try {
        servers.push(await open({ host: one, port: taken, ipv6Only }, receive))
      } catch (error) {
        if (servers.length === 0 || !NOT_HERE.has(codeOf(error))) throw error
      }
    }
    return servers
  } catch (error) {
    closeAll(servers)
    throw portFault(address, error, place)
  }
}

async function bindFile({ file, mode }: SocketFile, place: Place, receive: Receive): Promise<readonly Server[]> {
  const servers: Server[] = []
  try {
    servers.push(await open({ path: file }, receive))
    setMode(file, mode)
    return servers
  } catch (error) {
    closeAll(servers)
    throw new CannotStart(`${socketFault(file, codeOf(error))} (${place.name}.unix)`, [...place.path, 'unix'])
  }
}

async function bindInherited({ name }: SystemdSockets, place: Place, receive: Receive): Promise<readonly Server[]> {
  const option = [...place.path, 'systemd']
  const all = inheritedSockets(process.env)
  const mine = all.filter((socket) => socket.name === name)
  if (mine.length === 0) {
    const others = all.length === 0 ? 'it handed over none' : `it handed over ${all.map((one) => one.name).join(', ')}`
    throw new CannotStart(`systemd handed over no socket named ${name}: ${others} (${place.name}.systemd)`, option)
  }
  const servers: Server[] = []
  for (const { fd } of mine) {
    try {
      servers.push(await open({ fd }, receive))
    } catch (error) {
      closeAll(servers)
      const reason = 'is no stream socket that is open; one that a reload has closed comes back with a restart'
      throw new CannotStart(`descriptor ${fd} of systemd ${reason}: ${codeOf(error)} (${place.name}.systemd)`, option)
    }
  }
  return servers
}

/** A worker is told nothing of the address of a socket file. */
function isUnix(server: Server): boolean {
  const address = server.address()
  return typeof address === 'string' || address === null || (cluster.isWorker && address.port === undefined)
}

/** Connections over a socket file have no address: from now on they have a name instead. */
function namingPeers(receive: Receive): Receive {
  return function (this: unknown, socket) {
    if (isUnix(this as Server)) setPeerAddress(socket, UNIX_PEER)
    receive(socket)
  }
}

/** Throws CannotStart. */
export function bind(address: Address, place: Place, receive: Receive): Promise<readonly Server[]> {
  const named = address.kind === 'port' ? receive : namingPeers(receive)
  if (address.kind === 'port') return bindPort(address, place, named)
  return address.kind === 'unix' ? bindFile(address, place, named) : bindInherited(address, place, named)
}
