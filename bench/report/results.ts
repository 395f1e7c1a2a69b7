// Writes what was measured to bench/results, and says which budgets were met.
import { mkdirSync, writeFileSync } from 'node:fs'

const RESULTS = new URL('../../results/', import.meta.url)

export interface Budget {
  readonly name: string
  readonly value: number
  readonly limit: number
  /** `most`: the value may be at most the limit; `least`: at least. */
  readonly kind: 'most' | 'least'
}

export function budgetText({ name, value, limit, kind }: Budget): string {
  const met = kind === 'most' ? value <= limit : value >= limit
  return `${met ? 'met   ' : 'MISSED'} ${name}: ${value.toFixed(2)}, ${kind === 'most' ? 'at most' : 'at least'} ${limit}`
}

/** Quick runs prove that a bench works and say nothing about speed: theirs are not kept with those that count. */
export function writeResult(name: string, text: string, quick = false): void {
  const directory = quick ? new URL('quick/', RESULTS) : RESULTS
  mkdirSync(directory, { recursive: true })
  writeFileSync(new URL(name, directory), text)
}
