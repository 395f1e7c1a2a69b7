// Explains requests in a running gateway, by its current keys, block list and counts.
import { configDigest } from './config-digest.ts'
import { explain } from './explain.ts'
import type { ExplainQuestion } from './explained-request.ts'
import { CannotStart } from '../../failure.ts'
import type { Gateway } from '../../gateway/running.ts'
import { writeExactJson } from '../../message/json/exact-json.ts'
import type { Log } from '../../observe/log.ts'

/** The explanation as JSON, or the reason why there is none. JSON text keeps exact numbers between processes. */
export type Explained = { readonly json: string } | { readonly failed: string }

export type ExplainRunning = (question: ExplainQuestion) => Promise<Explained>

/** Reads the state of the running gateway and changes nothing. Never rejects. */
export function createExplainRunning(
  gateway: Pick<Gateway, 'lend' | 'config'>,
  log: Pick<Log, 'error'>,
): ExplainRunning {
  return async ({ request, atMs }) => {
    const { config } = gateway
    const lent = gateway.lend()
    const { fetchJson, clock } = lent
    try {
      const explanation = await explain(config, request, { nowMs: atMs ?? clock.now(), fetchJson, lent })
      return { json: writeExactJson({ ...explanation, configDigest: configDigest(config) }) }
    } catch (error) {
      if (error instanceof CannotStart) return { failed: error.message }
      log.error({ error }, 'a request could not be explained')
      return { failed: 'The gateway failed' }
    }
  }
}
