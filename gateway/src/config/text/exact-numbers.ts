// Keeps the digits of numbers that a double would round, where they are compared with a claim.
import { isScalar, visit, type Document, type Scalar } from 'yaml'

import { pathOf } from './node-place.ts'
import { schemaAt, type SchemaNode } from '../schema/schema-walk.ts'
import { ExactNumber, NUMBER_PATTERN, readNumber } from '../../message/json/exact-number.ts'

const JSON_NUMBER = new RegExp(NUMBER_PATTERN)

/** Returns a YAML number in JSON notation; undefined for numbers that JSON lacks (.inf). */
function asJson({ source = '', format }: Scalar): string | undefined {
  if (format === 'HEX' || format === 'OCT') return String(BigInt(source))
  // YAML 1.2 core schema: a leading sign, leading zeros, no digit before or after the point.
  const [, sign = '', rest = ''] = /^([-+]?)0*(.*)$/.exec(source) ?? []
  const text = `${sign === '-' ? '-' : ''}${/^\d/.test(rest) ? '' : '0'}${rest.replace(/\.(?=$|[eE])/, '')}`
  return JSON_NUMBER.test(text) ? text : undefined
}

/** Replaces such numbers in place by `{ number: "12345678901234567890" }`, where the schema allows it. */
export function keepDigits(document: Document, schema: SchemaNode): void {
  visit(document, {
    Scalar(key, node, ancestors) {
      if (typeof node.value !== 'number' || key === 'key' || !isScalar(node)) return
      const text = asJson(node)
      if (text === undefined || !(readNumber(text) instanceof ExactNumber)) return
      const takesDigits = schemaAt(schema, [...pathOf(key, ancestors), 'number'])?.pattern === NUMBER_PATTERN
      if (takesDigits) node.value = { number: text }
    },
  })
}
