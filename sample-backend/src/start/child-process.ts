// One child process: its log goes to a file, its errors to our own stderr, and it can be asked to end.
import { spawn } from 'node:child_process'
import { open } from 'node:fs/promises'

export interface ChildOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly workingDirectory: string
  /** Gets the child's stdout, after what it holds already. */
  readonly logFile: string
}

export interface Child {
  readonly name: string
  /** Resolves when the process has ended, or could not be started, to how: `code 1`, `SIGKILL`, ... Never rejects. */
  readonly ended: Promise<string>
  /** Asks it to end, insists after `killAfterMs`, and resolves when it has ended. */
  stop(killAfterMs: number): Promise<void>
}

export async function startChild(options: ChildOptions): Promise<Child> {
  const { name, command, args, workingDirectory, logFile } = options
  const log = await open(logFile, 'a', 0o600)
  const child = spawn(command, args, {
    cwd: workingDirectory,
    stdio: ['ignore', log.fd, 'inherit'],
    // A process group of its own: a terminal sends Ctrl-C to the whole group, and the children would get it twice.
    detached: true,
  })

  const killNow = (): void => void child.kill('SIGKILL')
  // Whatever ends us, an uncaught error too, must not leave a server behind that holds its port.
  process.on('exit', killNow)

  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`))
  }).finally(() => process.off('exit', killNow))
  await log.close()

  return {
    name,
    ended,
    async stop(killAfterMs) {
      child.kill('SIGTERM')
      const kill = setTimeout(killNow, killAfterMs)
      await ended
      clearTimeout(kill)
    },
  }
}
