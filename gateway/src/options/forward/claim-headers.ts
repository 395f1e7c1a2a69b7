// The options of headers that each carry one claim of the token.
import { Type, type StaticDecode } from 'typebox'

import { Options, Size } from '../kinds.ts'

const Pointer = Type.String({
  description: 'JSON Pointer to the claim (RFC 6901).',
  examples: ['/sub', '/realm_access/roles'],
})

const ClaimHeader = Options(
  {
    claim: Type.String({
      description:
        'JSON Pointer to the claim (RFC 6901): /realm_access/roles; a claim named http://a.com is /http:~1~1a.com. "" is all claims, with encode: base64url or json.',
      pattern: '^(/|$)',
      examples: ['/sub', '/realm_access/roles'],
    }),
    join: Type.Optional(
      Type.String({
        description:
          'What stands between the members of a list. A value with a member that holds it (or is empty) is left out: it would read as two. Left out: a list is no text.',
        pattern: '^[ -~]{1,3}$',
        examples: [','],
      }),
    ),
    default: Type.Optional(
      Type.String({
        description:
          'What is sent where the token has no such claim (null, an empty text and an empty list to join count as none), and for callers without a token. Left out: no header.',
        minLength: 1,
        maxLength: 1024,
      }),
    ),
    encode: Type.Optional(
      Type.Enum(['text', 'base64url', 'json'], {
        description:
          'text: the value as it is, where it is printable ASCII without blanks at its ends; others are left out. base64url: of the UTF-8 text, without padding; of the JSON where the claim is no text. json: the JSON, in ASCII (\\u00e9). Default text.',
      }),
    ),
    maxBytes: Type.Optional(
      Size({
        least: '1B',
        most: '64KiB',
        description: 'Longest value; a longer one is left out, never cut. Default 1KiB.',
      }),
    ),
  },
  { description: 'A claim, and how it is written.' },
)

const SAYS =
  'Headers with one claim each, by name: a JSON Pointer, or options. Clients can never set them, in any spelling, on any route; nor can upstreams answer with them. What is left out is counted by tollgate_claim_headers_left_out_total.'

const WHICH = 'Which claim, and how it is written: a JSON Pointer, or options.'

const AnyClaimHeader = Type.Union([Pointer, ClaimHeader], { description: WHICH })

export const ClaimHeadersOptions = Type.Record(Type.String(), AnyClaimHeader, {
  description: `${SAYS} Made once for each token.`,
  examples: [{ 'x-user-id': '/sub', 'x-user-roles': { claim: '/realm_access/roles', join: ',' } }],
  maxProperties: 32,
})

const RouteClaimHeader = Type.Union([Pointer, ClaimHeader, Type.Literal(false)], {
  description: `${WHICH} false: not on this route.`,
})

export const RouteClaimHeadersOptions = Type.Record(Type.String(), RouteClaimHeader, {
  description:
    'Headers with one claim each on this route, beside those of claimHeaders at the top; one of the same name takes its place, and false leaves it out.',
  maxProperties: 32,
})

export type ClaimHeaderOptions = StaticDecode<typeof ClaimHeader>
export type RouteClaimHeader = StaticDecode<typeof RouteClaimHeader>
