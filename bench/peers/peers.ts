// Who is compared: each peer with what it needs, how it starts, and whose tokens it verifies.
import { haproxyConfig, nginxLua, nginxNjs, nginxPlain } from './native-configs.ts'
import { installNodePeers, peerScript } from './node-peers.ts'
import { startNginx } from '../harness/backend.ts'
import { freePort } from '../harness/free-port.ts'
import { missingLine, NEEDS } from '../harness/installed.ts'
import { nodeServer, PROXY_CORE, startServer, type Server } from '../harness/server.ts'
import { writeWork } from '../harness/work-directory.ts'
import { startFloor } from '../load/start-floor.ts'
import { startTollgate } from '../load/tollgate.ts'
import { ALGORITHMS, type BenchAlgorithm, type BenchKeys } from '../verify/keys-and-tokens.ts'

export type KeysByAlgorithm = Readonly<Record<BenchAlgorithm, BenchKeys>>

export interface Peer {
  readonly name: string
  /** One word or two on what it is, for the table. */
  readonly kind: 'floor' | 'Tollgate' | 'native' | 'Node' | 'limit'
  /** Undefined: it verifies nothing, and is compared with Tollgate on RS256. */
  readonly algorithm: BenchAlgorithm | undefined
  /** Why it cannot be measured here, with the line that mends it. */
  missing(): string | undefined
  start(upstream: string, keys: KeysByAlgorithm): Promise<Server>
}

const nothingMissing = () => undefined

function tollgate(algorithm: BenchAlgorithm): Peer {
  const name = `Tollgate ${algorithm}`
  return {
    name,
    kind: 'Tollgate',
    algorithm,
    missing: nothingMissing,
    start: (upstream, keys) => startTollgate({ name, upstream, keys: [keys[algorithm]] }),
  }
}

function haproxy(algorithm: 'HS256' | 'RS256' | 'ES256'): Peer {
  const name = `HAProxy jwt_verify ${algorithm}`
  return {
    name,
    kind: 'native',
    algorithm,
    missing: () => missingLine([NEEDS.haproxy]),
    async start(upstream, keys) {
      const port = await freePort()
      const args = ['-db', '-f', haproxyConfig(port, upstream, keys[algorithm])]
      return startServer({ name, command: 'haproxy', args, core: PROXY_CORE, port })
    },
  }
}

function nginx(
  name: string,
  { algorithm, config, ...rest }: Pick<Peer, 'kind' | 'algorithm' | 'missing'> & { readonly config: typeof nginxPlain },
): Peer {
  return {
    name,
    algorithm,
    ...rest,
    async start(upstream) {
      const port = await freePort()
      return startNginx(name, PROXY_CORE, port, config(port, upstream))
    },
  }
}

function nodePeer(name: string, script: string): Peer {
  return {
    name,
    kind: 'Node',
    algorithm: 'RS256',
    missing: installNodePeers,
    async start(upstream, keys) {
      const key = writeWork('peer-key.pem', keys.RS256.publicPem ?? '')
      return nodeServer(peerScript(script), name, await freePort(), [upstream, key])
    },
  }
}

export const FLOOR = 'floor: node:http + undici, no auth'
export const FASTIFY = '@fastify/http-proxy + @fastify/jwt, cached, RS256'
export const EXPRESS = 'Express + express-jwt, RS256'

export const peers: readonly Peer[] = [
  { name: FLOOR, kind: 'floor', algorithm: undefined, missing: nothingMissing, start: startFloor },
  ...ALGORITHMS.map(tollgate),
  ...(['HS256', 'RS256', 'ES256'] as const).map(haproxy),
  nginx('nginx, no auth', {
    kind: 'native',
    algorithm: undefined,
    missing: () => missingLine([NEEDS.nginx]),
    config: nginxPlain,
  }),
  nginx('nginx + njs HS256', {
    kind: 'native',
    algorithm: 'HS256',
    missing: () => missingLine([NEEDS.nginx, NEEDS.njs]),
    config: nginxNjs,
  }),
  nginx('nginx + Lua, cached check by hand, HS256', {
    kind: 'limit',
    algorithm: 'HS256',
    missing: () => missingLine([NEEDS.nginx, NEEDS.lua, NEEDS.luaCache]),
    config: nginxLua,
  }),
  nodePeer(FASTIFY, 'fastify-http-proxy.mjs'),
  nodePeer('fast-gateway + express-jwt, RS256', 'fast-gateway.mjs'),
  nodePeer(EXPRESS, 'express.mjs'),
]
