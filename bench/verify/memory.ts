// How many bytes of heap a remembered token takes, beside what the cache counts for it: its bound in bytes must be honest.
import { setTimeout as pause } from 'node:timers/promises'

import { createAuthenticator } from 'tollgate/authenticate/authenticate.js'
import { systemClock } from 'tollgate/clock.js'
import { createIdentityEncoder } from 'tollgate/forward/headers/identity-headers.js'
import { createBlockList } from 'tollgate/revoke/list/memory-list.js'

import { compileIssuer } from './candidates.ts'
import { createKeys, claimsOf } from './keys-and-tokens.ts'
import { writeResult } from '../report/results.ts'

const TOKENS = 20_000
const each = (count: number, make: (index: number) => unknown) =>
  Array.from({ length: count }, (_, index) => make(index))

/** What the claims of a login have beside the usual: as text, and as the many small values that permissions often are. */
const CLAIMS: Readonly<Record<string, (index: number) => Record<string, unknown>>> = {
  small: () => ({}),
  medium: () => ({ padding: 'x'.repeat(400) }),
  large: () => ({ padding: 'x'.repeat(3000) }),
  '200 groups': (token) => ({ groups: each(200, (index) => `group-${token}-${index}`) }),
  '60 permissions': (token) => ({
    permissions: each(60, (index) => ({ id: token * 100 + index, name: `thing-${token}-${index}`, scopes: ['read'] })),
  }),
  '1000 numbers': (token) => ({ tenants: each(1000, (index) => (token + index) % 1000) }),
  '1000 empty lists': () => ({ lists: each(1000, () => []) }),
  '100 names of members': (token) => ({
    rights: Object.fromEntries(each(100, (index) => [`right-${token}-${index}`, true]) as [string, boolean][]),
  }),
}

async function heapBytes(): Promise<number> {
  // Again with pauses: the stack and a compiler at work in the background hold on to the cache of the row before.
  for (let round = 0; round < 4; round += 1) {
    await pause(100)
    globalThis.gc?.()
  }
  return process.memoryUsage().heapUsed + process.memoryUsage().external
}

const AUTH_RESULT = { header: 'x-auth-result', format: 'result', pad: false, maxBytes: 7168 } as const
const IDENTITY = { authResult: AUTH_RESULT, routes: [], upstreams: {} }

/** Run with --expose-gc. Prints one line for each kind of token. */
async function measure(): Promise<void> {
  const keys = createKeys('HS256')
  const issuers = compileIssuer(keys)
  const rows = []
  for (const [name, changes] of Object.entries(CLAIMS)) {
    const authenticator = createAuthenticator({
      blockList: createBlockList(),
      maxTokenBytes: 8192,
      cache: { maxTokens: 100_000, maxBytes: 2 ** 30, maxAge: 600_000 },
      clock: systemClock,
      encodeResult: createIdentityEncoder(IDENTITY, () => undefined).encodeResult,
    })
    const before = await heapBytes()
    for (let index = 0; index < TOKENS; index += 1) {
      // Out of a buffer, so that the string is the cache's alone, as one from a request would be.
      authenticator.authenticate(Buffer.from(keys.sign(claimsOf(index, changes(index)))).toString('latin1'), issuers)
    }
    const perToken = ((await heapBytes()) - before) / TOKENS
    const counted = authenticator.cache.readyBytes / authenticator.cache.ready
    process.stdout.write(
      `${name}: ${perToken.toFixed(0)} bytes of heap a token, the cache counts ${counted.toFixed(0)}\n`,
    )
    rows.push({ name, heapBytesPerToken: Math.round(perToken), countedBytesPerToken: Math.round(counted) })
  }
  writeResult('memory.json', `${JSON.stringify({ tokens: TOKENS, rows }, null, 2)}\n`)
}

await measure()
