// Failures of tokens, and of what they are verified with.
import { createSigner, ISSUER, nowSec } from '../../support/tokens.ts'
import { sendRaw } from '../../support/raw-http.ts'
import type { TestGatewayParts } from '../../support/test-gateway.ts'
import { call, HOST, hours, PERSONAL, raw, withToken, type Row } from './row.ts'

const other = await createSigner('ES256', 'k9')
const known = await createSigner('ES256', 'k1')
const publicKeys = { algorithms: ['ES256'], keys: { jwksUrl: 'https://issuer.example.com/jwks' } }
const published: TestGatewayParts = {
  fetchJson: () => Promise.resolve({ json: { keys: [known.jwk] }, maxAgeSec: undefined }),
}
export const TOKEN_ROWS = {
  token_ambiguous: {
    send: raw(`GET /x HTTP/1.1${HOST}\r\nauthorization: Bearer a\r\nauthorization: Bearer b`),
    told: /two headers authorization, allowed is one/,
  },
  token_missing: { send: (gateway) => call(gateway), told: /no token was sent/ },
  token_malformed: { send: (gateway) => call(gateway, 'a.b'), told: /it has two parts, wanted are three/ },
  token_too_large: {
    options: { limits: { tokenBytes: '1KiB' } },
    send: withToken({ filler: 'x'.repeat(2000) }),
    told: /it has \d{4} characters, at most 1024 are read/,
  },
  algorithm_not_allowed: { send: withToken({}, { alg: 'HS384' }), told: /signed with "HS384", allowed are HS256/ },
  issuer_unknown: {
    send: withToken({ iss: 'https://other' }),
    told: /iss is "https:\/\/other", wanted is "https:\/\/issuer/,
  },
  key_unknown: {
    issuer: publicKeys,
    parts: published,
    send: async (gateway) => call(gateway, await other.sign(PERSONAL)),
    told: /by key "k9" with ES256, which issuer main does not publish: it has "k1"/,
  },
  signature_invalid: {
    issuer: publicKeys,
    parts: published,
    send: async (gateway) => call(gateway, await other.sign(PERSONAL, { kid: 'k1' })),
    told: /its signature fits none of the keys of issuer main that it may be signed with: "k1" for ES256/,
  },
  token_expired: { send: withToken({ iat: hours(2), exp: hours(1) }), told: /it expired 1 h.* ago, at \d{4}-/ },
  token_not_yet_valid: {
    send: withToken({ nbf: hours(-1), exp: hours(-2) }),
    told: /it will be valid in .*, at \d{4}-/,
  },
  token_too_old: {
    issuer: { maxLifetime: '1h' },
    send: withToken({ iat: hours(1), exp: hours(-1) }),
    told: /it lives 2 h, allowed are 1 h/,
  },
  type_mismatch: {
    issuer: { typ: 'at+jwt' },
    send: withToken({}, { typ: 'JWT' }),
    told: /its typ is "jwt", wanted is "at\+jwt"/,
  },
  audience_mismatch: { send: withToken({ aud: 'shop' }), told: /aud is "shop", wanted is "api"/ },
  binding_unproven: {
    send: withToken({ cnf: { jkt: 'thumbprint' } }),
    told: /bound to a key of DPoP \(cnf: jkt\), and no proof of that key is checked here/,
  },
  claim_missing: {
    issuer: { requiredClaims: ['exp', 'tenant'] },
    send: withToken({}),
    told: /tenant is missing; the token has "iss", .* and 2 more/,
  },
  claim_invalid: { send: withToken({ sub: '' }), told: /sub is empty text, and not a string that names somebody/ },
  token_revoked: {
    send: async (gateway) => {
      const [jti, exp] = ['one', nowSec() + 600]
      const entry = { kind: 'jti', issuer: ISSUER, value: jti, issuedBeforeSec: undefined, reason: 'revoked' } as const
      await gateway.gateway.revocation.block([{ ...entry, overlapSec: 0, untilSec: exp }])
      await withToken({ jti, exp })(gateway)
    },
    told: /it was revoked \(blocked by its jti\)/,
  },
  session_too_old: {
    issuer: {
      renewal: {
        strategy: 'grace',
        grace: '1h',
        lifetime: '5m',
        maxSession: '8h',
        signingKey: { kid: 's', alg: 'HS256', secret: { value: 'another-secret-of-at-least-thirty-two-bytes' } },
      },
    },
    send: withToken({ iat: hours(9), auth_time: hours(9), exp: hours(0.1) }),
    told: /its session began \d+ s ago, allowed are 28800 s \(renewal\.maxSession\)/,
  },
  scope_missing: {
    route: { require: { scopes: { all: ['write'] } } },
    send: withToken({ scope: 'read' }),
    told: /it needs write; it has "read"/,
  },
  claim_forbidden: {
    route: { require: { claims: { '/email': { equals: 'bob@example.com' } } } },
    send: withToken({}),
    told: /the claim \/email .*\(equals\): it is text of 17 characters/,
  },
  origin_forbidden: {
    options: { tokens: { from: [{ cookie: 'session' }] } },
    send: (gateway) =>
      sendRaw(
        gateway.port,
        `POST /x HTTP/1.1${HOST}\r\norigin: https://evil.example.net\r\nsec-fetch-site: cross-site\r\ncookie: session=a.b.c\r\ncontent-length: 0\r\n\r\n`,
        50,
      ).then(() => undefined),
    told: /a page of "https:\/\/evil\.example\.net" \(sec-fetch-site: "cross-site"\) .* asks "a\.example\.com"/,
  },
  rate_limited: {
    options: { limits: { authFailures: { max: 1, per: '1m' } } },
    send: async (gateway) => {
      await call(gateway, 'a.b')
      await call(gateway, 'a.b')
    },
    told: /too many tokens of this client failed: 1 within 60 s/,
  },
  keys_unavailable: {
    issuer: publicKeys,
    parts: { fetchJson: () => Promise.reject(new Error('status 404')) },
    send: async (gateway) => call(gateway, await known.sign(PERSONAL)),
    told: /it needs a key of issuer main for ES256, and no key of that issuer could be loaded: .*status 404/,
  },
  revocations_unavailable: {
    options: { revocation: { store: { redis: 'redis://127.0.0.1:1' }, onStoreDown: 'refuse' } },
    send: withToken({}),
    told: /the store cannot be reached, and nothing passes without it \(revocation\.onStoreDown: refuse\)/,
  },
} satisfies Readonly<Record<string, Row>>
