// Numbers in conditions on claims mean what is written, not the nearest double.
import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { loadConfig } from '../../../gateway/src/config/load.ts'

const SECRET = 'a-secret-of-at-least-thirty-two-bytes'

t.test('a number that a double would alter is kept by its digits, every other one is a number', async (t) => {
  const file = join(t.testdir({}), 'c.yaml')
  const read = (condition: string) => {
    writeFileSync(
      file,
      `issuers: [{ name: a, issuer: i, audiences: [b], algorithms: [HS256], keys: { secret: { value: ${SECRET} } } }]
upstreams: { up: { targets: [http://127.0.0.1:1] } }
routes: [{ path: /a, upstream: up, require: { any: [{ claims: { /n: ${condition} } }] } }]`,
    )
    const loaded = loadConfig(file, { env: { BIG: '12345678901234567890' } })
    return loaded.ok ? loaded.config.routes[0]?.require?.any?.[0]?.claims?.['/n'] : loaded.errors
  }
  const cases: readonly (readonly [string, unknown])[] = [
    ['12345678901234567890', { number: '12345678901234567890' }],
    ['-9007199254740993', { number: '-9007199254740993' }],
    ['+12345678901234567890', { number: '12345678901234567890' }],
    ['0012345678901234567890', { number: '12345678901234567890' }],
    ['0xFFFFFFFFFFFFFFFF', { number: '18446744073709551615' }],
    ['0o1777777777777777777777', { number: '18446744073709551615' }],
    ['.1000000000000000055511151231257827', { number: '0.1000000000000000055511151231257827' }],
    ['12345678901234567890.', { number: '12345678901234567890' }],
    ['1.e400', { number: '1e400' }],
    ['1e400', { number: '1e400' }],
    ['-0.00000000000000000000001e-400', { number: '-0.00000000000000000000001e-400' }],
    ['9007199254740992', 9007199254740992],
    ['0xFF', 255],
    ['1.50', 1.5],
    ['1e2', 100],
    ['"12345678901234567890"', '12345678901234567890'],
    ['"${BIG}"', '12345678901234567890'],
    ['{ number: "1e2" }', { number: '1e2' }],
  ]
  for (const [written, expected] of cases) {
    t.same(read(`{ equals: ${written} }`), { equals: expected }, written)
    t.same(read(`{ oneOf: [x, ${written}] }`), { oneOf: ['x', expected] }, written)
  }
})
