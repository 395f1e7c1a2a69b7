// The users file: who may log in, and what their tokens say.
import { readFile } from 'node:fs/promises'

import { parse } from 'yaml'

import { StartupError } from '../startup-error.ts'
import { hasExpectedCost } from './password.ts'

export interface User {
  /** Becomes `sub`. */
  readonly name: string
  readonly passwordHash: string
  readonly scopes: readonly string[]
  /** Public and private claims, copied into the token. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** By name. Throws a StartupError that names the file and what is wrong in it. */
export async function loadUsers(path: string): Promise<ReadonlyMap<string, User>> {
  const refuse = (reason: string): never => {
    throw new StartupError(`${path}: ${reason}`)
  }

  const text = await readFile(path, 'utf8').catch((error: Error) => refuse(error.message))
  const file = parseYaml(text, refuse)
  if (!isObject(file) || !isObject(file['users'])) return refuse('must have a map named "users"')

  return new Map(Object.entries(file['users']).map(([name, entry]) => [name, toUser(name, entry, refuse)]))
}

function parseYaml(text: string, refuse: (reason: string) => never): unknown {
  try {
    return parse(text)
  } catch (error) {
    // Further lines of the message quote the file, which holds password hashes.
    return refuse((error as Error).message.split('\n')[0] ?? '')
  }
}

function toUser(name: string, entry: unknown, refuse: (reason: string) => never): User {
  const { passwordHash, scopes = [], claims = {} } = isObject(entry) ? entry : {}
  if (typeof passwordHash !== 'string' || !hasExpectedCost(passwordHash)) {
    return refuse(`${name}: passwordHash must be an argon2id hash with m=19456, t=2, p=1`)
  }
  if (!Array.isArray(scopes) || !scopes.every(isScope)) return refuse(`${name}: scopes must be a list of scope names`)
  if (!isObject(claims)) return refuse(`${name}: claims must be a map`)
  return { name, passwordHash, scopes, claims }
}

// RFC 6749 section 3.3. A space would make two scopes of one.
function isScope(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
