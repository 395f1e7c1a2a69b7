// What a reader of requests reads in the same bytes: compared between the fast lane and node:http.

/** One request as it was read. */
export interface Reading {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly rawHeaders: readonly string[]
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Buffer
  readonly complete: boolean
  /** The connection is for another request after this one. */
  readonly keepsAlive: boolean
}

/** Set-Cookie alone has a list. */
function sameValue(one: unknown, other: unknown): boolean {
  return one === other || (Array.isArray(one) && Array.isArray(other) && sameList(one as string[], other as string[]))
}

function sameHeaders(one: Reading['headers'], other: Reading['headers']): boolean {
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && sameValue(one[name], other[name]))
  )
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index])
}

/** The name of the first part that is not the same; undefined where the readings are equal. */
export function unequalPart(one: Reading, other: Reading): keyof Reading | undefined {
  if (one.method !== other.method) return 'method'
  if (one.target !== other.target) return 'target'
  if (one.version !== other.version) return 'version'
  if (!sameList(one.rawHeaders, other.rawHeaders)) return 'rawHeaders'
  if (!sameHeaders(one.headers, other.headers)) return 'headers'
  if (!one.body.equals(other.body)) return 'body'
  if (one.complete !== other.complete) return 'complete'
  if (one.keepsAlive !== other.keepsAlive) return 'keepsAlive'
  return undefined
}

/** For a report: in letters that can be copied. */
export function shown({ body, ...rest }: Reading): string {
  return JSON.stringify({ ...rest, body: body.toString('latin1') })
}
