#!/usr/bin/env node
process.exitCode = await (await import('../dist/operate/cli.js')).runCommand(process.argv.slice(2))
