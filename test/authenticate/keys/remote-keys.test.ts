import t from 'tap'

import { settle } from '../../support/fake-clock.ts'
import { document, startRemoteIssuer as drill } from '../../support/remote-issuer.ts'
import { createSigner } from '../../support/tokens.ts'

const SECOND = 1000
const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 86_400_000

const [one, two, three] = await Promise.all(['one', 'two', 'three'].map((kid) => createSigner('ES256', kid)))
if (one === undefined || two === undefined || three === undefined) throw new Error('no signers')

t.test('keys are fetched at the start and refreshed before they are old', async (t) => {
  const { clock, fetches } = await drill(() => document([one]))
  t.equal(fetches.length, 1)
  await clock.advance(3 * MINUTE)
  t.equal(fetches.length, 1)
  await clock.advance(2 * MINUTE)
  t.equal(fetches.length, 2, 'within the default of 5 minutes')
})

t.test('max-age counts within a minute and a day', async (t) => {
  const cases: readonly [number, number, number][] = [
    [0, 44 * SECOND, MINUTE],
    [3600, 44 * MINUTE, HOUR],
    [10 * 86_400, 17 * HOUR, DAY],
  ]
  for (const [maxAgeSec, quiet, due] of cases) {
    const { clock, fetches } = await drill(() => document([one], maxAgeSec))
    await clock.advance(quiet)
    t.equal(fetches.length, 1, `${maxAgeSec}: not yet`)
    await clock.advance(due - quiet)
    t.equal(fetches.length, 2, `${maxAgeSec}: refreshed`)
  }
})

t.test('a removed key takes its cached tokens with it at once, the others stay cached', async (t) => {
  let signers = [one, two]
  const { clock, decide, sign, authenticator, events } = await drill(() => document(signers))
  const [first, second] = [await sign(one), await sign(two)]
  t.equal(decide(first), 'ok')
  t.equal(decide(second), 'ok')
  signers = [two]
  await clock.advance(5 * MINUTE)
  t.equal(decide(first), 'key_unknown')
  const { misses } = authenticator.counts
  t.equal(decide(second), 'ok')
  t.equal(authenticator.counts.misses, misses, 'the token of the key that stays is still a hit')
  t.equal(events.at(-1), 'main +[] -[one]')
})

t.test('a key that comes back under the same kid with other material is another key', async (t) => {
  const impostor = await createSigner('ES256', 'one')
  let signers = [one]
  const { clock, decide, sign } = await drill(() => document(signers))
  const token = await sign(one)
  t.equal(decide(token), 'ok')
  signers = [impostor]
  await clock.advance(5 * MINUTE)
  t.equal(decide(token), 'signature_invalid')
})

t.test('a token of a new key is accepted within one fetch', async (t) => {
  let signers = [one]
  const { decide, sign, fetches, authenticator, issuers } = await drill(() => document(signers))
  signers = [one, two]
  const outcome = authenticator.authenticate(await sign(two), issuers)
  t.match(outcome, { code: 'key_unknown' })
  await (outcome as { wait?: Promise<unknown> }).wait
  t.equal(fetches.length, 2)
  t.equal(decide(await sign(two)), 'ok')
})

t.test('ten thousand unknown kids cause one fetch in each cool-down', async (t) => {
  const { decide, fetches, clock, claims } = await drill(() => document([one]))
  const unknown = await createSigner('ES256', 'x')
  const flood = async (name: string) => {
    for (let index = 0; index < 1000; index += 1) decide(await unknown.sign(claims(), { kid: `${name}-${index}` }))
    await settle()
  }
  await flood('a')
  t.equal(fetches.length, 2)
  await clock.advance(29 * SECOND)
  await flood('b')
  t.equal(fetches.length, 2)
  await clock.advance(SECOND)
  await flood('c')
  t.equal(fetches.length, 3)
})

