// How many bytes of heap the claims of a token take: by their parts, as a list of small values takes many times its text.
import type { JsonValue } from './auth-result.ts'

// Fitted to the heap that claims of eight kinds took (npm run bench:memory).
const BYTES_PER_TEXT = 20
const BYTES_PER_CONTAINER = 32
const BYTES_PER_PLACE = 8
/** An object with more members than this is taken for a dictionary, whose names no other token has. */
const SHARED_NAMES = 16
const BYTES_PER_NAME = 140

/** Rather too many than too few. Numbers and the like are in the place that holds them. */
export function bytesOf(value: JsonValue): number {
  if (typeof value === 'string') return BYTES_PER_TEXT + value.length
  if (typeof value !== 'object' || value === null) return 0
  let bytes = BYTES_PER_CONTAINER
  // Two loops, as where claims are frozen: `for in` over an array turns each index into a string.
  if (isList(value)) {
    for (const item of value) bytes += BYTES_PER_PLACE + bytesOf(item)
    return bytes
  }
  let members = 0
  for (const name in value) {
    members += 1
    bytes += BYTES_PER_PLACE + bytesOf(value[name] ?? null)
  }
  return bytes + BYTES_PER_NAME * Math.max(0, members - SHARED_NAMES)
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
