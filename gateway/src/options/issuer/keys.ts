// The options of an issuer's keys: their source, how they are fetched, and how long they are used.
import { Type, type StaticDecode } from 'typebox'

import { Duration, Options } from '../kinds.ts'

const KeysHeaderOptions = Options(
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
      least: '1s',
      description:
        'When to fetch again if the response has no Cache-Control max-age (which counts within 60s and 24h). Default 5m.',
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
      least: '1ms',
      most: '1d',
      description: 'Time for one fetch, to the last byte, and the longest that a request waits for keys. Default 5s.',
      default: '5s',
    }),
  },
  { description: 'Where the keys come from: exactly one of jwksUrl, discovery, jwksFile, pemFile, secret.' },
)

export type KeysOptions = StaticDecode<typeof KeysOptions>
