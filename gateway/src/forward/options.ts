// The options of the forward stage: the upstreams, and the header that tells them who calls.
import { Type, type StaticDecode } from 'typebox'

import { Duration, Options, Size } from '../option-types.ts'

export const AuthResultOptions = Options(
  {
    header: Type.String({
      description:
        'Name of the header that carries the result. Clients can never set it, in any spelling. Default x-auth-result.',
      pattern: "^[A-Za-z0-9!#$%&'*+.^`|~-]+$",
      examples: ['x-auth-result'],
      default: 'x-auth-result',
    }),
    format: Type.Enum(['result', 'claims'], {
      description:
        'result: {authenticated, issuer, subject, scopes, expiresAt, claims}. claims: the claims alone, as Envoy and ESPv2 send them. Default result.',
      default: 'result',
    }),
    claims: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'Only these claims are sent. Left out: all.',
        uniqueItems: true,
      }),
    ),
    maxBytes: Size({
      description: 'Longest header value; more is answered 500 auth_result_too_large, never cut. Default 7KiB.',
      default: '7KiB',
    }),
  },
  { description: 'The header with the authentication result: base64url without padding of UTF-8 JSON.', default: {} },
)

export const UpstreamOptions = Options(
  {
    targets: Type.Array(Type.String({ pattern: '^https?://[^/?#]+/?$', examples: ['http://127.0.0.1:3001'] }), {
      description: 'Origin of the service: scheme, host and port.',
      minItems: 1,
      maxItems: 1,
    }),
    connections: Type.Integer({
      description: 'Most connections to one target. Default 128.',
      default: 128,
      minimum: 1,
    }),
    timeouts: Options(
      {
        connect: Duration({ description: 'Time to connect, TLS included. Default 2s.', default: '2s' }),
        headers: Duration({
          description: 'Time from the end of the request to the response headers. Default 15s.',
          default: '15s',
        }),
        idle: Duration({ description: 'Longest silence inside a response body. Default 60s.', default: '60s' }),
      },
      { description: 'How long the upstream is waited for; then 504 upstream_timeout.', default: {} },
    ),
    tls: Type.Optional(
      Options(
        {
          ca: Type.Optional(
            Type.String({
              description: 'File with the CA certificates in PEM that replace the built-in ones.',
              format: 'file-path',
            }),
          ),
          servername: Type.Optional(
            Type.String({ description: 'Name to ask for (SNI) and to verify. Default the host of the target.' }),
          ),
        },
        { description: 'TLS to the target. Its certificate is always verified.' },
      ),
    ),
  },
  // The default makes typebox fill in what is inside; without targets it is an error all the same.
  { description: 'A service behind the gateway.', default: {} },
)

export const RouteTimeoutOptions = Options(
  {
    headers: Type.Optional(Duration({ description: 'Overrides the upstream’s timeouts.headers.' })),
    idle: Type.Optional(Duration({ description: 'Overrides the upstream’s timeouts.idle.' })),
  },
  { description: 'Timeouts of this route, where they differ from its upstream’s.' },
)

export type AuthResultOptions = StaticDecode<typeof AuthResultOptions>
export type UpstreamOptions = StaticDecode<typeof UpstreamOptions>
export type RouteTimeoutOptions = StaticDecode<typeof RouteTimeoutOptions>
