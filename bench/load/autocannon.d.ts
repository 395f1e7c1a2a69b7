// The part of autocannon's types that is used here; the package brings none.
declare module 'autocannon' {
  interface Request {
    path: string
    headers?: Record<string, string>
    setupRequest?: (request: Request) => Request
  }
  interface Result {
    requests: { total: number; average: number }
    latency: { p50: number; p99: number }
    statusCodeStats: Record<string, { count: number }>
    errors: number
  }
  export default function autocannon(options: {
    url: string
    connections: number
    duration: number
    requests: Request[]
  }): Promise<Result>
}
