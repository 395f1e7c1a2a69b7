// Mounts WebSocket routes: the gateway completes the handshake with the upstream, then @fastify/http-proxy passes messages.
import httpProxy from '@fastify/http-proxy'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { connect } from 'node:net'
import type { Duplex } from 'node:stream'

import type { Admitted } from '../admitted.ts'
import { DialedConnection } from './dialed-connection.ts'
import { Exchange } from '../exchange.ts'
import { factsOf, type ForwardPolicy } from '../forward.ts'
import { createNextToken } from '../streams/stream-renewal.ts'
import { addToSwitchingHead, linesForClient } from './switching-head.ts'
import { chosenProtocol, handshakeProblem, prepareHandshake } from './websocket-handshake.ts'
import { linkWebSockets, type Peer } from './websocket-link.ts'
import type { RecordedRequest } from '../../accept/request-record.ts'
import type { AuthResult } from '../../authenticate/auth-result.ts'
import { keepEarlyBytes } from '../../message/connection/early-bytes.ts'

/** An admitted handshake of a client. */
export interface AdmittedUpgrade extends Admitted {
  readonly policy: ForwardPolicy
  /** The subprotocol that carried the token. It is the chosen one for the client when the upstream chooses none. */
  readonly tokenProtocol: string | undefined
}

/** The route of Fastify that receives upgrades. */
export interface UpgradeMount {
  readonly url: string
  readonly constraints: Readonly<Record<string, string>>
}

/** An upgraded connection to the upstream, until the plugin has linked its two WebSockets. */
interface Dialed {
  readonly connection: DialedConnection
  /** Closes the upstream's side when the client disconnects before the plugin has linked both. */
  readonly closeUpstream: () => void
  readonly clientConnection: Duplex
  readonly protocol: string | undefined
  readonly caller: AuthResult | undefined
  readonly location: Admitted['location']
  readonly policy: ForwardPolicy
}

/** Links the plugin's two WebSockets. Returns a function that ends the link at shutdown. */
function link({ connection, clientConnection, ...dialed }: Dialed, client: Peer, upstream: Peer): () => void {
  const { caller, location, policy } = dialed
  const { watch, closeCode, isStillGood, streams } = policy
  clientConnection.off('close', dialed.closeUpstream)
  return linkWebSockets(
    { peer: client, connection: clientConnection },
    { peer: upstream, connection },
    {
      watch,
      closeCode,
      nextToken: streams === undefined ? undefined : createNextToken(caller, location, streams),
      isStillGood:
        caller?.authenticated === true && isStillGood !== undefined
          ? (wallMs) => isStillGood(caller, wallMs)
          : undefined,
    },
  )
}

const KEEP_ALIVE_MS = 60_000

/** Starts the byte counts of the WebSocket at the switch. */
function noteSwitch({ record, socket }: RecordedRequest): void {
  if (record === undefined) return
  record.onHead()
  record.bytesIn = -socket.bytesRead
  record.bytesOut = -socket.bytesWritten
}

/**
 * Creates the mount for all WebSocket routes. The plugin would answer the client's handshake before it dials the upstream, which
 * may refuse it. So `preHandler` dials, and the plugin's client uses that connection. A ticket, used as the host name of the
 * plugin's upstream URL, identifies the dialed connection; it never leaves the process.
 */
