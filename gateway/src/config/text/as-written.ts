// Shows values as the file spells them: a message may repeat ${JWT_SECRET}, but never its value.
import { valueAt } from '../checks/loose.ts'
import type { Path } from '../problem.ts'
import { schemaAt, type SchemaNode } from '../schema/schema-walk.ts'
import { hasSecret, mayHoldSecrets } from './secret-text.ts'

export interface AsWritten {
  /** The value in quotes, truncated when it is long. */
  show(path: Path): string
  /** True when the value at this path contains a reference. */
  isReference(path: Path): boolean
  /** True when a message may repeat the value: it contains no reference and no secret. */
  isTellable(path: Path): boolean
}

const MAX_SHOWN = 60

function isReferenceText(written: unknown): boolean {
  return typeof written === 'string' && written.replaceAll('$${', '').includes('${')
}

/** `written` is the content of the file before substitution. */
export function createAsWritten(written: unknown, schema: SchemaNode): AsWritten {
  return {
    show(path) {
      if (schemaAt(schema, path)?.writeOnly === true) return 'what is written here'
      const value = valueAt(written, path)
      if (typeof value !== 'string') return String(value)
      return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value)
    },
    isTellable(path) {
      const [own, ...around] = path.map((_, index) => schemaAt(schema, path.slice(0, path.length - index)))
      if (own === undefined || mayHoldSecrets(own) || around.some((node) => node !== undefined && hasSecret(node)))
        return false
      const value = valueAt(written, path)
      return (Array.isArray(value) ? value : [value]).every(
        (member) => typeof member !== 'object' && !isReferenceText(member),
      )
    },
    isReference: (path) => isReferenceText(valueAt(written, path)),
  }
}
