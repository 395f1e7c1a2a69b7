// Builds the caller's fields of an access line (subject, issuer, kid, claims), once for each token.
import { createHash } from 'node:crypto'

import type { LogFields } from './log.ts'
import type { AuthResult, JsonValue } from '../authenticate/auth-result.ts'
import { ExactNumber } from '../message/json/exact-number.ts'
import { compilePointer } from '../message/json/json-pointer.ts'
import { printable, shortText } from '../message/shown-value.ts'
import { withoutTokens } from '../message/told-text.ts'
import type { Config } from '../options/config.ts'

export type CallerFields = Pick<LogFields, 'subject' | 'issuer' | 'kid' | 'claims'>

const MAX_ITEMS = 32
const HASH_CHARACTERS = 16

type Scalar = string | number | boolean

function scalarOf(value: unknown): Scalar | undefined {
  if (value instanceof ExactNumber) return ExactNumber.textOf(value)
  if (typeof value === 'string') return shortText(value)
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}

/** Returns a scalar or a list of scalars; undefined for objects, whose members the config does not name. */
function toldValue(value: JsonValue | undefined): Scalar | readonly Scalar[] | undefined {
  return Array.isArray(value) ? value.slice(0, MAX_ITEMS).flatMap((item) => scalarOf(item) ?? []) : scalarOf(value)
}

function hashOf({ issuerId, subject }: AuthResult): string {
  return createHash('sha256').update(`${issuerId}\n${subject}`).digest('base64url').slice(0, HASH_CHARACTERS)
}

const NOBODY: CallerFields = Object.freeze({})

/**
 * Creates the builder. It returns no fields for anonymous callers, and caches the fields of each auth result, which all
 * requests with the token share.
 */
export function createCallerFields({ subject: told, claims }: Pick<Config['log'], 'subject' | 'claims'>) {
  const pointers = claims.map((pointer) => ({ pointer, read: compilePointer<JsonValue>(pointer) }))
  const known = new WeakMap<AuthResult, CallerFields>()

  function fieldsOf(caller: AuthResult): CallerFields {
    const { subject, issuer, kid } = caller
    const values = pointers.flatMap(({ pointer, read }) => {
      const value = toldValue(read(caller.claims))
      return value === undefined ? [] : [[pointer, value] as const]
    })
    return {
      subject:
        subject === undefined || told === 'off'
          ? undefined
          : told === 'hash'
            ? hashOf(caller)
            : printable(withoutTokens(subject)),
      issuer,
      kid: kid === undefined ? undefined : shortText(kid),
      claims: values.length === 0 ? undefined : Object.fromEntries(values),
    }
  }

  return (caller: AuthResult | undefined): CallerFields => {
    if (caller?.authenticated !== true) return NOBODY
    const fields = known.get(caller) ?? fieldsOf(caller)
    known.set(caller, fields)
    return fields
  }
}
