// The options of the assertion: a token of the gateway itself, in which an upstream reads who calls and can verify it.
import { Type, type StaticDecode } from 'typebox'

import { Duration, Options } from '../kinds.ts'

const kid = Type.Optional(
  Type.String({
    description:
      'Key id in the header of the assertions. Left out: the one that `keys generate` wrote into the pemFile, else the thumbprint of the key (RFC 7638).',
    minLength: 1,
    maxLength: 256,
  }),
)

const alg = Type.Enum(['EdDSA', 'ES256'], { description: 'Algorithm of the key.' })

const SigningKey = Options(
  {
    pemFile: Type.String({
      description: 'File with the private key in PEM, one of its own: `keys generate` makes it.',
      format: 'file-path',
    }),
    kid,
    alg,
  },
  { description: 'The key that signs assertions.' },
)

const VerificationKey = Options(
  {
    pemFile: Type.String({
      description: 'File with the key in PEM. The public half is enough, and of a private one only that is used.',
      format: 'file-path',
    }),
    kid,
    alg,
  },
  { description: 'A key whose public half is published though it signs nothing here.' },
)

export const AssertionOptions = Options(
  {
    header: Type.String({
      description: 'Name of the header. Clients can never set it, in any spelling. Default x-assertion.',
      default: 'x-assertion',
    }),
    issuer: Type.String({
      description: 'iss of the assertions: the name by which services know this gateway.',
      minLength: 1,
      examples: ['https://gateway.example.com'],
    }),
    signingKey: SigningKey,
    verificationKeys: Type.Array(VerificationKey, {
      description:
        'Further keys that are published at jwksPath. To replace signingKey without an outage: put the next key here on every machine, and wait until services have fetched the keys anew; make it the signingKey, with the former one here; take that away after lifetime. Default none.',
      default: [],
      maxItems: 10,
    }),
    jwksPath: Type.Optional(
      Type.String({
        description:
          'Path on the proxy listener with the public halves of signingKey and verificationKeys as a JWK set. Left out: they are not published.',
        pattern: '^/[A-Za-z0-9._~/-]+$',
        examples: ['/.well-known/assertion-keys.json'],
      }),
    ),
    audiences: Type.Record(
      Type.String(),
      Type.Union([Type.String({ minLength: 1 }), Type.Literal(false)], {
        description: 'aud of the assertions for this upstream; false: it gets none.',
      }),
      {
        description:
          'aud of the assertions, by name of the upstream: each service must take its own alone, so that none can call another with it. Left out: the name of the upstream.',
        default: {},
      },
    ),
    lifetime: Duration({
      least: '10s',
      most: '1d',
      description: 'exp - iat, at most; none outlives the token of its caller. Default 5m.',
      default: '5m',
    }),
    claims: Type.Array(Type.String({ minLength: 1 }), {
      description:
        'Claims of the token that are copied as they are, beside sub, sub_id (issuer and subject, RFC 9493), act (RFC 8693) and txn (RFC 8417; without one in the token its digest). Default none.',
      default: [],
      uniqueItems: true,
      examples: [['scope', 'email']],
    }),
  },
  {
    description:
      'A signed token of the gateway (typ assertion+jwt) for the upstream, so that services need not trust the network: made once for each token and upstream while it lasts, of callers with a token alone. Left out: none.',
  },
)

export type AssertionOptions = StaticDecode<typeof AssertionOptions>
