// tollgate bench: sends requests to a URL for a while, with tokens, and tells how they were answered.
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'

import { runLoad, type LoadReport } from './bench-load.ts'
import { parseDuration } from '../../../options/kinds.ts'
import { CommandFailed, WrongCall } from '../command-failed.ts'

interface BenchOptions {
  readonly token?: string
  readonly tokens?: string
  readonly method: string
  readonly connections: string
  readonly duration: string
  readonly json?: boolean
}

/** Of one core: above it the client is what is measured. */
const BUSY_CLIENT = 0.85
const MAX_CONNECTIONS = 10_000

function tokensOf({ token, tokens: file }: BenchOptions): readonly string[] {
  if (file === undefined) return token === undefined ? [] : [token]
  try {
    const lines = readFileSync(file, 'utf8').split('\n')
    return [...(token === undefined ? [] : [token]), ...lines.map((line) => line.trim()).filter((line) => line !== '')]
  } catch {
    throw new CommandFailed(`${file} cannot be read`)
  }
}

function urlOf(text: string): URL {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new WrongCall(`${text} is no URL: write it like http://127.0.0.1:8080/`)
  return new URL(text)
}

function* linesOf({
  seconds,
  requests,
  requestsPerSecond,
  answers,
  failed,
  latencyMs,
  clientCpu,
}: LoadReport): Generator<string> {
  yield `${requests} requests in ${seconds.toFixed(1)} s, ${Math.round(requestsPerSecond)} a second`
  for (const [answer, count] of Object.entries(answers).sort(([, a], [, b]) => b - a)) yield `  ${answer}: ${count}`
  if (failed > 0) yield `  no response: ${failed}`
  const { p50, p90, p99, max } = latencyMs
  yield `latency: p50 ${p50.toFixed(1)} ms, p90 ${p90.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)}`
  if (clientCpu > BUSY_CLIENT)
    yield `this command used ${Math.round(100 * clientCpu)} % of a core: the gateway can do more than it could ask for`
}

export function addBench(command: Command): void {
  command
    .argument('<url>', 'what to ask for, through the gateway')
    .option('--token <token>', 'sent with each request')
    .option('--tokens <file>', 'a token a line, sent in turn: with more of them than the cache holds, each is verified')
    .option('--method <method>', 'method of the requests', 'GET')
    .option('--connections <number>', 'connections, each with one request at a time', '16')
    .option('--duration <duration>', 'how long', '10s')
    .option('--json', 'print JSON')
    .action(async (address: string, options: BenchOptions) => {
      const durationMs = parseDuration(options.duration)
      if (!(durationMs > 0)) throw new WrongCall(`--duration ${options.duration} is no duration, such as 10s`)
      const connections = Number(options.connections)
      if (!(Number.isInteger(connections) && connections > 0 && connections <= MAX_CONNECTIONS))
        throw new WrongCall(`--connections is a number from 1 to ${MAX_CONNECTIONS}`)
      const { method } = options
      const report = await runLoad({ url: urlOf(address), method, tokens: tokensOf(options), connections, durationMs })
      const json = options.json === true
      if (json) process.stdout.write(`${JSON.stringify(report)}\n`)
      if (report.requests === 0) throw new CommandFailed(json ? '' : 'there was no response at all')
      if (!json) process.stdout.write([...linesOf(report), ''].join('\n'))
    })
}
