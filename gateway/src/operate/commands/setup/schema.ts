// tollgate schema: prints the JSON schema of the config, for editors.
import type { Command } from 'commander'

import { configSchemaJson } from '../../../config/reference/config-schema.ts'

export function addSchema(command: Command): void {
  command.action(() => {
    process.stdout.write(configSchemaJson())
  })
}
