// The options of the renew stage: when a token gets a successor, who makes it, and when the old one is blocked.
import { Type, type StaticDecode } from 'typebox'

import { DeliverOption } from './deliver.ts'
import { Duration, Options } from '../kinds.ts'

/** The algorithms that may sign a successor. The key determines which of them are possible. */
const SIGNING_ALGORITHMS = [
  ...['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'Ed448'],
] as const

const secret = Options(
  {
    value: Type.String({
      writeOnly: true,
      description: 'The shared secret; take it from the environment or a file: "${RENEWAL_SECRET}".',
      minLength: 1,
    }),
    encoding: Type.Enum(['utf8', 'base64url'], {
      description: 'How the value spells the bytes. Default utf8.',
      default: 'utf8',
    }),
  },
  { description: 'A shared secret, for HS* only: every service that verifies with it could sign as well.' },
)

export const SigningKeyOptions = Options(
  {
    pemFile: Type.Optional(
      Type.String({
        description:
          'File with the private key in PEM. One of its own, not the issuer’s: whoever takes the gateway then cannot sign in the issuer’s name elsewhere, and it can be withdrawn alone.',
        format: 'file-path',
      }),
    ),
    secret: Type.Optional(secret),
    kid: Type.Optional(
      Type.String({
        description:
          'Key id in the header of the successors. Left out: the one that `keys generate` wrote into the pemFile, else the thumbprint of the key (RFC 7638).',
        minLength: 1,
        maxLength: 256,
      }),
    ),
    alg: Type.Enum([...SIGNING_ALGORITHMS], {
      description:
        'Algorithm of the successors, fixed here and never taken from a token; must be among the issuer’s algorithms. With HS*, RS* and EdDSA (or Ed25519, Ed448) all machines make the same bytes, with ES* and PS* the same token.',
    }),
  },
  {
    description:
      'The key that signs successors, the same on every machine: a pure function of old token and key needs no lock and no shared store. Exactly one of pemFile, secret.',
  },
)

export const VerificationKeyOptions = Options(
  {
    pemFile: Type.Optional(
      Type.String({
        description: 'File with the key in PEM. The public half is enough, and of a private one only that is used.',
        format: 'file-path',
      }),
    ),
    secret: Type.Optional(secret),
    kid: Type.Optional(
      Type.String({
        description: 'Key id in the header of its successors, when signingKey has one. Left out: as there.',
        minLength: 1,
        maxLength: 256,
      }),
    ),
    alg: Type.Enum([...SIGNING_ALGORITHMS], {
      description: 'Algorithm of its successors; must be among the issuer’s algorithms.',
    }),
  },
  { description: 'A key that verifies successors and signs none. Exactly one of pemFile, secret.' },
)

export const RenewalOptions = Options(
  {
    strategy: Type.Enum(['ahead', 'grace', 'both'], {
      description:
        'ahead: from `window` before its expiry on, responses carry the successor of a token; a client that pauses longer has to log in. grace: a token passes until `grace` after its expiry, and responses carry its successor; a stolen one works longer, too. both does both. Default ahead.',
      default: 'ahead',
    }),
    window: Type.Optional(
      Duration({
        least: '1ms',
        description:
          'How long before its expiry a token is renewed (ahead, both). Longer than clients pause between two requests, or they meet the expiry.',
      }),
    ),
    grace: Type.Optional(
      Duration({
        description:
          'How long after its expiry a token still passes and is renewed (grace, both). It contains clockTolerance rather than adding to it, so that nothing is tolerated twice; and it ends where no successor can be made.',
      }),
    ),
    overlap: Duration({
      description:
        'How long an old token still works after the first use of its successor, anywhere; each machine counts it from when it hears of that use, by no other’s clock, fractions of a second included. Without it, requests that were sent together with that use would be refused; onReuse: revoke-session needs 2s. Default 10s.',
      default: '10s',
    }),
    lifetime: Type.Optional(
      Duration({
        least: '1s',
        description:
          'exp - iat of a successor, where the gateway signs. Counted from the window on, not from the request.',
      }),
    ),
    maxSession: Duration({
      least: '1s',
      description:
        'How long a session may last, from auth_time of its first token (or its iat) on. Without an end, a stolen token would be renewed for ever; so it has no default.',
    }),
    signingKey: Type.Optional(SigningKeyOptions),
    verificationKeys: Type.Array(VerificationKeyOptions, {
      description:
        'Further keys whose successors are believed and whose public halves are published, though they sign nothing here. To replace signingKey without an outage: put the next key here on every machine; make it the signingKey, with the former one here; take that away when its last successor is over (lifetime + grace). Default none.',
      default: [],
      maxItems: 10,
    }),
    endpoint: Type.Optional(
      Type.String({
        description:
          'Where the issuer is asked when the gateway has no key: POST with the old token as bearer, answered {"access_token": "..."}. Requests never wait for it while their token lives. The token in the response must be good, must be of the same subject and must not move the beginning of the session (auth_time); with the claim renewed_from (the token’s id) the old one is retired. With revocation.store in Redis one machine asks for all, so that a session gets one successor; else each machine, and each worker, asks for itself. It should have the sid of its predecessor, so that revoking one ends the other, and origin_iat, the iat of the first.',
        pattern: '^https?://',
      }),
    ),
    timeout: Duration({
      least: '1ms',
      most: '1d',
      description: 'Time for one response of the endpoint, to the last byte. Default 5s.',
      default: '5s',
    }),
    maxRequests: Type.Integer({
      description:
        'Requests to the endpoint at once; further tokens wait for their next request. Without a bound, an issuer that hangs would pile them up. Default 32.',
      default: 32,
      minimum: 1,
      maximum: 1000,
    }),
    deliver: DeliverOption,
    stream: Type.Enum(['off', 'event'], {
      description:
        'Whether an open stream itself carries successors to its client, for those that make no other request: event sends each, when it is due, as an event `renewed_token` of text/event-stream (not where content-encoding stands) and as a WebSocket message {"type":"renewed_token","token":"..."}, which clients must know. Never for tokens from cookies. Default off.',
      default: 'off',
    }),
    onReuse: Type.Enum(['refuse', 'revoke-session'], {
      description:
        'What an old token that is used after `overlap` means: refuse answers 401 and counts it. revoke-session also ends its session everywhere, since either the client or the one before it is a thief; clients must then share one token. Default refuse.',
      default: 'refuse',
    }),
    jwksPath: Type.Optional(
      Type.String({
        description:
          'Path on the proxy listener with the public halves of signingKey and verificationKeys as a JWK set, so that other services can verify successors. Left out: it is not published.',
        pattern: '^/[A-Za-z0-9._~/-]+$',
        examples: ['/.well-known/renewal-keys.json'],
      }),
    ),
  },
  {
    description:
      'How tokens of this issuer are renewed while they are used. Left out: a token lives until it expires, then its client has to log in.',
  },
)

export type SigningKeyOptions = StaticDecode<typeof SigningKeyOptions>
export type VerificationKeyOptions = StaticDecode<typeof VerificationKeyOptions>
export type RenewalOptions = StaticDecode<typeof RenewalOptions>
