// The load, a process of its own so that its cost is not the candidate's: autocannon, one job a message.
import autocannon from 'autocannon'

export interface Job {
  readonly url: string
  readonly path: string
  readonly tokens: readonly string[]
  readonly connections: number
  readonly seconds: number
}

export interface JobResult {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly statuses: Readonly<Record<string, number>>
  readonly errors: number
}

process.on('message', (job: Job) => {
  void run(job).then((result) => process.send?.(result))
})

async function run({ url, path, tokens, connections, seconds }: Job): Promise<JobResult> {
  let next = 0
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [
      {
        path,
        setupRequest: (request) => {
          next = (next + 1) % tokens.length
          return { ...request, headers: { authorization: `Bearer ${tokens[next] ?? ''}` } }
        },
      },
    ],
  })
  const statuses = Object.fromEntries(
    Object.entries(result.statusCodeStats).map(([status, { count }]) => [status, count]),
  )
  return {
    requests: result.requests.total,
    requestsPerSecond: result.requests.average,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    statuses,
    errors: result.errors,
  }
}
