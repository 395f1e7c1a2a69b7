// With a schema of its own: the words must fit options that nobody has written yet.
import t from 'tap'
import { Type } from 'typebox'

import { createAsWritten } from '../../../gateway/src/config/text/as-written.ts'
import { didYouMean } from '../../../gateway/src/config/schema/did-you-mean.ts'
import { pathText } from '../../../gateway/src/config/problem.ts'
import { applySchema } from '../../../gateway/src/config/schema/schema-findings.ts'
import { asNode } from '../../../gateway/src/config/schema/schema-walk.ts'
import { Duration, Options } from '../../../gateway/src/options/kinds.ts'

const Schema = Options(
  {
    workers: Type.Union([Type.Integer({ minimum: 1, maximum: 64 }), Type.Enum(['auto'])], {
      description: 'Processes.',
    }),
    store: Type.Union([
      Type.Enum(['memory']),
      Options({ level: Type.String() }, { description: 'A folder.' }),
      Options(
        { redis: Type.String(), ttl: Duration({ description: 'Time.', default: '5m' }) },
        { description: 'A server.' },
      ),
    ]),
    mode: Type.Optional(Type.Literal('fast', { description: 'Mode.' })),
    ratio: Type.Optional(Type.Number({ maximum: 1, description: 'Ratio.' })),
    token: Type.Optional(Type.String({ writeOnly: true, minLength: 20, description: 'Token.' })),
    byName: Type.Optional(
      Type.Record(Type.String({ pattern: '^/' }), Options({ on: Type.Boolean() }, { description: 'X.' })),
    ),
  },
  { description: 'All.' },
)

function told(value: Record<string, unknown>, written = value): string[] {
  const { findings } = applySchema(Schema, structuredClone(value), createAsWritten(written, asNode(Schema)))
  return findings.map(
    ({ path, message, hint }) => `${pathText(path)}: ${message}${hint === undefined ? '' : ` (${hint})`}`,
  )
}

const RIGHT = { workers: 'auto', store: 'memory' }

t.test('a value that fits no alternative is one finding that names them all', async (t) => {
  t.same(told(RIGHT), [])
  t.same(told({ ...RIGHT, workers: 'many' }), ['workers: must be a number from 1 to 64 or auto (Processes.)'])
  for (const store of ['disk', 1, { levl: 1 }, []])
    t.same(told({ ...RIGHT, store }), ['store: must be memory or { level } or { redis, ttl }'], JSON.stringify(store))
})

t.test('where it is seen which alternative was meant, what is wrong with it is told', async (t) => {
  t.same(told({ ...RIGHT, store: { redis: 5 } }), ['store.redis: must be text'])
  t.same(told({ ...RIGHT, store: { redis: 'r', ttl: 5 } }), [
    'store.ttl: must be a duration (write it with a unit, such as 30s)',
  ])
})

t.test('what an alternative is wrong about does not hide what is wrong elsewhere', async (t) => {
  t.same(told({ workers: 0, store: 'memory', mode: 'slow', ratio: 2, byName: { '/a': {} } }), [
    'workers: must be a number from 1 to 64 or auto (Processes.)',
    'mode: must be fast',
    'ratio: must be at most 1',
    'byName["/a"]: on is missing',
  ])
})

t.test('a secret is not shown, neither its text nor the default of its reference', async (t) => {
  const written = { ...RIGHT, token: '${TOKEN:-hunter2}' }
  t.same(told({ ...RIGHT, token: 'hunter2' }, written), ['token: must not be empty text, got what is written here'])
})

t.test('a suggestion is made for a slip, and not for another word', async (t) => {
  const known = ['timeouts', 'targets', 'tls', 'a']
  t.equal(didYouMean('timeuot', known), 'did you mean "timeouts"?')
  t.equal(didYouMean('Targets', known), 'did you mean "targets"?')
  t.equal(didYouMean('lts', known), 'did you mean "tls"?')
  t.equal(didYouMean('b', known), undefined)
  t.equal(didYouMean('connections', known), undefined)
  t.equal(didYouMean('t'.repeat(100_000), known), undefined)
})
