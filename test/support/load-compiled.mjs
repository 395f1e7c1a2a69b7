// Gives the process of a test the compiled form of each source under the source's own name; see compile-sources.mjs.
import { readFileSync, statSync } from 'node:fs'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Where the compiled form of a source is kept. */
export function compiledFile(source) {
  return `${ROOT}.tap/compiled/${source.slice(ROOT.length)}.js`
}

/** Node's hook for loading a module. What has no compiled form, or an old one, is left to whoever comes next. */
export function load(url, context, next) {
  const source = url.startsWith('file:') && url.endsWith('.ts') ? fileURLToPath(url) : ''
  if (!source.startsWith(ROOT)) return next(url, context)
  try {
    const compiled = compiledFile(source)
    if (statSync(compiled).mtimeMs >= statSync(source).mtimeMs)
      return { format: 'module', source: readFileSync(compiled, 'utf8'), shortCircuit: true }
  } catch {
    // There is none.
  }
  return next(url, context)
}

// Hooks live in a thread of their own, which loads this file a second time.
if (isMainThread && process.argv[1]?.endsWith('.test.ts')) register(import.meta.url)
