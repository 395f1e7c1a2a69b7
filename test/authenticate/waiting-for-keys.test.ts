// Requests that wait for keys: for the fetch that may help them, no longer than keys.timeout, and not without number.
import t from 'tap'

import type { FetchedDocument } from '../../gateway/src/authenticate/keys/remote-keys.ts'
import { createFakeClock, settle } from '../support/fake-clock.ts'
import { document, startRemoteIssuer } from '../support/remote-issuer.ts'
import { createTestAuthenticator } from '../support/test-authenticator.ts'
import { createSigner, ISSUER, type Signer } from '../support/tokens.ts'

const SECOND = 1000
const LONG = { maxAge: '1d' }
const [blue, green, other] = (await Promise.all(
  ['blue', 'green', 'other'].map((kid) => createSigner('ES256', kid)),
)) as [Signer, Signer, Signer]

t.test('a kid that nobody looked for waits for the end of the pause where that is near', async (t) => {
  let published = [blue]
  const { sign, authenticator, issuers, decide, clock, fetches } = await startRemoteIssuer(() => document(published), {
    ...LONG,
    cooldown: '10s',
    timeout: '4s',
  })
  decide(await sign(other))
  await settle()
  t.equal(fetches.length, 2)
  published = [blue, green]
  await clock.advance(5 * SECOND)
  const token = await sign(green)
  t.equal((authenticator.authenticate(token, issuers) as { wait?: unknown }).wait, undefined, '5 s are too long')
  await clock.advance(2 * SECOND)
  const { wait } = authenticator.authenticate(token, issuers) as { wait?: Promise<unknown> }
  t.ok(wait)
  await clock.advance(2900)
  t.equal(fetches.length, 2)
  await clock.advance(100)
  await wait
  t.equal(fetches.length, 3)
  t.equal(decide(token), 'ok')
})

t.test('who comes while a fetch is under way that began too early gets another one', async (t) => {
  let published: Signer[] = [blue]
  const answers: (() => void)[] = []
  let isSlow = false
  const { sign, authenticator, issuers, decide, fetches, clock } = await startRemoteIssuer(() => {
    const now = document(published)
    return isSlow ? new Promise<FetchedDocument>((resolve) => answers.push(() => resolve(now))) : now
  }, LONG)
  isSlow = true
  const waitOf = (token: string) =>
    (authenticator.authenticate(token, issuers) as { wait?: Promise<unknown> }).wait ??
    Promise.reject(new Error('no wait'))
  published = [blue, green]
  const first = await sign(green)
  const firstWait = waitOf(first)
  await settle()
  // The issuer has answered for the first, and rotates before that is here.
  published = [blue, other]
  const second = await sign(other)
  let isOver = false
  const secondWait = waitOf(second).then(() => (isOver = true))
  answers.shift()?.()
  await firstWait
  t.equal(decide(first), 'ok')
  await settle()
  t.notOk(isOver, 'still waiting')
  t.equal(fetches.length, 2, 'the least pause between two')
  await clock.advance(100)
  t.equal(fetches.length, 3)
  answers.shift()?.()
  await secondWait
  t.ok(isOver)
  t.equal(decide(second), 'ok')
})

t.test('a request waits no longer than keys.timeout, whatever the fetch does', async (t) => {
  let isSlow = false
  const { sign, authenticator, issuers, clock } = await startRemoteIssuer(
    () => (isSlow ? new Promise<FetchedDocument>(() => undefined) : document([blue])),
    { ...LONG, timeout: '3s' },
  )
  isSlow = true
  const { wait } = authenticator.authenticate(await sign(green), issuers) as { wait?: Promise<unknown> }
  let isOver = false
  void wait?.then(() => (isOver = true))
  await clock.advance(2999)
  t.notOk(isOver)
  await clock.advance(1)
  t.ok(isOver)
})

t.test('no more than a thousand wait; the others are refused at once', async (t) => {
  let isSlow = false
  const { claims, authenticator, issuers, clock } = await startRemoteIssuer(
    () => (isSlow ? new Promise<FetchedDocument>(() => undefined) : document([blue])),
    LONG,
  )
  isSlow = true
  const token = await green.sign(claims())
  let waiting = 0
  for (let index = 0; index < 1500; index += 1) {
    const { wait } = authenticator.authenticate(token, issuers) as { wait?: Promise<unknown> }
    if (wait !== undefined) waiting += 1
  }
  t.equal(waiting, 1000)
  await clock.advance(5 * SECOND)
  t.ok((authenticator.authenticate(token, issuers) as { wait?: unknown }).wait, 'and later there is room again')
})

t.test('a fetch that failed is waited for while the next try is near', async (t) => {
  let published = [blue]
  let isDown = false
  const { sign, authenticator, issuers, decide, clock } = await startRemoteIssuer(() => {
    if (isDown) throw new Error('down')
    return document(published)
  }, LONG)
  published = [blue, green]
  isDown = true
  const token = await sign(green)
  const { wait } = authenticator.authenticate(token, issuers) as { wait?: Promise<unknown> }
  await settle()
  isDown = false
  await clock.advance(2 * SECOND)
  await wait
  t.equal(decide(token), 'ok')
})

t.test(
  'without any key a fetch under way is waited for, also after one that failed; between two nothing is',
  async (t) => {
    const clock = createFakeClock()
    let answer: ((document: FetchedDocument) => void) | undefined
    let refuse: ((reason: Error) => void) | undefined
    const { authenticator, issuers, decide } = createTestAuthenticator(
      [
        {
          name: 'main',
          issuer: ISSUER,
          algorithms: ['ES256'],
          clockTolerance: '0s',
          keys: { jwksUrl: 'https://i.test/' },
        },
      ],
      {
        clock,
        schedule: clock.schedule,
        fetchJson: () =>
          new Promise((resolve, reject) => {
            answer = resolve
            refuse = reject
          }),
      },
    )
    const token = await blue.sign({ exp: clock.now() / 1000 + 3600, iat: clock.now() / 1000 })
    const ask = () =>
      authenticator.authenticate(token, issuers) as { readonly code?: string; readonly wait?: Promise<void> }
    t.match(ask(), { code: 'keys_unavailable', wait: undefined }, 'nothing is under way')
    void issuers[0]?.keys.remote?.start()
    await settle()
    const { wait } = ask()
    t.ok(wait)
    refuse?.(new Error('down'))
    await settle()
    t.match(ask(), { code: 'keys_unavailable', wait: undefined }, 'the issuer just said no: an answer at once')
    await clock.advance(SECOND + 500)
    const { wait: second } = ask()
    t.ok(second, 'the second try is under way')
    answer?.(document([blue]))
    await second
    await settle()
    t.equal(decide(token), 'ok')
    await clock.advance(5 * SECOND)
    await wait
  },
)
