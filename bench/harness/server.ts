// A server of a bench: started on a core of its own, waited for until it listens, ended by its own pid.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

import { workDirectory } from './work-directory.ts'

/** The proxy under test has this core to itself. */
export const PROXY_CORE = '0'
/** Load and upstream share this one. */
export const LOAD_CORE = '1'

export interface ServerCommand {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** As taskset takes it: `0`, or `0,1`. */
  readonly core: string
  readonly port: number
  readonly env?: Readonly<Record<string, string>>
  readonly startMs?: number
}

export interface Server {
  readonly name: string
  readonly pid: number
  readonly url: string
  stop(): Promise<void>
}

const START_MS = 15_000
const STOP_MS = 3000
const canPin = spawnSync('taskset', ['--version']).status === 0
const running = new Set<ChildProcess>()

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

/** Command and arguments with the core in front of them, where this system can pin. */
export function pinned(core: string, command: string, args: readonly string[]): [string, string[]] {
  return canPin ? ['taskset', ['-c', core, command, ...args]] : [command, [...args]]
}

export function answersAt(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const settle = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
    socket.once('connect', () => {
      settle(true)
    })
    socket.once('error', () => {
      settle(false)
    })
  })
}

const isOver = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

/** First gently, then not: a bench never waits for a process that does not want to end. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (isOver(child)) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const killing = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await gone
  clearTimeout(killing)
}

/** Starts a process that is ended with this one. What it says on standard error is kept for the message when it fails. */
export function startProcess(
  core: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly child: ChildProcess; readonly complaint: () => string } {
  const [program, programArgs] = pinned(core, command, args)
  const child = spawn(program, programArgs, {
    cwd: workDirectory,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  let said = ''
  child.once('error', (error) => (said += error.message))
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)))
  return { child, complaint: () => said.trim() }
}

/** Throws when it does not listen in time, with what it said. taskset becomes the command, so the pid is the server's. */
export async function startServer({ name, command, args, core, port, env, startMs }: ServerCommand): Promise<Server> {
  const { child, complaint } = startProcess(core, command, args, env)
  child.stdout?.resume()
  const deadline = performance.now() + (startMs ?? START_MS)
  while (!(await answersAt(port))) {
    if (isOver(child) || performance.now() > deadline || child.pid === undefined) {
      await endProcess(child)
      throw new Error(`${name} did not start: ${complaint() || 'it does not listen'}`)
    }
    await pause(50)
  }
  return { name, pid: child.pid ?? 0, url: `http://127.0.0.1:${port}`, stop: () => endProcess(child) }
}

/** A script of this bench as a server; it is given its port first. */
export function nodeServer(
  script: URL,
  name: string,
  port: number,
  args: readonly string[],
  core = PROXY_CORE,
): Promise<Server> {
  return startServer({ name, command: process.execPath, args: [script.pathname, String(port), ...args], core, port })
}
