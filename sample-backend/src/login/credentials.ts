// User name and password out of a login's body.
import type { FastifyInstance } from 'fastify'

export interface Credentials {
  readonly username: string
  readonly password: string
}

// argon2 reads the whole password, and the limiter keeps the name.
const MAX_CHARACTERS = 200

/** Lets a plugin take HTML forms beside JSON. */
export function acceptForms(app: FastifyInstance): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    const fields = new Map<string, string | string[]>()
    // A name given twice becomes a list, which is not a string and is refused below.
    for (const [name, value] of new URLSearchParams(String(body))) {
      fields.set(name, fields.has(name) ? [value] : value)
    }
    done(null, Object.fromEntries(fields))
  })
}

/** Undefined unless both are there once, as non-empty strings of a sane length. */
export function readCredentials(body: unknown): Credentials | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { username, password } = body as Readonly<Record<string, unknown>>
  return isSane(username) && isSane(password) ? { username, password } : undefined
}

function isSane(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_CHARACTERS
}
