// The options of the authenticate stage: where tokens are found, how they are cached, and which issuers are trusted.
import { Type, type StaticDecode } from 'typebox'

import { KeysOptions } from './issuer/keys.ts'
import { Duration, Options, Size } from './kinds.ts'

export const ALGORITHMS = [
  ...['HS256', 'HS384', 'HS512'],
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'Ed448'],
] as const

export const TokenLocationOptions = Options(
  {
    header: Type.Optional(
      Type.String({
        description: 'Name of a request header.',
        pattern: "^[A-Za-z0-9!#$%&'*+.^`|~-]+$",
        examples: ['authorization'],
      }),
    ),
    scheme: Type.Optional(
      Type.String({
        description:
          'Scheme before the token in that header or cookie, in any case; in a cookie the blank after it may be escaped. Left out: the whole value is the token.',
        pattern: '^[A-Za-z0-9-]+$',
        examples: ['Bearer'],
      }),
    ),
    cookie: Type.Optional(Type.String({ description: 'Name of a cookie.', pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" })),
    query: Type.Optional(
      Type.String({
        description:
          'Name of a query parameter: tokens in URLs leak into logs and histories (RFC 6750 section 5.3). Always removed before forwarding.',
        pattern: '^[A-Za-z0-9._~-]+$',
      }),
    ),
    websocketProtocol: Type.Optional(
      Type.String({
        description:
          'Name of a WebSocket subprotocol that the token follows: new WebSocket(url, ["bearer", token]). Always removed before forwarding.',
        pattern: '^[A-Za-z0-9._~-]+$',
        examples: ['bearer'],
      }),
    ),
  },
  { description: 'One location where a token may be: exactly one of header, cookie, query, websocketProtocol.' },
)

export type TokenLocationOptions = StaticDecode<typeof TokenLocationOptions>
export type LocationKind = Exclude<keyof TokenLocationOptions, 'scheme'>

/** The location kinds, in the order of the options. */
export const LOCATION_KINDS = Object.keys(TokenLocationOptions.properties).filter(
  (name): name is LocationKind => name !== 'scheme',
)

export const TokensOptions = Options(
  {
    from: Type.Array(TokenLocationOptions, {
      description:
        'Locations where the token is looked for; two tokens in one request are refused with 400, but for cookies of one session, of which the latest counts (up to four are looked at). Default the Authorization header with scheme Bearer.',
      default: [{ header: 'authorization', scheme: 'Bearer' }],
      minItems: 1,
    }),
    forward: Type.Enum(['keep', 'strip'], {
      description: 'Whether the upstream still gets the token. Default keep.',
      default: 'keep',
    }),
    cache: Options(
      {
        maxTokens: Type.Integer({
          description:
            'Tokens whose signature is not checked again, in each worker. As many as maxBytes allows are kept ready; of the others only the signature is cached, in 52 to 60 bytes outside of the heap, and each use takes 4 to 7 us, until they come often enough to be kept ready themselves. Default 100000.',
          default: 100_000,
          minimum: 1,
          maximum: 10_000_000,
        }),
        maxBytes: Size({
          least: '1B',
          description:
            'Heap for tokens kept ready, with claims and header value, in each worker; a token takes 1 to 2 KB. At most half of the heap is used, less of one under 192 MiB (NODE_OPTIONS=--max-old-space-size), and a larger value is told at start. Default 128MiB.',
          default: '128MiB',
        }),
        maxAge: Duration({ description: 'After this time a token is verified again. Default 10m.', default: '10m' }),
      },
      {
        description:
          'Verified tokens are cached: only the signature check is skipped, all else is decided on each request.',
        default: {},
      },
    ),
  },
  { description: 'Where tokens are found and how they are cached.', default: {} },
)

export const IssuerOptions = Options(
  {
    name: Type.String({
      description: 'Name of this issuer in routes, logs, metrics and the auth result.',
      minLength: 1,
    }),
    issuer: Type.Optional(
      Type.String({ description: 'Must equal the claim iss. Left out: iss is not looked at.', minLength: 1 }),
    ),
    audiences: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'The claim aud must hold one of these. Left out: aud is not looked at.',
        minItems: 1,
      }),
    ),
    algorithms: Type.Array(Type.Enum([...ALGORITHMS]), {
      description:
        'Signature algorithms that are accepted. EdDSA stands for Ed25519 and Ed448 (RFC 9864); a token may use the older or the newer name.',
      minItems: 1,
      uniqueItems: true,
    }),
    keys: KeysOptions,
    weakKeys: Type.Enum(['refuse', 'warn'], {
      description:
        'What to do with an HMAC secret shorter than its hash (RFC 7518 section 3.2), RSA under 2048 bits or e < 65537. Default refuse.',
      default: 'refuse',
    }),
    critical: Type.Optional(
      Type.Boolean({
        description:
          'Whether /readyz says 503 while there are no keys of this issuer, rather than degraded. Left out: true where every route that takes tokens accepts this issuer.',
      }),
    ),
    clockTolerance: Duration({
      description: 'Allowed difference of clocks for exp, nbf and iat alike. Default 60s.',
      default: '60s',
    }),
    requiredClaims: Type.Array(Type.String({ minLength: 1 }), {
      description:
        'Claims that must be there and not empty. A list replaces the default; [] requires none. Default [exp].',
      default: ['exp'],
      uniqueItems: true,
    }),
    maxLifetime: Type.Optional(
      Duration({ least: '1s', description: 'Longest exp - iat; the token then needs both. Left out: not looked at.' }),
    ),
    typ: Type.Optional(
      Type.String({
        description: 'The header typ must equal this (RFC 9068: at+jwt). Left out: typ is not looked at.',
        minLength: 1,
      }),
    ),
    binding: Type.Enum(['refuse', 'ignore'], {
      description:
        'What to do with a token that is bound to a key of its client by cnf (RFC 7800; DPoP, client certificates): no proof of that key is checked, so that whoever stole such a token could use it where this is ignore. Default refuse.',
      default: 'refuse',
    }),
  },
  { description: 'Whose tokens are believed, and under which conditions.' },
)

export type TokensOptions = StaticDecode<typeof TokensOptions>
export type IssuerOptions = StaticDecode<typeof IssuerOptions>
export type Algorithm = (typeof ALGORITHMS)[number]
