// Runs a command of the CLI in this process and keeps what it writes.
import { runCommand } from '../../gateway/src/operate/commands/cli.ts'

export interface CliRun {
  readonly code: number
  readonly out: string
  readonly err: string
}

export async function runCli(...argv: string[]): Promise<CliRun> {
  const written = { out: '', err: '' }
  const keep = (stream: NodeJS.WriteStream, name: 'out' | 'err') => {
    const original = stream.write.bind(stream)
    stream.write = (chunk: string | Uint8Array) => {
      written[name] += String(chunk)
      return true
    }
    return () => {
      stream.write = original
    }
  }
  const restore = [keep(process.stdout, 'out'), keep(process.stderr, 'err')]
  try {
    const code = await runCommand(argv)
    return { code, ...written }
  } finally {
    for (const undo of restore) undo()
  }
}