export function createWebSocketMount(
  maxMessageBytes: number,
  upgradeOf: (request: FastifyRequest) => AdmittedUpgrade,
): (scope: FastifyInstance, mount: UpgradeMount) => void {
  const tickets = new Map<string, Dialed>()
  const ticketOf = new WeakMap<object, string>()
  const links = new Set<() => void>()
  let issued = 0

  function dial(upgrade: AdmittedUpgrade, done: (dialed: Dialed) => void): void {
    const { request, strip, policy } = upgrade
    const { transport, filter, rewrite } = policy
    const { socket: clientConnection } = request
    // A WebSocket client cannot be half-closed, and Node has detached its listeners after the upgrade.
    if (clientConnection.readableEnded) {
      clientConnection.destroy()
      return
    }
    const returnEarlyBytes = keepEarlyBytes(clientConnection)
    const onClientEnd = () => {
      clientConnection.destroy()
    }
    clientConnection.on('end', onClientEnd)
    const headers = filter.toUpstream(request.rawHeaders, request.headers.connection, factsOf(upgrade, policy))
    const target = strip === undefined ? upgrade.target : strip(headers, upgrade.target)
    policy.editRequest?.(headers, upgrade)
    const handshake = prepareHandshake(headers)
    const admitted: Admitted = {
      ...upgrade,
      onUpgrade(rawHeaders, connection) {
        const protocol = chosenProtocol(handshake, rawHeaders)
        if (protocol instanceof Error) return protocol
        const told = protocol ?? upgrade.tokenProtocol
        const dialed = new DialedConnection(connection, told)
        clientConnection.off('end', onClientEnd)
        returnEarlyBytes()
        const closeUpstream = () => {
          dialed.destroy()
        }
        clientConnection.on('close', closeUpstream)
        clientConnection.setKeepAlive(true, KEEP_ALIVE_MS)
        noteSwitch(upgrade.request)
        addToSwitchingHead(clientConnection, linesForClient(filter, rawHeaders, upgrade.requestId))
        done({
          connection: dialed,
          closeUpstream,
          clientConnection,
          protocol: told,
          caller: upgrade.caller,
          location: upgrade.location,
          policy,
        })
        return undefined
      },
    }
    transport.send(
      {
        method: 'GET',
        path: rewrite.toUpstream(target),
        headers,
        body: null,
        upgrade: 'websocket',
        connectTimeoutMs: policy.connectTimeoutMs,
        headersTimeoutMs: policy.headersTimeoutMs,
      },
      new Exchange(policy, admitted),
    )
  }

  return function mount(scope, { url, constraints }) {
    scope.addHook('preClose', (done) => {
      for (const end of links) end()
      done()
    })
    void scope.register(httpProxy, {
      upstream: '',
      websocket: true,
      routes: [url],
      httpMethods: ['GET'],
      constraints,
      // The dialed request has the path. The plugin's own rewrite is unused, and would refuse some safe paths.
      preRewrite: () => '/',
      preHandler(request, reply, done) {
        const upgrade = upgradeOf(request)
        const { answer } = upgrade.policy
        const problem = handshakeProblem(request.raw)
        if (problem !== undefined) {
          reply.hijack()
          const { code, detail, headers } = problem
          answer(reply.raw, code, upgrade.requestId, { detail, headers })
        } else {
          dial(upgrade, (dialed) => {
            issued += 1
            const ticket = `dialed-${issued}.invalid`
            tickets.set(ticket, dialed)
            ticketOf.set(request.raw, ticket)
            dialed.connection.on('close', () => tickets.delete(ticket))
            reply.raw.statusCode = 101
            done()
          })
        }
      },
      replyOptions: { getUpstream: ({ raw }) => `http://${ticketOf.get(raw) ?? 'nobody'}` },
      wsServerOptions: {
        maxPayload: maxMessageBytes,
        perMessageDeflate: false,
        autoPong: false,
        handleProtocols: (_offered, request) => tickets.get(ticketOf.get(request) ?? '')?.protocol ?? false,
      },
      wsClientOptions: {
        maxPayload: maxMessageBytes,
        perMessageDeflate: false,
        autoPong: false,
        // Node needs only a Duplex here; the types of ws demand a Socket.
        createConnection: connectionFor as unknown as typeof connect,
      },
      wsHooks: {
        onConnect(_context, source, target) {
          const dialed = tickets.get(new URL(target.url).hostname)
          if (dialed === undefined) return
          const end = link(dialed, source, target)
          links.add(end)
          source.on('close', () => links.delete(end))
        },
      },
    })
  }

  function connectionFor({ host }: { readonly host: string }): Duplex {
    const dialed = tickets.get(host)
    if (dialed === undefined) throw new Error('the client left while its WebSocket was opened')
    return dialed.connection
  }
}
