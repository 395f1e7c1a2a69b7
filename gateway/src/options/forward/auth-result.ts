// The options of the header that tells upstreams who calls.
import { Type, type StaticDecode } from 'typebox'

import { Options, Size } from '../kinds.ts'

export const AuthResultOptions = Options(
  {
    header: Type.String({
      description:
        'Name of the header that carries the result. Clients can never set it, in any spelling. Default x-auth-result.',
      pattern: "^[A-Za-z0-9!#$%&'*+.^`|~-]+$",
      examples: ['x-auth-result'],
      default: 'x-auth-result',
    }),
    format: Type.Enum(['result', 'claims', 'none'], {
      description:
        'result: {authenticated, issuer, subject, scopes, expiresAt, claims}. claims: the claims alone, as Envoy and ESPv2 send them. none: no such header, for services that read claimHeaders or an assertion; clients cannot send it then either. Default result.',
      default: 'result',
    }),
    pad: Type.Boolean({
      description:
        'Whether the value ends with the = of base64, for decoders that ask for it, as Envoy’s pad_forward_payload_header. Default false.',
      default: false,
    }),
    claims: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'Only these claims are sent. Left out: all.',
        uniqueItems: true,
      }),
    ),
    maxBytes: Size({
      least: '64B',
      description: 'Longest header value; more is answered 500 auth_result_too_large, never cut. Default 7KiB.',
      default: '7KiB',
    }),
  },
  { description: 'The header with the authentication result: base64url of UTF-8 JSON.', default: {} },
)

export type AuthResultOptions = StaticDecode<typeof AuthResultOptions>
