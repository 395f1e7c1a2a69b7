// Turns the body of POST /api/explain into a question, or says what is wrong with it.
import { METHODS, validateHeaderName, validateHeaderValue } from 'node:http'
import { isIP } from 'node:net'

import { readTime } from './read-time.ts'
import type { ExplainQuestion } from '../explain/explained-request.ts'

const FIELDS = ['method', 'target', 'headers', 'at', 'client']

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isHeader([name, value]: readonly [string, unknown]): boolean {
  if (typeof value !== 'string') return false
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}

/** The headers by lower-case name; undefined when they cannot be headers of one request. What was sent is not repeated: it may be a token. */
function readHeaders(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isRecord(value)) return undefined
  const entries = Object.entries(value)
  const headers = Object.fromEntries(entries.map(([name, text]) => [name.toLowerCase(), text as string]))
  return entries.every(isHeader) && Object.keys(headers).length === entries.length ? headers : undefined
}

export function readQuestion(body: unknown, nowSec: number): ExplainQuestion | string {
  if (!isRecord(body)) return 'the body must be a JSON object'
  if (Object.keys(body).some((name) => !FIELDS.includes(name)))
    return `there is a field that is not known; known are ${FIELDS.join(', ')}`
  const { method, target, headers: given = {}, at, client } = body
  if (typeof method !== 'string' || !METHODS.includes(method)) return 'method must be a method of HTTP, such as GET'
  if (typeof target !== 'string' || target === '') return 'target must be the path with its query, such as /api/things'
  const headers = readHeaders(given)
  if (headers === undefined) return 'headers must be an object of names and texts, each name once'
  const atSec = at === undefined ? undefined : readTime(at, nowSec)
  if (Number.isNaN(atSec)) return 'at must be seconds since 1970, or a date such as 2026-12-31T12:00:00Z'
  if (client !== undefined && (typeof client !== 'string' || isIP(client) === 0)) return 'client must be an IP address'
  return {
    request: { method, target, headers: { host: 'localhost', ...headers }, client },
    atMs: atSec === undefined ? undefined : atSec * 1000,
  }
}
