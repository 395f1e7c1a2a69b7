// The options that change headers of requests and responses: for all routes, for an upstream, for a route.
import { Type, type StaticDecode } from 'typebox'

import { Options } from '../kinds.ts'

// Values may hold credentials of the gateway: they are never shown.
const Value = Type.String({
  description:
    'Printable ASCII, with ${client.ip}, ${request.id}, ${route.path} and ${claims:/sub} (a JSON Pointer) put in for each request, beside ${NAME} and ${file:...}, which are read at the start. A value with a claim that the caller lacks, or that is no such text, is left out as a whole. $${ stands for itself.',
  minLength: 1,
  maxLength: 4096,
  writeOnly: true,
  template: true,
  examples: ['gateway', '${claims:/tenant}'],
})

const Values = (description: string) => Type.Optional(Type.Record(Type.String(), Value, { description }))

const Edits = (what: string) =>
  Type.Optional(
    Options(
      {
        set: Values(
          `Headers of the ${what} with this one value: others of the name, in any spelling, are removed first.`,
        ),
        add: Values(`Headers that the ${what} gets beside those it has.`),
        remove: Type.Optional(
          Type.Array(Type.String(), { description: `Headers that are removed from the ${what}, in any spelling.` }),
        ),
      },
      { description: `What is changed in the headers of the ${what}.` },
    ),
  )

/** What each preset says, where the upstream says nothing of it. */
export const SECURITY_HEADERS = {
  hsts: ['strict-transport-security', 'max-age=31536000; includeSubDomains'],
  nosniff: ['x-content-type-options', 'nosniff'],
  'frame-options': ['x-frame-options', 'DENY'],
  'referrer-policy': ['referrer-policy', 'no-referrer'],
} as const

export const SECURITY_PRESETS = ['hsts', 'nosniff', 'frame-options', 'referrer-policy'] as const

export const HeaderEditsOptions = Options(
  {
    request: Edits('request'),
    response: Edits('response'),
    security: Type.Optional(
      Type.Array(Type.Enum([...SECURITY_PRESETS]), {
        description: `Response headers for browsers, where the upstream says nothing of it. hsts: ${SECURITY_HEADERS.hsts.join(': ')} (to clients that come by HTTPS, or through a trusted proxy). nosniff: ${SECURITY_HEADERS.nosniff.join(': ')}. frame-options: ${SECURITY_HEADERS['frame-options'].join(': ')}. referrer-policy: ${SECURITY_HEADERS['referrer-policy'].join(': ')}.`,
        uniqueItems: true,
      }),
    ),
  },
  {
    description:
      'Changes of headers: those of all routes, then those of the upstream, then those of the route; of each what is removed, then set, then added. What frames a message, belongs to one connection or is the gateway’s own cannot be changed.',
  },
)

export type HeaderEditsOptions = StaticDecode<typeof HeaderEditsOptions>
