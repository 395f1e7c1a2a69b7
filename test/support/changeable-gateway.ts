// A gateway whose config a test changes while it runs.
import { startTestGateway, testConfig, type Teardown, type TestGatewayParts } from './test-gateway.ts'

/** `change` returns what needs a restart. */
export async function startChangeable(t: Teardown, options: Record<string, unknown>, parts: TestGatewayParts = {}) {
  const started = await startTestGateway(t, options, parts)
  return {
    ...started,
    async change(next: Record<string, unknown>): Promise<readonly string[]> {
      const prepared = await started.gateway.prepare(testConfig(next))
      try {
        await prepared.loadKeys()
        await prepared.openStore()
        prepared.commit()
      } catch (error) {
        await prepared.abandon()
        throw error
      }
      return prepared.needsRestart
    },
  }
}

export async function statusOf(url: string, token?: string): Promise<number> {
  const response = await fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })
  await response.arrayBuffer()
  return response.status
}
