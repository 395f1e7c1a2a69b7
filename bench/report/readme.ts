// npm run bench:readme: writes the measured tables of the README from the JSON of the last runs, between their markers.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

import { peersSection } from './readme-peers.ts'

const ROOT = new URL('../../../', import.meta.url)
const README = new URL('README.md', ROOT)

export const BEGIN = '<!-- measured: npm run bench:readme writes what stands between these lines -->'
export const END = '<!-- /measured -->'

/** The README with its measured part replaced. Throws when the markers are not there once each. */
export function withMeasured(readme: string, measured: string): string {
  const [before, rest, ...more] = readme.split(BEGIN)
  const [, after, ...evenMore] = rest?.split(END) ?? []
  if (before === undefined || after === undefined || more.length + evenMore.length > 0)
    throw new Error(`README.md must have ${BEGIN} and ${END} once each`)
  return `${before}${BEGIN}\n${measured}\n${END}${after}`
}

/** `peers`: the text of the results, undefined before the first run. */
export function measuredText(peers: string | undefined): string {
  return peers === undefined
    ? 'Not measured yet: `npm run bench:peers`, then `npm run bench:readme`.'
    : peersSection(peers)
}

export function updateReadme(): void {
  const results = new URL('bench/results/peers.json', ROOT)
  const peers = existsSync(results) ? readFileSync(results, 'utf8') : undefined
  writeFileSync(README, withMeasured(readFileSync(README, 'utf8'), measuredText(peers)))
}
