// The options of the authorize stage: the scopes and claims that a verified token needs on a route.
import { Type, type StaticDecode } from 'typebox'

import { NUMBER_PATTERN } from '../../message/json/exact-number.ts'
import { Options } from '../kinds.ts'

const ClaimValue = Type.Union(
  [
    Type.String(),
    Type.Number(),
    Type.Boolean(),
    Options(
      { number: Type.String({ description: 'A number of JSON, to the digit.', pattern: NUMBER_PATTERN }) },
      { description: 'A number by its digits; a plain number that no double holds is read as this by itself.' },
    ),
  ],
  { description: 'a string, a number or true/false' },
)

export const ScopesOptions = Options(
  {
    all: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { description: 'Every one of these is needed.', minItems: 1 }),
    ),
    any: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { description: 'One of these is enough.', minItems: 1 }),
    ),
  },
  {
    description: 'Scopes from the claim scope (a string with spaces, RFC 8693) or scp (string or array).',
    minProperties: 1,
  },
)

export const ClaimCondition = Options(
  {
    equals: Type.Optional(ClaimValue),
    oneOf: Type.Optional(Type.Array(ClaimValue, { description: 'The claim equals one of these.', minItems: 1 })),
    contains: Type.Optional(ClaimValue),
    prefix: Type.Optional(Type.String({ description: 'The claim is a string that starts with this.', minLength: 1 })),
    exists: Type.Optional(Type.Boolean({ description: 'The claim is there (true) or not (false).' })),
  },
  {
    description:
      'What one claim must be; several keys must all hold. equals: the same value. contains: an array with that member, or that very text alone. Numbers are compared to the digit.',
    minProperties: 1,
  },
)

const ClaimsOptions = Type.Record(Type.String({ pattern: '^/' }), ClaimCondition, {
  description: 'Conditions by JSON Pointer (RFC 6901); all must hold. A claim named http://a.com is /http:~1~1a.com.',
})

const conditions = { scopes: Type.Optional(ScopesOptions), claims: Type.Optional(ClaimsOptions) }

// Two levels by intent: a more complex requirement belongs in the backend, and a bounded schema can be checked
// and documented key by key.
const InnerRequirement = Options(conditions, {
  description: 'Scopes and claims, all of which must hold.',
  minProperties: 1,
})

export const RequireOptions = Options(
  {
    ...conditions,
    all: Type.Optional(Type.Array(InnerRequirement, { description: 'All of these must hold.', minItems: 1 })),
    any: Type.Optional(Type.Array(InnerRequirement, { description: 'At least one of these must hold.', minItems: 1 })),
    not: Type.Optional(InnerRequirement),
  },
  { description: 'What the token must say; all keys must hold. Otherwise 403.', minProperties: 1 },
)

export type ClaimValue = StaticDecode<typeof ClaimValue>
export type ScopesOptions = StaticDecode<typeof ScopesOptions>
export type ClaimCondition = StaticDecode<typeof ClaimCondition>
export type RequireOptions = StaticDecode<typeof RequireOptions>
