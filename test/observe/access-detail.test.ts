// Why a request was refused is in its access line, for who reads the log at level info.
import t from 'tap'

import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { requestLines } from '../support/told.ts'
import { goodClaims, hmacIssuer, nowSec, signHmac, signText } from '../support/tokens.ts'
import { waitFor } from '../support/wait-for.ts'

t.test(
  'a refused request says why in its access line, and no line has a token that is where none belongs',
  async (t) => {
    const upstream = await startUpstream(t)
    const gateway = await startTestGateway(t, {
      log: { claims: ['/tenant', '/roles'] },
      issuers: [hmacIssuer()],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [
        { path: '/*', upstream: 'up' },
        { path: '/watched', upstream: 'up', auth: 'report-only' },
      ],
    })
    const inner = await signHmac({ sub: 'secret' })
    // Cut after a hundred characters, it would have one dot only, and its claims.
    const long = await signHmac({ sub: 'secret', aud: 'x'.repeat(200) })
    const lineFor = async (path: string, token: string) => {
      const before = requestLines(gateway).length
      await (await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${token}` } })).text()
      await waitFor(() => requestLines(gateway).length > before)
      return requestLines(gateway)[before] as Record<string, unknown>
    }
    t.match(await lineFor('/a', await signHmac({ nbf: nowSec() + 3000, exp: nowSec() + 6000 })), {
      code: 'token_not_yet_valid',
      detail: /^it will be valid in .*, at \d{4}-/,
    })
    for (const stray of [inner, long])
      for (const token of [
        await signHmac({ iss: stray }),
        await signHmac({ aud: [stray] }),
        await signHmac({ [stray]: 1, exp: undefined }),
        signText(JSON.stringify({ alg: stray }), JSON.stringify(goodClaims())),
        await signHmac({}, { kid: stray }),
        await signHmac({ sub: stray }),
        await signHmac({ tenant: stray, roles: [stray] }),
      ])
        t.match((await lineFor('/a', token))['status'], /^(200|401)$/)
    t.equal((await lineFor('/a', await signHmac({})))['detail'], undefined, 'what passes has none')
    t.equal((await lineFor('/watched', 'a.b'))['detail'], undefined, 'and what is not enforced was not refused')
    for (const part of [inner, long].map((token) => token.split('.')[1] ?? ''))
      t.notMatch(JSON.stringify(gateway.lines), part.slice(0, 30), 'no claims')
  },
)
