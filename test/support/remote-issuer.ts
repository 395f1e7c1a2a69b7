// An issuer whose keys come from a URL, without a network: the test sets the answer and counts how often it is asked.
import type { RemoteKeys, FetchedDocument } from '../../gateway/src/authenticate/keys/remote-keys.ts'
import { Failure } from '../../gateway/src/failure.ts'
import { createFakeClock, settle, type FakeClock } from './fake-clock.ts'
import { createTestAuthenticator, type TestAuthenticator } from './test-authenticator.ts'
import { ISSUER, type Signer } from './tokens.ts'

export interface RemoteIssuer extends TestAuthenticator {
  readonly clock: FakeClock
  readonly fetches: string[]
  readonly remote: RemoteKeys
  claims(): { readonly iat: number; readonly exp: number }
  sign(signer: Signer, header?: Record<string, unknown>): Promise<string>
  /** As a request is decided: asked once more after the wait, where there is one. Time does not pass on its own. */
  decideAfterWait(token: string): Promise<string>
}

/** A JWK set with the public halves of these keys. */
export const document = (signers: readonly Signer[], maxAgeSec?: number): FetchedDocument => ({
  json: { keys: signers.map(({ jwk }) => jwk) },
  maxAgeSec,
})

export async function startRemoteIssuer(
  answer: () => FetchedDocument | Promise<FetchedDocument>,
  keys: Record<string, unknown> = {},
  issuer: Record<string, unknown> = {},
): Promise<RemoteIssuer> {
  const clock = createFakeClock()
  const fetches: string[] = []
  const options = {
    name: 'main',
    issuer: ISSUER,
    algorithms: ['ES256'],
    clockTolerance: '0s',
    keys: { jwksUrl: 'https://issuer.example.com/jwks', ...keys },
    ...issuer,
  }
  const test = createTestAuthenticator([options], {
    clock,
    schedule: clock.schedule,
    fetchJson: async (url) => {
      fetches.push(url)
      return answer()
    },
  })
  const remote = test.issuers[0]?.keys.remote
  if (remote === undefined) throw new Error('the issuer has no remote keys')
  await remote.start()
  const claims = () => ({ iat: clock.now() / 1000, exp: clock.now() / 1000 + 30 * 86_400 })
  return {
    ...test,
    clock,
    fetches,
    remote,
    claims,
    sign: (signer, header) => signer.sign(claims(), header),
    async decideAfterWait(token) {
      const first = test.authenticator.authenticate(token, test.issuers)
      if (!(first instanceof Failure)) return 'ok'
      await first.wait
      await settle()
      return first.wait === undefined ? first.code : test.decide(token)
    },
  }
}
