#!/usr/bin/env node
import { existsSync } from 'node:fs'

const cli = new URL('../dist/operate/commands/cli.js', import.meta.url)
if (existsSync(cli)) process.exitCode = await (await import(cli.href)).runCommand(process.argv.slice(2))
else {
  process.stderr.write('tollgate: it is not built yet: npm run build\n')
  process.exitCode = 1
}
