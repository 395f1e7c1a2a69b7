// The options of the authenticate stage: where tokens are found, how many are remembered, and whose are believed.
import { Type, type StaticDecode } from 'typebox'

import { Duration, Options, Size } from '../option-types.ts'

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
  { description: 'One place where a token may be: exactly one of header, cookie, query, websocketProtocol.' },
)

export const TokensOptions = Options(
  {
    from: Type.Array(TokenLocationOptions, {
      description:
        'Places to look for the token; two tokens in one request are refused with 400. Default the Authorization header with scheme Bearer.',
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
            'Tokens whose signature is not checked again, in each worker. As many as maxBytes allows are kept ready; of the others only the signature is remembered, in 52 to 60 bytes outside of the heap, and each use takes 4 to 7 us, until they come often enough to be kept ready themselves. Default 100000.',
          default: 100_000,
          minimum: 1,
          maximum: 10_000_000,
        }),
        maxBytes: Size({
          description:
            'Heap for tokens kept ready, with claims and header value, in each worker; a token takes 1 to 2 KB. At most half of the heap is used, less of one under 192 MiB (NODE_OPTIONS=--max-old-space-size), and a larger value is told at start. Default 128MiB.',
          default: '128MiB',
        }),
        maxAge: Duration({ description: 'After this time a token is verified again. Default 10m.', default: '10m' }),
      },
      {
        description:
          'Verified tokens are remembered: only the signature check is skipped, all else is decided on each request.',
        default: {},
      },
    ),
  },
  { description: 'Where tokens are found and how they are remembered.', default: {} },
)

export const KeysHeaderOptions = Options(
  {
    value: Type.Optional(
      Type.String({
        writeOnly: true,
        description: 'The value; take secrets from the environment: "${KEYS_API_KEY}".',
        minLength: 1,
      }),
    ),
    file: Type.Optional(
      Type.String({
        description:
          'File with the value, read anew for each fetch, so that it may rotate, such as the token of a Kubernetes service account.',
        format: 'file-path',
        examples: ['/var/run/secrets/kubernetes.io/serviceaccount/token'],
      }),
    ),
    prefix: Type.Optional(
      Type.String({ description: 'What stands before the value. Left out: nothing.', examples: ['Bearer '] }),
    ),
  },
  { description: 'A header of the fetch: exactly one of value, file.' },
)

export const KeysOptions = Options(
  {
    jwksUrl: Type.Optional(
      Type.String({
        description:
          'URL of the JWK set (RFC 7517), or of an object with a certificate in PEM for each kid (Google, Firebase), fetched at start and again before it expires.',
        pattern: '^https?://',
      }),
    ),
    discovery: Type.Optional(
      Type.Boolean({
        description:
          'Find the JWK set through /.well-known/openid-configuration of `issuer`, whose own `issuer` must be equal.',
      }),
    ),
    jwksFile: Type.Optional(
      Type.String({
        description: 'File with a JWK set, or with a certificate or public key in PEM for each kid.',
        format: 'file-path',
      }),
    ),
    pemFile: Type.Optional(
      Type.String({ description: 'File with one public key or certificate in PEM.', format: 'file-path' }),
    ),
    secret: Type.Optional(
      Options(
        {
          value: Type.String({
            writeOnly: true,
            description:
              'The shared secret; take it from the environment or a file: "${JWT_SECRET}", "${file:/run/secrets/jwt}".',
            minLength: 1,
          }),
          encoding: Type.Enum(['utf8', 'base64url'], {
            description: 'How the value spells the bytes. Default utf8.',
            default: 'utf8',
          }),
        },
        { description: 'A shared secret, for HS* only.' },
      ),
    ),
    ca: Type.Optional(
      Type.String({
        description:
          'File with the certificates, in PEM, that the certificate of the issuer’s server must lead to, instead of those that Node knows. Read anew for each fetch.',
        format: 'file-path',
        examples: ['/var/run/secrets/kubernetes.io/serviceaccount/ca.crt'],
      }),
    ),
    headers: Type.Optional(
      Type.Record(Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" }), KeysHeaderOptions, {
        description:
          'Headers of each fetch, by name, for key sets that are not open to all; with discovery they go to both addresses.',
      }),
    ),
    proxy: Type.Optional(
      Type.String({
        writeOnly: true,
        description:
          'Proxy to fetch through, such as http://proxy.example.com:3128 (with user and password if it asks for them), or none. Left out: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment, though never for loopback.',
        pattern: '^(none|https?://.+)$',
      }),
    ),
    allowHttp: Type.Boolean({
      description: 'Allow http:// to a host that is not loopback. Default false.',
      default: false,
    }),
    maxAge: Duration({
      description:
        'When to fetch again if the answer has no Cache-Control max-age (which counts within 60s and 24h). Default 5m.',
      default: '5m',
    }),
    maxStale: Duration({
      description: 'How long the last good keys serve while the issuer cannot be reached. Default 24h.',
      default: '24h',
    }),
    cooldown: Duration({
      description:
        'Pause after a fetch that a token asked for, by an unknown key id or a signature of no known key, and that brought no key for it; one that did costs no pause. Default 30s.',
      default: '30s',
    }),
    timeout: Duration({
      description: 'Time for one fetch, to the last byte, and the longest that a request waits for keys. Default 5s.',
      default: '5s',
    }),
  },
  { description: 'Where the keys come from: exactly one of jwksUrl, discovery, jwksFile, pemFile, secret.' },
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
      Duration({ description: 'Longest exp - iat; the token then needs both. Left out: not looked at.' }),
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

export type TokenLocationOptions = StaticDecode<typeof TokenLocationOptions>
export type TokensOptions = StaticDecode<typeof TokensOptions>
export type KeysOptions = StaticDecode<typeof KeysOptions>
export type IssuerOptions = StaticDecode<typeof IssuerOptions>
export type Algorithm = (typeof ALGORITHMS)[number]
