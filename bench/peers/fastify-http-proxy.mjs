// @fastify/http-proxy behind @fastify/jwt, with the cache that @fastify/jwt offers: as its documentation writes it.
import httpProxy from '@fastify/http-proxy'
import jwt from '@fastify/jwt'
import { fastify } from 'fastify'

import { asHeader, AUDIENCE, ISSUER, settings } from './verifying-proxy.mjs'

const app = fastify({ logger: false })
await app.register(jwt, {
  secret: { public: settings.key },
  verify: { algorithms: ['RS256'], allowedIss: ISSUER, allowedAud: AUDIENCE, cache: 10_000 },
})
await app.register(httpProxy, {
  upstream: settings.upstream,
  undici: { connections: 128, pipelining: 1 },
  preHandler: (request) => request.jwtVerify(),
  replyOptions: {
    rewriteRequestHeaders: (request, headers) => ({ ...headers, 'x-userinfo': asHeader(request.user) }),
  },
})
await app.listen({ port: settings.port, host: '127.0.0.1' })
