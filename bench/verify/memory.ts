// How many bytes of heap a remembered token takes, beside what the cache counts for it: its bound in bytes must be honest.
import { createAuthenticator } from 'tollgate/authenticate/authenticate.js'
import { systemClock } from 'tollgate/clock.js'
import { createAuthResultEncoder } from 'tollgate/forward/auth-result-header.js'
import { createBlockList } from 'tollgate/revoke/memory-list.js'

import { compileIssuer } from './candidates.ts'
import { createKeys, claimsOf } from './keys-and-tokens.ts'
import { writeResult } from '../report/results.ts'

const TOKENS = 20_000
const PAYLOADS: Readonly<Record<string, number>> = { small: 0, medium: 400, large: 3000 }

function heapBytes(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().heapUsed + process.memoryUsage().external
}

/** Run with --expose-gc. Prints one line for each size of token. */
function measure(): void {
  const keys = createKeys('HS256')
  const issuers = compileIssuer(keys)
  const rows = Object.entries(PAYLOADS).map(([name, padding]) => {
    const authenticator = createAuthenticator({
      blockList: createBlockList(),
      maxTokenBytes: 8192,
      cache: { maxTokens: 100_000, maxBytes: 2 ** 30, maxAge: 600_000 },
      clock: systemClock,
      encodeResult: createAuthResultEncoder({ header: 'x-auth-result', format: 'result', maxBytes: 7168 }).encode,
    })
    const before = heapBytes()
    for (let index = 0; index < TOKENS; index += 1) {
      // Out of a buffer, so that the string is the cache's alone, as one from a request would be.
      authenticator.authenticate(
        Buffer.from(keys.sign(claimsOf(index, { padding: 'x'.repeat(padding) }))).toString('latin1'),
        issuers,
      )
    }
    const perToken = (heapBytes() - before) / TOKENS
    const counted = authenticator.cache.bytes / authenticator.cache.size
    process.stdout.write(
      `${name}: ${perToken.toFixed(0)} bytes of heap a token, the cache counts ${counted.toFixed(0)}\n`,
    )
    return { name, heapBytesPerToken: Math.round(perToken), countedBytesPerToken: Math.round(counted) }
  })
  writeResult('memory.json', `${JSON.stringify({ tokens: TOKENS, rows }, null, 2)}\n`)
}

measure()
