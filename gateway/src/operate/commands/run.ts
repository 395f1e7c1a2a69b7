// tollgate run: starts the gateway.
import type { Command } from 'commander'

import { runGateway } from '../process/main.ts'
import { workerCount } from '../workers/change-workers.ts'
import { runWorkers } from '../workers/run-workers.ts'
import { loadForCommand } from './config-file.ts'
import { configOption } from './config-option.ts'

export function addRun(command: Command): void {
  command.addOption(configOption()).action(async ({ config: file }: { config: string }) => {
    const { config, warnings, blaming } = loadForCommand(file)
    for (const warning of warnings) process.stderr.write(`${warning}\n`)
    await blaming(() => (workerCount(config) > 1 ? runWorkers(config, file) : runGateway(config, file)))
  })
}
