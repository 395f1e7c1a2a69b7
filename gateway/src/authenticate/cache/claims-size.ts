// Estimates the heap size of a token's claims, part by part: small values take many times the length of their text.
import type { Claims, JsonValue } from '../auth-result.ts'
import { ExactNumber } from '../../message/json/exact-number.ts'

type Container = readonly JsonValue[] | Claims

// Fitted to measurements of eight kinds of claims (npm run bench:memory).
const BYTES_PER_TEXT = 20
const BYTES_PER_CONTAINER = 32
const BYTES_PER_PLACE = 8
/** An object with more members counts as a dictionary, whose names are not shared with other tokens. */
const SHARED_NAMES = 16
const BYTES_PER_NAME = 140

/** Returns an estimate in bytes, rather too high. Numbers and booleans are part of the slot that holds them. */
export function bytesOf(claims: Claims): number {
  let bytes = 0
  // No recursion: the sender chooses the depth.
  const containers: Container[] = [claims]
  for (let container = containers.pop(); container !== undefined; container = containers.pop()) {
    bytes += BYTES_PER_CONTAINER
    // Two loops: `for in` over an array turns each index into a string.
    if (isList(container)) {
      for (const item of container) bytes += BYTES_PER_PLACE + bytesAt(item, containers)
      continue
    }
    let members = 0
    for (const name in container) {
      members += 1
      bytes += BYTES_PER_PLACE + bytesAt(container[name] ?? null, containers)
    }
    bytes += BYTES_PER_NAME * Math.max(0, members - SHARED_NAMES)
  }
  return bytes
}

/** The same for the values of headers with single claims. */
export function bytesOfValues(values: readonly (string | undefined)[]): number {
  let bytes = 0
  for (const value of values) bytes += BYTES_PER_PLACE + (value === undefined ? 0 : BYTES_PER_TEXT + value.length)
  return bytes
}

/** Returns the size of a value. Pushes a container to `containers`, to be counted later. */
function bytesAt(value: JsonValue, containers: Container[]): number {
  if (typeof value === 'string') return BYTES_PER_TEXT + value.length
  if (typeof value !== 'object' || value === null) return 0
  if (value instanceof ExactNumber) return BYTES_PER_CONTAINER + BYTES_PER_TEXT + ExactNumber.textOf(value).length
  containers.push(value)
  return 0
}

function isList(value: Container): value is readonly JsonValue[] {
  return Array.isArray(value)
}
