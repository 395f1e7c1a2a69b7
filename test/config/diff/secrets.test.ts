// Two configs that differ in a secret, in every place that may hold one: that it differs is told, and nothing of its value.
import t from 'tap'

import { diffConfigs, hasDifferences } from '../../../gateway/src/config/diff/config-diff.ts'
import { ADDRESSES, issuer, KINDS, renewal, routes, SECRET, upstreams, url } from '../../support/secret-options.ts'
import { testConfig } from '../../support/test-gateway.ts'

type Options = Record<string, unknown>

function told(before: Options, after: Options) {
  return diffConfigs(testConfig({ upstreams, routes, ...before }), testConfig({ upstreams, routes, ...after }))
}

/** The same config with another secret in each place. */
function withSecret<Value>(options: Value, secret: string): Value {
  return JSON.parse(JSON.stringify(options).replaceAll(SECRET, secret)) as Value
}

t.test('a secret that differs is told by its name, whatever the place, and never by its value', async (t) => {
  const [one, other] = [`${SECRET}-1`, `${SECRET}-2`]
  for (const [where, options] of Object.entries({ ...KINDS, ...ADDRESSES })) {
    const diff = told(withSecret(options, one), withSecret(options, other))
    const text = JSON.stringify(diff)
    t.ok(hasDifferences(diff), `${where}: it is a difference`)
    t.match(text, /"secret":true/, where)
    t.notMatch(text, SECRET, where)
    for (const [before, after] of [
      [options, {}],
      [{}, options],
    ] as const) {
      const moved = told(before, after)
      t.ok(hasDifferences(moved), where)
      t.notMatch(JSON.stringify(moved), SECRET, `${where}: there or not`)
    }
  }
})

t.test('a secret in a list whose length differs is not told either', async (t) => {
  const keys = (...secrets: string[]) =>
    issuer(
      url,
      renewal({
        signingKey: { alg: 'HS256', pemFile: '/k' },
        verificationKeys: secrets.map((value) => ({ alg: 'HS256', secret: { value, encoding: 'utf8' } })),
      }),
    )
  const text = JSON.stringify(told(keys(`${SECRET}-1`), keys(`${SECRET}-1`, `${SECRET}-2`)))
  t.match(text, /verificationKeys/)
  t.notMatch(text, SECRET)
})
