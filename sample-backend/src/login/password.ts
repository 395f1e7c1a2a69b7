// Checks a password in the same time whether the user exists or not.
import { randomUUID } from 'node:crypto'

import { hash, parseOptions, verify } from '@node-rs/argon2'

// OWASP password storage cheat sheet: argon2id with 19 MiB, two passes, one lane.
const COST = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** False for anything but argon2id with our cost: a cheaper or dearer hash would tell by its time which users exist. */
export function hasExpectedCost(passwordHash: string): boolean {
  try {
    const { algorithm, memoryCost, timeCost, parallelism } = parseOptions(passwordHash)
    return JSON.stringify({ algorithm, memoryCost, timeCost, parallelism }) === JSON.stringify(COST)
  } catch {
    return false
  }
}

interface WithPassword {
  readonly passwordHash: string
}

/** Resolves to a function that finds the user with this name and password, if there is one. */
export async function createPasswordCheck<User extends WithPassword>(
  users: ReadonlyMap<string, User>,
): Promise<(username: string, password: string) => Promise<User | undefined>> {
  const nobodysHash = await hash(randomUUID(), COST)

  return async (username, password) => {
    const user = users.get(username)
    const matches = await verify(user?.passwordHash ?? nobodysHash, password)
    return matches ? user : undefined
  }
}
