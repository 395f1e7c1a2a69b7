// tollgate check: says whether a config is right, without starting anything.
import type { Command } from 'commander'

import { loadForCommand } from './config-file.ts'
import { configOption } from './config-option.ts'
import { checkLocalKeys } from '../check-local-keys.ts'

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('check a config file and the keys it names; nothing is started or fetched')
    .addOption(configOption())
    .option('--json', 'print JSON')
    .action(({ config: file, json }: { config: string; json?: boolean }) => {
      const { config, warnings } = loadForCommand(file)
      checkLocalKeys(config)
      if (json === true) {
        process.stdout.write(`${JSON.stringify({ ok: true, file, warnings })}\n`)
        return
      }
      for (const warning of warnings) process.stderr.write(`${warning}\n`)
      const counts = `${config.routes.length} routes, ${Object.keys(config.upstreams).length} upstreams, ${config.issuers.length} issuers`
      process.stdout.write(`${file} is right: ${counts}\n`)
    })
}
