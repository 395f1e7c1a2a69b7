// Finds a value in JSON by its pointer (RFC 6901): nested claims, and names like URLs, alike.
import { ExactNumber } from './exact-number.ts'

/** The value may be any part of what is given: `Value` is the type of all JSON. Undefined where there is none. */
export function compilePointer<Value>(pointer: string): (document: Value) => Value | undefined {
  // ~1 before ~0, or "~01" would become "/" (RFC 6901 section 4).
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  // Only a step that names what every object inherits (/constructor) needs to be told from a member of the claims.
  const inherits = steps.some((step) => step in Object.prototype)
  return (document) => {
    let value: Value | undefined = document
    for (let index = 0; index < steps.length; index += 1) {
      const step = steps[index] as string
      if (typeof value !== 'object' || value === null || value instanceof ExactNumber) return undefined
      if (inherits && !Object.hasOwn(value, step)) return undefined
      value = (value as Readonly<Record<string, Value>>)[step]
    }
    return value
  }
}
