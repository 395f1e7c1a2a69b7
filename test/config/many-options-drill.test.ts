// Configs with thousands of issuers and routes: what a reload takes grows with them, and not with their square.
import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { loadConfig } from '../../gateway/src/config/load.ts'
import { drillSize, tellFigure } from '../support/drill-size.ts'

const [FEW, TIMES] = [drillSize(300, 1000), 4]
/** Four times as many take four times as long; by pairs it would be sixteen times. */
const MOST = 9

const listed = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index))

function configOf(count: number, more: (index: number) => string): string {
  return [
    'issuers:',
    ...listed(
      count,
      (index) =>
        `  - { name: i${index}, issuer: "https://i${index}.example.com", algorithms: [RS256], audiences: [a], keys: { jwksUrl: "https://i${index}.example.com/jwks" } }`,
    ),
    'upstreams: { up: { targets: ["http://127.0.0.1:3000"] } }',
    'routes:',
    ...listed(count, (index) => `  - { path: /r${index}, upstream: up${more(index)} }`),
  ].join('\n')
}

const SHAPES: readonly (readonly [string, (index: number) => string, boolean])[] = [
  ['each route takes its own issuer', (index) => `, issuers: [i${index}]`, true],
  ['each route takes all issuers', () => '', true],
  ['issuers that no route takes, and each route has an error', () => ', issuers: [i0], surprise: 1', false],
]

for (const [name, more, ok] of SHAPES)
  t.test(name, async (t) => {
    const file = join(t.testdir({}), 'gateway.yaml')
    const cpuMs = (count: number) => {
      writeFileSync(file, configOf(count, more))
      const before = process.cpuUsage()
      t.equal(loadConfig(file, { env: {} }).ok, ok)
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1000
    }
    // The first is slow: its code is not compiled yet.
    cpuMs(FEW)
    const [few, many] = [Math.min(cpuMs(FEW), cpuMs(FEW)), Math.min(cpuMs(FEW * TIMES), cpuMs(FEW * TIMES))]
    tellFigure(`${name}: ${FEW} in ${few.toFixed(0)} ms, ${FEW * TIMES} in ${many.toFixed(0)} ms of CPU`)
    t.ok(many < MOST * few, `${(many / few).toFixed(1)} times`)
  })
