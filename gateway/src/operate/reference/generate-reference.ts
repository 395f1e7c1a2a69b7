// Writes the pages of docs/reference from the tables of the code, so that both stay equal.
import { mkdirSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

import { referencePages } from './reference-pages.ts'

const FOLDER = new URL('../../../../docs/reference/', import.meta.url)

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  mkdirSync(FOLDER, { recursive: true })
  for (const [name, text] of Object.entries(referencePages())) writeFileSync(new URL(name, FOLDER), text)
}
