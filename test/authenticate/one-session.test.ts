// Which of several cookies counts, for each kind of token that one may hold beside another, in any order.
import t from 'tap'
import * as fc from 'fast-check'

import type { AuthResult } from '../../gateway/src/authenticate/auth-result.ts'
import { createSettle, createSettleAny } from '../../gateway/src/authenticate/one-session.ts'
import { createTokenLocation } from '../../gateway/src/authenticate/locations/create-location.ts'
import type { FoundToken } from '../../gateway/src/authenticate/locations/location.ts'
import { Failure } from '../../gateway/src/failure.ts'

interface Known extends Partial<AuthResult> {
  readonly isLive?: boolean
}

const WAITING = new Failure('key_unknown', 'being fetched', Promise.resolve())

/** T, its successors, and what else a browser may send. */
const KNOWN: Readonly<Record<string, Known | Failure>> = {
  T: { tokenId: 'T', issuedAtSec: 100, expiresAtSec: 400 },
  S: { tokenId: 'S', sid: 'T', renewedFrom: 'T', issuedAtSec: 340, expiresAtSec: 640 },
  S2: { tokenId: 'S2', sid: 'T', renewedFrom: 'S', issuedAtSec: 580, expiresAtSec: 880 },
  retired: { tokenId: 'T', issuedAtSec: 100, expiresAtSec: 400, isLive: false },
  'the same second': { tokenId: 'X', sid: 'T', renewedFrom: 'T', issuedAtSec: 100, expiresAtSec: 500 },
  'S of bob': { tokenId: 'B', sid: 'T', renewedFrom: 'T', issuedAtSec: 340, expiresAtSec: 640, subject: 'bob' },
  'S of another issuer': {
    tokenId: 'I',
    sid: 'T',
    renewedFrom: 'T',
    issuedAtSec: 340,
    expiresAtSec: 640,
    issuerId: 'j',
  },
  'session of the issuer': { tokenId: 'a', sid: 'sso', issuedAtSec: 100, expiresAtSec: 400 },
  'its later log-in': { tokenId: 'b', sid: 'sso', issuedAtSec: 200, expiresAtSec: 500 },
  'its twin': { tokenId: 'c', sid: 'sso', issuedAtSec: 200, expiresAtSec: 500 },
  other: { tokenId: 'O', issuedAtSec: 150, expiresAtSec: 450 },
  'other, ended': { tokenId: 'O', issuedAtSec: 150, expiresAtSec: 450, isLive: false },
  forged: new Failure('signature_invalid', ''),
  'no token': new Failure('token_malformed', ''),
  'of a new key': WAITING,
}

function recognise(token: string) {
  const known = KNOWN[token]
  if (known instanceof Failure) return known
  const { isLive = true, ...facts } = known ?? {}
  return { result: { authenticated: true, issuerId: 'i', subject: 'alice', ...facts } as AuthResult, isLive }
}
const settle = createSettle(recognise)
const settleAny = createSettleAny(recognise)
const location = createTokenLocation({ cookie: 't' })
const found = (token: string): FoundToken => ({ token, location, rivals: undefined })

function told(outcome: FoundToken | Failure): string {
  return outcome instanceof Failure ? outcome.code : outcome.token
}

function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, index) =>
    permutations(items.filter((_other, at) => at !== index)).map((rest) => [item, ...rest]),
  )
}

t.test('the successor counts, whatever the order (RFC 6265 section 5.4: paths, then times)', async (t) => {
  const cases: readonly [tokens: readonly string[], expected: string][] = [
    [['T', 'S'], 'S'],
    [['T', 'S', 'S2'], 'S2'],
    [['T', 'S2'], 'S2'],
    [['retired', 'S'], 'S'],
    [['retired', 'S', 'S2'], 'S2'],
    [['T', 'the same second'], 'the same second'],
    [['session of the issuer', 'its later log-in'], 'its later log-in'],
    [['its later log-in', 'its twin'], 'token_ambiguous'],
    [['T', 'other'], 'token_ambiguous'],
    [['S', 'other'], 'token_ambiguous'],
    [['T', 'S', 'other'], 'token_ambiguous'],
    [['T', 'S of bob'], 'token_ambiguous'],
    [['T', 'S of another issuer'], 'token_ambiguous'],
    [['S', 'other, ended'], 'S'],
    [['T', 'S', 'other, ended'], 'S'],
    [['T', 'forged'], 'token_ambiguous'],
    [['T', 'S', 'forged'], 'token_ambiguous'],
    [['other, ended', 'forged'], 'token_ambiguous'],
    [['T', 'no token'], 'token_ambiguous'],
  ]
  for (const [tokens, expected] of cases)
    for (const order of permutations(tokens)) t.equal(told(settle(order.map(found), [])), expected, order.join(' + '))
})

t.test('where none lives, one is asked why; where keys are on their way, they are waited for', async (t) => {
  t.equal(told(settle([found('retired'), found('other, ended')], [])), 'retired')
  t.equal(settle([found('of a new key'), found('T')], []), WAITING)
})

t.test('what does not count is named, so that no upstream sees it', async (t) => {
  const settled = settle(['T', 'S2', 'S'].map(found), [])
  t.match(settled, { token: 'S2', rivals: undefined, location: { cookie: 't', superseded: ['T', 'S'] } })
})

t.test('to log out, any good one will do, and forged ones alone will not', async (t) => {
  t.match(settleAny(['forged', 'other, ended', 'T'].map(found), []), {
    token: 'other, ended',
    location: { superseded: ['forged', 'T'] },
  })
  t.equal(told(settleAny(['forged', 'no token'].map(found), [])), 'token_malformed')
  t.equal(settleAny(['forged', 'of a new key'].map(found), []), WAITING)
})

t.test(
  'any mix: the same outcome in each order, never what is forged, never one of two sessions that live',
  async () => {
    // The same token is not both good and retired.
    const idOf = (name: string) => (recognise(name) instanceof Failure ? name : (KNOWN[name] as Known).tokenId)
    const names = Object.keys(KNOWN).filter((name) => name !== 'of a new key')
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom(...names), { minLength: 2, maxLength: 4, selector: idOf }),
        fc.nat(),
        (tokens, seed) => {
          const orders = permutations(tokens)
          const outcome = settle((orders[seed % orders.length] ?? tokens).map(found), [])
          const hasBad = tokens.some((token) => KNOWN[token] instanceof Failure)
          const isNoneLive = tokens.every((token) => (KNOWN[token] as Known).isLive === false)
          if (hasBad) return outcome instanceof Failure
          if (isNoneLive) return !(outcome instanceof Failure)
          const first = told(settle(tokens.map(found), []))
          return told(outcome) === first
        },
      ),
    )
  },
)
