// Checks that durations and sizes are within the range of their option.
import { valueAt } from './loose.ts'
import type { Finding } from '../problem.ts'
import { eachOption, unitKindOf, type SchemaNode } from '../schema/schema-walk.ts'
import { parseDuration, parseSize } from '../../options/kinds.ts'

function faultOf(value: string, { least, most }: SchemaNode, amountOf: (text: string) => number): string | undefined {
  if (least !== undefined && amountOf(value) < amountOf(least)) return `must be at least ${least}`
  return most !== undefined && amountOf(value) > amountOf(most) ? `must be at most ${most}` : undefined
}

/** Checks the range of each duration and size. The schema reports values that are neither. */
export function checkRanges(schema: SchemaNode, config: unknown): readonly Finding[] {
  const findings: Finding[] = []
  eachOption(schema, config, (option, path) => {
    if (option.least === undefined && option.most === undefined) return
    const value = valueAt(config, path)
    if (typeof value !== 'string') return
    const message = faultOf(value, option, unitKindOf(option) === 'size' ? parseSize : parseDuration)
    if (message !== undefined) findings.push({ path, message })
  })
  return findings
}
