// What is left out for a config that is valid changes nothing in it: as the library's own decoding, which does it all.
import t from 'tap'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from 'typebox/value'

import { loadConfig } from '../../../gateway/src/config/load.ts'
import { decodeConfig } from '../../../gateway/src/config/schema/decode-config.ts'
import { ConfigOptions } from '../../../gateway/src/options/config.ts'

const ROOT = new URL('../../../', import.meta.url).pathname
const SECRET = 'hunter2-hunter2-hunter2-hunter2-'

/** With alternatives in which defaults come late, numbers out of variables, lists of one, and text that looks like a number. */
const RICH = `
listen: [{ port: "\${PORT}" }, { unix: /run/tollgate.sock, mode: "0600" }]
limits: { headerBytes: 8KiB, requestTimeout: 15s, inFlight: 100 }
revocation: { store: { redis: "redis://127.0.0.1:6379" } }
issuers:
  - name: "007"
    issuer: "12"
    audiences: [api]
    algorithms: [HS256]
    keys: { secret: { value: "\${SECRET}" } }
    renewal: { strategy: ahead, window: 1m, lifetime: 5m, maxSession: 8h, signingKey: { alg: HS256, secret: { value: "\${SECRET}" } } }
upstreams:
  up: { targets: ["http://127.0.0.1:3000"], connections: 7 }
routes:
  - path: /a/*
    upstream: up
    methods: [GET]
    require: { scopes: { all: ["1", "true"] }, claims: { "/tier": { oneOf: ["1", 1, true, 12345678901234567890] } } }
`

function casesOf(folder: string, ending: string): readonly (readonly [string, string])[] {
  const names = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(ending))
  return names.map((name) => [name, readFileSync(join(ROOT, folder, name), 'utf8').split('\n----------\n')[0] ?? ''])
}

t.test('the config is the one that Value.Decode makes', async (t) => {
  const home = t.testdir({})
  let compared = 0
  for (const [name, text] of [
    ['rich', RICH],
    ...casesOf('config', '.yaml'),
    ...casesOf('config/examples', '.yaml'),
    ...casesOf('test/config/cases', '.yaml-case'),
  ] as const) {
    const file = join(home, 'gateway.yaml')
    writeFileSync(file, text)
    let values: unknown
    const loaded = loadConfig(file, { env: { PORT: '9090', SECRET }, onValues: (given) => (values = given) })
    if (!loaded.ok) {
      if (name === 'rich') t.same(loaded.errors, [])
      continue
    }
    compared += 1
    const before = structuredClone(values)
    t.same(loaded.config, Value.Decode(ConfigOptions, values), name)
    t.same(values, before, `${name}: the values stay as they were`)
  }
  t.ok(compared > 5, `${compared} configs`)
})

t.test('values that are not valid are no config', async (t) => {
  t.throws(() => decodeConfig({ listen: { port: 'x' } }, false))
})
