// Writes config/gateway.schema.json and config/README.md from the schema of the options, so that they stay equal.
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

import { configReference } from './config-reference.ts'
import { configSchemaJson } from './config-schema.ts'

const CONFIG_FOLDER = new URL('../../../../config/', import.meta.url)

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(new URL('gateway.schema.json', CONFIG_FOLDER), configSchemaJson())
  writeFileSync(new URL('README.md', CONFIG_FOLDER), configReference())
}
