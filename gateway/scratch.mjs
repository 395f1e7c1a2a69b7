import { Value } from 'typebox/value'
import { readFileSync } from 'node:fs'
import { ConfigOptions } from './dist/config.js'
import { buildServer } from './dist/server.js'
import { pino } from 'pino'
const alg = process.argv[2] ?? 'RS256',
  port = Number(process.argv[3] ?? 8080)
const keys = {
  HS256: { secret: { value: 'secret-secret-secret-secret-secret' } },
  RS256: { pemFile: '/tmp/b/keys/rsa.pub.pem' },
  ES256: { pemFile: '/tmp/b/keys/ec.pub.pem' },
  EdDSA: { pemFile: '/tmp/b/keys/ed.pub.pem' },
}[alg]
const cfg = Value.Decode(
  ConfigOptions,
  Value.Default(ConfigOptions, {
    listen: { port },
    log: { access: 'off', level: 'warn' },
    issuers: [{ name: 'm', issuer: 'https://issuer.example.com/', audiences: ['api'], algorithms: [alg], keys }],
    upstreams: { u: { targets: ['http://127.0.0.1:9000'] } },
    routes: [{ path: '/*', upstream: 'u' }],
  }),
)
const g = buildServer(cfg, { log: pino({ level: 'warn' }), version: 'x', fetchJson: () => Promise.reject() })
await g.app.listen({ port, host: '127.0.0.1' })
console.log('up', process.pid)
