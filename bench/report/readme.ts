// npm run bench:readme: writes the measured tables of README.md and docs/ from the JSON of the last runs, between their markers.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

import { peersInShort, peersTable, renewalTable, verifyTable } from './measured-tables.ts'

const ROOT = new URL('../../../', import.meta.url)

export interface Section {
  readonly document: string
  readonly name: string
  /** The file in bench/results that it is made of, and the bench that writes that. */
  readonly results: string
  readonly bench: string
  readonly text: (json: string) => string
}

export const SECTIONS: readonly Section[] = [
  { document: 'README.md', name: 'in short', results: 'peers.json', bench: 'bench:peers', text: peersInShort },
  { document: 'docs/measured.md', name: 'peers', results: 'peers.json', bench: 'bench:peers', text: peersTable },
  { document: 'docs/measured.md', name: 'verify', results: 'verify.json', bench: 'bench -- verify', text: verifyTable },
  { document: 'docs/renewal.md', name: 'renewal', results: 'renewal.json', bench: 'bench:renewal', text: renewalTable },
]

export const beginOf = (name: string) => `<!-- measured: ${name}; npm run bench:readme writes up to the end mark -->`
export const endOf = (name: string) => `<!-- /measured: ${name} -->`

/** The document with one measured part replaced. Throws when its markers are not there once each. */
export function withMeasured(document: string, name: string, measured: string): string {
  const [begin, end] = [beginOf(name), endOf(name)]
  const [before, rest, ...more] = document.split(begin)
  const [, after, ...evenMore] = rest?.split(end) ?? []
  if (before === undefined || after === undefined || more.length + evenMore.length > 0)
    throw new Error(`the document must have ${begin} and ${end} once each`)
  return `${before}${begin}\n${measured}\n${end}${after}`
}

/** `json`: the text of the results, undefined before the first run. */
export function measuredText({ bench, text }: Section, json: string | undefined): string {
  return json === undefined ? `Not measured yet: \`npm run ${bench}\`, then \`npm run bench:readme\`.` : text(json)
}

export function updateReadme(): void {
  for (const section of SECTIONS) {
    const results = new URL(`bench/results/${section.results}`, ROOT)
    const json = existsSync(results) ? readFileSync(results, 'utf8') : undefined
    const document = new URL(section.document, ROOT)
    writeFileSync(document, withMeasured(readFileSync(document, 'utf8'), section.name, measuredText(section, json)))
  }
}