t.test('the same unknown kid waits longer each time', async (t) => {
  const { decide, fetches, clock, sign } = await drill(() => document([one]), { maxAge: '1d' })
  const token = await sign(three)
  const at: number[] = []
  const startMs = clock.now()
  for (let second = 0; second < 600; second += 1) {
    const before = fetches.length
    decide(token)
    await settle()
    if (fetches.length > before) at.push((clock.now() - startMs) / SECOND)
    await clock.advance(SECOND)
  }
  t.same(at, [0, 30, 90, 210, 450])
})

t.test('an issuer that is down for ten minutes costs no request', async (t) => {
  let down = false
  const { clock, decide, sign, fetches, events } = await drill(() =>
    down ? Promise.reject(new Error('connect refused')) : document([one]),
  )
  down = true
  const token = await sign(one)
  for (let second = 0; second < 600; second += 1) {
    await clock.advance(SECOND)
    t.equal(decide(token), 'ok')
    if (second % 100 === 0) t.equal(decide(await sign(one)), 'ok', 'new tokens pass as well')
  }
  t.ok(fetches.length < 20, `${fetches.length} fetches: the retries slow down`)
  t.match(events.at(-1), /main failed: connect refused; keys left 8[\d.]+ s/)
  down = false
  await clock.advance(2 * MINUTE)
  t.match(events.at(-1), 'main +[] -[]')
})

t.test('after maxStale the last good keys are no longer good', async (t) => {
  let down = false
  const { clock, decide, sign } = await drill(() => (down ? Promise.reject(new Error('down')) : document([one])), {
    maxStale: '1h',
  })
  const token = await sign(one)
  t.equal(decide(token), 'ok')
  down = true
  await clock.advance(59 * MINUTE)
  t.equal(decide(token), 'ok')
  await clock.advance(3 * MINUTE)
  t.equal(decide(token), 'keys_unavailable')
  down = false
  await clock.advance(10 * SECOND)
  t.equal(decide(token), 'ok')
})

t.test('without any key the answer is 503 and the retries come soon', async (t) => {
  let down = true
  const { clock, decide, sign, remote, fetches } = await drill(() =>
    down ? Promise.reject(new Error('down')) : document([one]),
  )
  t.equal(decide(await sign(one)), 'keys_unavailable')
  t.equal(remote.problem(), 'down')
  await clock.advance(30 * SECOND)
  t.ok(fetches.length >= 6, `${fetches.length} fetches`)
  down = false
  await clock.advance(7 * SECOND)
  t.equal(decide(await sign(one)), 'ok')
  t.equal(remote.problem(), undefined)
})

t.test('junk never replaces good keys', async (t) => {
  let json: unknown = { keys: [one.jwk] }
  const { clock, decide, sign, events } = await drill(() => ({ json, maxAgeSec: undefined }))
  const token = await sign(one)
  const enc = { ...two.jwk, use: 'enc' }
  const junk: unknown[] = [
    {},
    [],
    null,
    'text',
    5,
    { keys: [] },
    { keys: {} },
    { keys: [{}] },
    { keys: [null, 1] },
    { keys: [enc] },
    { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] },
  ]
  junk.push({ keys: Array.from({ length: 101 }, () => two.jwk) })
  for (const document of junk) {
    json = document
    await clock.advance(6 * MINUTE)
    t.match(events.at(-1), /main failed/, JSON.stringify(document)?.slice(0, 40))
    t.equal(decide(token), 'ok')
  }
})

t.test('five hundred requests at the moment of the refresh wait for nothing and cause one fetch', async (t) => {
  let hang: (() => void) | undefined
  let slow = false
  const { clock, decide, sign, fetches } = await drill(() =>
    slow ? new Promise((resolve) => (hang = () => resolve(document([one])))) : document([one]),
  )
  slow = true
  const token = await sign(one)
  await clock.advance(5 * MINUTE)
  for (let index = 0; index < 500; index += 1) t.equal(decide(token), 'ok')
  t.equal(fetches.length, 2)
  hang?.()
})

t.test('a stopped source fetches no more', async (t) => {
  const { clock, fetches, remote, decide, sign } = await drill(() => document([one]))
  remote.stop()
  await clock.advance(DAY)
  decide(await sign(two))
  t.equal(fetches.length, 1)
  t.equal(clock.pending, 0)
})
