import t from 'tap'

import { AUTH_MODES, keepsOut, type AuthMode } from '../../gateway/src/options/route/auth-modes.ts'
import { startAskable } from '../support/ask-gateway.ts'
import { signHmac } from '../support/tokens.ts'

interface Case {
  /** The own answer of the gateway, or whom the upstream is told: undefined where it is told nothing. */
  readonly none: string | boolean | undefined
  readonly bad: string | boolean | undefined
  readonly good: string | boolean | undefined
  /** What is counted for a bad token. */
  readonly counted: string | undefined
}

/** By mode, so that the compiler asks for a new one here, too. */
const CASES: Readonly<Record<AuthMode, Case>> = {
  required: {
    none: '401 token_missing',
    bad: '401 token_malformed',
    good: true,
    counted: 'code="token_malformed",enforced="true"',
  },
  optional: {
    none: false,
    bad: '401 token_malformed',
    good: true,
    counted: 'code="token_malformed",enforced="true"',
  },
  none: { none: undefined, bad: undefined, good: undefined, counted: undefined },
  'report-only': { none: false, bad: false, good: true, counted: 'code="token_malformed",enforced="false"' },
}

for (const [auth, wanted] of Object.entries(CASES)) {
  t.test(`auth: ${auth} does what its row says`, async (t) => {
    const { ask, upstream, gateway } = await startAskable(t, [{ path: '/*', upstream: 'up', auth }])
    async function outcome(token: string | undefined): Promise<string | boolean | undefined> {
      const before = upstream.requests.length
      const answer = await ask('/x', { headers: token === undefined ? '' : `Authorization: Bearer ${token}\r\n` })
      const request = upstream.requests[before]
      if (request === undefined) return answer
      const result = request.headers['x-auth-result']
      return result === undefined
        ? undefined
        : (JSON.parse(Buffer.from(String(result), 'base64url').toString()) as { authenticated: boolean }).authenticated
    }
    t.equal(await outcome(undefined), wanted.none, 'without a token')
    t.equal(await outcome('junk'), wanted.bad, 'with a bad one')
    t.equal(await outcome(await signHmac()), wanted.good, 'with a good one')
    const metrics = await gateway.metrics.text()
    if (wanted.counted === undefined) t.notMatch(metrics, 'code="token_malformed"')
    else t.match(metrics, `tollgate_decisions_total{route="/*",${wanted.counted}} 1`)
  })
}

t.test('only required keeps out who has no valid token', async (t) => {
  t.same(
    Object.entries(AUTH_MODES).flatMap(([name, rules]) => (keepsOut(rules) ? [name] : [])),
    ['required'],
  )
})
