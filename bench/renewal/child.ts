// Processes of a bench: started on a core of their own, asked by message, ended by their own handle.
import { fork, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

export interface Child {
  readonly pid: number
  /** Sends a message and waits for the answer. */
  ask<Answer>(message: object): Promise<Answer>
  /** The first message of the process. */
  readonly hello: { readonly port: number }
  end(): void
}

const canPin = spawnSync('taskset', ['--version']).status === 0
const running = new Set<ChildProcess>()

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

async function answerOf(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController()
  try {
    const [message] = (await Promise.race([
      once(child, 'message', { signal: ended.signal }),
      once(child, 'exit', { signal: ended.signal }).then(() =>
        Promise.reject(new Error('a process of the bench ended early')),
      ),
    ])) as [unknown]
    return message
  } finally {
    ended.abort()
  }
}

export async function startChild(script: string, args: readonly string[], core: 0 | 1, greets = true): Promise<Child> {
  const file = new URL(script, import.meta.url).pathname
  const child = fork(file, [...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  running.add(child)
  child.on('exit', () => running.delete(child))
  if (canPin) spawnSync('taskset', ['-a', '-cp', String(core), String(child.pid)])
  const hello = greets ? ((await answerOf(child)) as { port: number }) : { port: 0 }
  return {
    pid: child.pid ?? 0,
    hello,
    async ask<Answer>(message: object) {
      child.send(message)
      return (await answerOf(child)) as Answer
    },
    end() {
      child.kill('SIGTERM')
    },
  }
}
