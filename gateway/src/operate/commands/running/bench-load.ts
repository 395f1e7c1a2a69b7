// Load for `bench`: as many requests as a number of connections take one after the other, for a time.
import { createHistogram, performance } from 'node:perf_hooks'
import { Client } from 'undici'

export interface LoadOptions {
  readonly url: URL
  readonly method: string
  /** Sent in turn, one for each request; without any no token is sent. */
  readonly tokens: readonly string[]
  readonly connections: number
  readonly durationMs: number
}

export interface LoadReport {
  readonly seconds: number
  readonly requests: number
  readonly requestsPerSecond: number
  /** By status, with the code of refusals of the gateway: `200`, `401 token_expired`. */
  readonly answers: Readonly<Record<string, number>>
  /** Requests without a response. */
  readonly failed: number
  readonly latencyMs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number }
  /** Share of one core that this process used. Near 1 the figures are its own rather than those of the gateway. */
  readonly clientCpu: number
}

const NS_PER_MS = 1e6

/** Runs the load. Each connection sends its next request when the last one was answered, so a slow gateway gets fewer. */
export async function runLoad({ url, method, tokens, connections, durationMs }: LoadOptions): Promise<LoadReport> {
  const latency = createHistogram()
  const answers: Record<string, number> = {}
  const startMs = performance.now()
  const cpu = process.cpuUsage()
  let failed = 0
  let sent = 0

  async function sendOne(client: Client): Promise<void> {
    const token = tokens[sent++ % Math.max(1, tokens.length)]
    const beganMs = performance.now()
    try {
      const { statusCode, headers, body } = await client.request({
        path: url.pathname + url.search,
        method,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      })
      await body.dump()
      const code = headers['x-tollgate']
      const answer = typeof code === 'string' ? `${statusCode} ${code}` : String(statusCode)
      answers[answer] = (answers[answer] ?? 0) + 1
      latency.record(Math.max(1, Math.round((performance.now() - beganMs) * NS_PER_MS)))
    } catch {
      failed++
    }
  }

  async function connection(): Promise<void> {
    const client = new Client(url.origin)
    // After a failure the next request connects anew; a gateway that is gone is not asked without end.
    let failures = failed
    while (performance.now() - startMs < durationMs && failed - failures < 3) {
      const before = failed
      await sendOne(client)
      if (failed === before) failures = failed
    }
    await client.close()
  }

  await Promise.all(Array.from({ length: connections }, connection))
  const seconds = (performance.now() - startMs) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const requests = Object.values(answers).reduce((sum, count) => sum + count, 0)
  const at = (percent: number) => (requests === 0 ? 0 : latency.percentile(percent) / NS_PER_MS)
  return {
    ...{ seconds, requests, requestsPerSecond: requests / seconds, answers, failed },
    latencyMs: { p50: at(50), p90: at(90), p99: at(99), max: requests === 0 ? 0 : latency.max / NS_PER_MS },
    clientCpu: (user + system) / 1e6 / seconds,
  }
}
