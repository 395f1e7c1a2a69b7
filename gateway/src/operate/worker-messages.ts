// What a gateway with several workers says between its processes.
import type { Config } from '../config.ts'
import type { NotReady } from './admin.ts'
import type { MetricData } from './metrics.ts'

/** What the primary may ask, and what a worker answers. */
export interface Answers {
  readonly metrics: MetricData
  readonly readiness: readonly NotReady[]
}

export type Question = keyof Answers

/** The primary hands its config over, so that a worker that is started again later serves what the others serve. */
export type ToWorker =
  | { readonly type: 'config'; readonly config: Config; readonly worker: number }
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }
  | { readonly type: 'stop' }

export type FromWorker =
  | { readonly type: 'hello' }
  | { readonly type: 'listening'; readonly url: string }
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'answer'; readonly id: number; readonly answer: Answers[Question] }
