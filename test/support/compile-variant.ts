// Compiles the gateway's sources with some of them changed, in memory, and returns what the compiler refuses.
import { relative } from 'node:path'
import ts from 'typescript'

const GATEWAY = new URL('../../gateway/', import.meta.url).pathname

export interface Edit {
  /** Below gateway/src. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface Refusal {
  readonly file: string
  readonly text: string
}

/** Several edits may be of one file. Throws where the text to replace is not there exactly once: then the test is older than the code. */
function editedTexts(edits: readonly Edit[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  for (const { file, find, replace } of edits) {
    const path = `${GATEWAY}src/${file}`
    const text = texts.get(path) ?? ts.sys.readFile(path) ?? ''
    if (text.split(find).length !== 2) throw new Error(`${file} must have this text once: ${find}`)
    texts.set(
      path,
      text.replace(find, () => replace),
    )
  }
  return texts
}

/** A program of all sources takes the compiler some seconds: put all edits of a test into one. */
export function compileVariant(edits: readonly Edit[]): readonly Refusal[] {
  const { config } = ts.readConfigFile(`${GATEWAY}tsconfig.json`, (path) => ts.sys.readFile(path)) as { config: object }
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, GATEWAY)
  const plain = { ...options, noEmit: true, composite: false, incremental: false, declaration: false }
  const host = ts.createCompilerHost(plain)
  const readFile = host.readFile.bind(host)
  const texts = editedTexts(edits)
  host.readFile = (name) => texts.get(name) ?? readFile(name)
  const program = ts.createProgram(fileNames, plain, host)
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => ({
    file: file === undefined ? '' : relative(`${GATEWAY}src`, file.fileName),
    text: ts.flattenDiagnosticMessageText(messageText, ' '),
  }))
}
