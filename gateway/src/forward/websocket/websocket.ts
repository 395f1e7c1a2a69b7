// WebSocket routes: the gateway dials the upstream, then @fastify/http-proxy speaks the protocol on both sides.
import httpProxy from '@fastify/http-proxy'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { connect } from 'node:net'
import type { Duplex } from 'node:stream'

import type { Admitted } from '../admitted.ts'
import { DialedConnection } from './dialed-connection.ts'
import { Exchange } from '../exchange.ts'
import { factsOf, type ForwardPolicy } from '../forward.ts'
import { createNextToken } from '../streams/stream-renewal.ts'
import { addToSwitchingHead, linesForClient } from './switching-head.ts'
import { chosenProtocol, handshakeProblem, prepareHandshake, VERSION } from './websocket-handshake.ts'
import { linkWebSockets } from './websocket-link.ts'
import type { RecordedRequest } from '../../accept/request-record.ts'
import type { AuthResult } from '../../authenticate/auth-result.ts'
import { keepEarlyBytes } from '../../message/early-bytes.ts'

/** An admitted handshake of a client. */
export interface AdmittedUpgrade extends Admitted {
  readonly policy: ForwardPolicy
  /** The subprotocol that carried the token: the client is told that one when the upstream chose none. */
  readonly tokenProtocol: string | undefined
}

/** Where the framework takes upgrades. */
export interface UpgradeMount {
  readonly url: string
  readonly constraints: Readonly<Record<string, string>>
}

/** An upstream that agreed, until the plugin has its two WebSockets. */
interface Dialed {
  readonly connection: DialedConnection
  /** The plugin may never come to link the two: until it does, the client's end is the upstream's. */
  readonly letGo: () => void
  readonly clientConnection: Duplex
  readonly protocol: string | undefined
  readonly caller: AuthResult | undefined
  readonly location: Admitted['location']
  readonly policy: ForwardPolicy
}

const KEEP_ALIVE_MS = 60_000

/** From here on, all bytes of the connection are those of the WebSocket. */
function noteSwitch({ record, socket }: RecordedRequest): void {
  if (record === undefined) return
  record.onHead()
  record.bytesIn = -socket.bytesRead
  record.bytesOut = -socket.bytesWritten
}

/** RFC 6455 section 4.4; and a 426 names what is to be switched to (RFC 9110 section 15.5.22). */
const SPOKEN_VERSION = {
  headers: ['sec-websocket-version', VERSION, 'upgrade', 'websocket', 'connection', 'upgrade, close'],
}

/**
 * Mounts the WebSockets of all routes. The plugin's own order (101 first, then dial, with the first subprotocol offered) would
 * promise what the upstream may refuse: so `preHandler` dials, and the plugin's client finds its connection made. Each
 * dialed connection has a ticket, the host name of the address that the plugin is given; it never leaves the process.
 */
export function createWebSocketMount(
  maxMessageBytes: number,
  admittedOf: (request: FastifyRequest, reply: FastifyReply) => AdmittedUpgrade,
): (scope: FastifyInstance, mount: UpgradeMount) => void {
  const tickets = new Map<string, Dialed>()
  const ticketOf = new WeakMap<object, string>()
  const links = new Set<() => void>()
  let issued = 0

  function dial(upgrade: AdmittedUpgrade, done: (dialed: Dialed) => void): void {
    const { request, strip, policy } = upgrade
    const { transport, filter, rewrite } = policy
    const { socket: clientConnection } = request
    // Half-closed connections are for clients of HTTP, and after the upgrade nobody else looks for the end.
    if (clientConnection.readableEnded) {
      clientConnection.destroy()
      return
    }
    const giveBack = keepEarlyBytes(clientConnection)
    const leave = () => {
      clientConnection.destroy()
    }
    clientConnection.on('end', leave)
    const headers = filter.toUpstream(request.rawHeaders, request.headers.connection, factsOf(upgrade, policy))
    const target = strip === undefined ? upgrade.target : strip(headers, upgrade.target)
    const handshake = prepareHandshake(headers)
    const admitted: Admitted = {
      ...upgrade,
      onUpgrade(rawHeaders, connection) {
        const protocol = chosenProtocol(handshake, rawHeaders)
        if (protocol instanceof Error) return protocol
        const told = protocol ?? upgrade.tokenProtocol
        const dialed = new DialedConnection(connection, told)
        clientConnection.off('end', leave)
        giveBack()
        const letGo = () => {
          dialed.destroy()
        }
        clientConnection.on('close', letGo)
        clientConnection.setKeepAlive(true, KEEP_ALIVE_MS)
        noteSwitch(upgrade.request)
        addToSwitchingHead(clientConnection, linesForClient(filter, rawHeaders, upgrade.requestId))
        done({
          connection: dialed,
          letGo,
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
      // The path is dialed already; what the plugin makes of it is not used, and it would refuse some that are safe.
      preRewrite: () => '/',
      preHandler(request, reply, done) {
        const upgrade = admittedOf(request, reply)
        const { answer } = upgrade.policy
        const problem = handshakeProblem(request.raw)
        if (problem !== undefined) {
          reply.hijack()
          answer(reply.raw, problem, upgrade.requestId, problem === 'websocket_version' ? SPOKEN_VERSION : {})
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
        // A Duplex is all that Node asks of this option; the types of ws ask for more.
        createConnection: connectionFor as unknown as typeof connect,
      },
      wsHooks: {
        onConnect(_context, source, target) {
          const dialed = tickets.get(new URL(target.url).hostname)
          if (dialed === undefined) return
          const { caller, location, policy } = dialed
          const { watch, closeCode, isStillGood } = policy
          dialed.clientConnection.off('close', dialed.letGo)
          const end = linkWebSockets(
            { peer: source, connection: dialed.clientConnection },
            { peer: target, connection: dialed.connection },
            {
              watch,
              closeCode,
              nextToken: policy.streams === undefined ? undefined : createNextToken(caller, location, policy.streams),
              isStillGood:
                caller?.authenticated === true && isStillGood !== undefined
                  ? (wallMs) => isStillGood(caller, wallMs)
                  : undefined,
            },
          )
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
