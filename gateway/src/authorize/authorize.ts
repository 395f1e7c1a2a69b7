// What a route demands of a verified token, compiled once: scopes and claims.
import { compileClaims } from './claim-conditions.ts'
import { compileOnce } from '../options/compile-once.ts'
import type { RequireOptions, ScopesOptions } from '../options/route/require.ts'
import type { AuthResult } from '../authenticate/auth-result.ts'
import { quotedList } from '../message/shown-value.ts'
import { Failure } from '../failure.ts'
import type { ReadOnly } from '../options/read-only.ts'

/** Says why this caller may not pass, or nothing. */
export type Requirement = (caller: AuthResult) => Failure | undefined

function compileScopes({ all = [], any = [] }: ReadOnly<ScopesOptions>): Requirement {
  const detail = `it needs ${[all.join(' '), any.length > 0 ? `one of ${any.join(' ')}` : ''].filter((text) => text !== '').join(' and ')}`
  const missing = (scopes: readonly string[]) =>
    new Failure('scope_missing', `${detail}; it has ${scopes.length === 0 ? 'none' : quotedList(scopes)}`)
  return ({ scopes }) => {
    for (let index = 0; index < all.length; index += 1)
      if (!scopes.includes(all[index] as string)) return missing(scopes)
    if (any.length === 0) return undefined
    for (let index = 0; index < any.length; index += 1) if (scopes.includes(any[index] as string)) return undefined
    return missing(scopes)
  }
}

function every(requirements: readonly Requirement[]): Requirement {
  const [only] = requirements
  if (only !== undefined && requirements.length === 1) return only
  return (caller) => {
    for (let index = 0; index < requirements.length; index += 1) {
      const refused = (requirements[index] as Requirement)(caller)
      if (refused !== undefined) return refused
    }
    return undefined
  }
}

function some(requirements: readonly Requirement[]): Requirement {
  return (caller) => {
    let refused: Failure | undefined
    for (const requirement of requirements) {
      const reason = requirement(caller)
      if (reason === undefined) return undefined
      refused ??= reason
    }
    return refused
  }
}

/** By its names in the config: the values may be personal. */
function subjectsOf({ scopes, claims }: ReadOnly<RequireOptions>): readonly string[] {
  return [
    ...(scopes?.all ?? []).map((scope) => `scope ${scope}`),
    ...(scopes?.any ?? []).map((scope) => `scope ${scope}`),
    ...Object.keys(claims ?? {}).map((pointer) => `claim ${pointer}`),
  ]
}

function none(options: ReadOnly<RequireOptions>): Requirement {
  const requirement = compileRequirement(options)
  const subjects = [...new Set(subjectsOf(options))].join(', ')
  const forbidden = new Failure('claim_forbidden', `it meets what this route does not allow (not: ${subjects})`)
  return (caller) => (requirement(caller) === undefined ? forbidden : undefined)
}

/** All keys of a requirement must hold. Failures: scope_missing, claim_forbidden. */
export function compileRequirement({ scopes, claims, all, any, not }: ReadOnly<RequireOptions>): Requirement {
  const parts: Requirement[] = []
  if (scopes !== undefined) parts.push(compileScopes(scopes))
  if (claims !== undefined) parts.push(compileClaims(claims))
  if (all !== undefined) parts.push(every(all.map(compileRequirement)))
  if (any !== undefined) parts.push(some(any.map(compileRequirement)))
  if (not !== undefined) parts.push(none(not))
  return every(parts)
}

/** The scopes that a refused client should ask for (RFC 6750 section 3: the attribute scope of the challenge). */
export function scopesToAskFor({ scopes }: ReadOnly<RequireOptions>): readonly string[] {
  return [...new Set([...(scopes?.all ?? []), ...(scopes?.any ?? [])])]
}

/** What one route demands. */
export interface AuthorizationPolicy {
  /** Undefined: nothing. */
  readonly authorize: Requirement | undefined
  /** Scopes to ask for in a challenge. */
  readonly scopes: readonly string[]
}

export interface Authorization {
  policyOf(route: { readonly require?: ReadOnly<RequireOptions> }): AuthorizationPolicy
}

const NO_DEMANDS: AuthorizationPolicy = { authorize: undefined, scopes: [] }

/** The door of this stage. Routes that demand the same get the same policy. */
export function createAuthorization(): Authorization {
  const policyOf = compileOnce((require: ReadOnly<RequireOptions>): AuthorizationPolicy => ({
    authorize: compileRequirement(require),
    scopes: scopesToAskFor(require),
  }))
  return { policyOf: ({ require }) => (require === undefined ? NO_DEMANDS : policyOf(require)) }
}
