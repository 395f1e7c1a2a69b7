// Strips the types off all sources and tests once, before tests run: each test's process would do it again, for three seconds.
// Types are checked by `tsc -b`.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

import { compiledFile } from './load-compiled.mjs'

const FOLDERS = ['gateway/src', 'sample-backend/src', 'test']
const OPTIONS = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  inlineSourceMap: true,
  inlineSources: true,
}

function isOlder(file, source) {
  try {
    return statSync(file).mtimeMs < statSync(source).mtimeMs
  } catch {
    return true
  }
}

/** What has not changed since the last time is left as it is. */
export function compileSources(root) {
  for (const folder of FOLDERS) {
    for (const name of readdirSync(join(root, folder), { recursive: true })) {
      if (!name.endsWith('.ts') || name.endsWith('.d.ts')) continue
      const source = join(root, folder, name)
      const compiled = compiledFile(source)
      if (!isOlder(compiled, source)) continue
      const { outputText } = ts.transpileModule(readFileSync(source, 'utf8'), {
        compilerOptions: OPTIONS,
        fileName: source,
      })
      mkdirSync(dirname(compiled), { recursive: true })
      writeFileSync(compiled, outputText)
    }
  }
}
