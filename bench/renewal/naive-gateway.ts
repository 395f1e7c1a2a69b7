// A small gateway as people write one, with one of three policies of renewal: Fastify's neighbours, Redis, and a few lines.
import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'

import { createSigner, createVerifier } from 'fast-jwt'
import { Redis } from 'ioredis'
import { Pool } from 'undici'

import { GRACE_SEC, LIFETIME_SEC, OVERLAP_MS, WINDOW_SEC, type Policy } from './rules.ts'

interface Claims {
  readonly exp: number
  readonly [name: string]: unknown
}

const [policy, upstreamUrl = '', redisUrl = '', keyFile = ''] = process.argv.slice(2) as [Policy, ...string[]]
const [privatePem, publicPem] = [
  readFileSync(`${keyFile}.private.pem`, 'utf8'),
  readFileSync(`${keyFile}.public.pem`, 'utf8'),
]
const verify = createVerifier({ key: publicPem, algorithms: ['RS256'], cache: 10_000, ignoreExpiration: true })
const sign = createSigner({ key: privatePem, algorithm: 'RS256', kid: 'bench' })
const redis = new Redis(redisUrl)
const upstream = new Pool(upstreamUrl, { connections: 128 })
const counts = { signed: 0, redis: 0 }

function mint(claims: Claims): string {
  const nowSec = Math.floor(Date.now() / 1000)
  counts.signed += 1
  return sign({ ...claims, iat: nowSec, exp: nowSec + LIFETIME_SEC, jti: randomUUID() })
}

function ask<Answer>(question: Promise<Answer>): Promise<Answer> {
  counts.redis += 1
  return question
}

const idOf = (token: string) => createHash('sha256').update(token).digest('base64url')
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Undefined: refused. Otherwise the successor, '' where none is due. */
type Decide = (token: string, claims: Claims, nowSec: number) => string | undefined | Promise<string | undefined>

const POLICIES: Record<Exclude<Policy, 'tollgate'>, Decide> = {
  // Expired tokens pass for a while, and each request with one brings a new token.
  'naive-grace': (_token, claims, nowSec) => {
    if (nowSec < claims.exp) return ''
    return nowSec < claims.exp + GRACE_SEC ? mint(claims) : undefined
  },

  // In its last seconds a token is exchanged: a new one is minted, and the old one goes on the block list in Redis.
  'naive-ahead': async (token, claims, nowSec) => {
    if (nowSec >= claims.exp) return undefined
    const id = idOf(token)
    if ((await ask(redis.exists(`blocked:${id}`))) === 1) return undefined
    if (nowSec < claims.exp - WINDOW_SEC) return ''
    await ask(redis.set(`blocked:${id}`, '1', 'EX', LIFETIME_SEC))
    return mint(claims)
  },

  // The same with a lock: one request mints, the others wait for its token; the old one is blocked after an overlap.
  'redis-lock': async (token, claims, nowSec) => {
    if (nowSec >= claims.exp) return undefined
    const id = idOf(token)
    const blockedFrom = await ask(redis.get(`blocked:${id}`))
    if (blockedFrom !== null && Date.now() >= Number(blockedFrom)) return undefined
    if (nowSec < claims.exp - WINDOW_SEC) return ''
    const known = await ask(redis.get(`successor:${id}`))
    if (known !== null) return known
    if ((await ask(redis.set(`lock:${id}`, '1', 'PX', 5000, 'NX'))) === 'OK') {
      const successor = mint(claims)
      await ask(redis.set(`successor:${id}`, successor, 'EX', LIFETIME_SEC))
      await ask(redis.set(`blocked:${id}`, String(Date.now() + OVERLAP_MS), 'EX', LIFETIME_SEC))
      return successor
    }
    for (let tries = 0; tries < 50; tries += 1) {
      await pause(10)
      const successor = await ask(redis.get(`successor:${id}`))
      if (successor !== null) return successor
    }
    return ''
  },
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const token = request.headers.authorization?.slice(7) ?? ''
  let claims: Claims
  try {
    claims = verify(token) as Claims
  } catch {
    response.writeHead(401).end()
    return
  }
  const successor = await POLICIES[policy as keyof typeof POLICIES](token, claims, Date.now() / 1000)
  if (successor === undefined) {
    response.writeHead(401).end()
    return
  }
  const { statusCode, headers, body } = await upstream.request({
    method: 'GET',
    path: request.url ?? '/',
    headers: { 'x-auth-result': Buffer.from(JSON.stringify(claims)).toString('base64url') },
  })
  const renewed = successor === '' ? {} : { 'x-renewed-token': successor, 'cache-control': 'no-store' }
  response.writeHead(statusCode, { 'content-type': String(headers['content-type']), ...renewed })
  response.end(Buffer.from(await body.arrayBuffer()))
}

const server = createServer((request, response) => {
  serve(request, response).catch(() => {
    response.writeHead(502).end()
  })
})
process.on('message', () => process.send?.(counts))
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
