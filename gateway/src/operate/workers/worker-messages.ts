// The messages between the processes of a gateway with several workers.
import type { Config } from '../../options/config.ts'
import type { CannotStart } from '../../failure.ts'
import type { BlockChange } from '../../revoke/block-list.ts'
import type { StoreStatus } from '../../revoke/stores/store.ts'
import type { Readiness } from '../../observe/readiness/readiness.ts'
import type { Explained } from '../explain/explain-running.ts'
import type { ExplainQuestion } from '../explain/explained-request.ts'
import type { MetricData } from '../../observe/metrics/metrics.ts'
import type { GatewayStatus } from '../../observe/status.ts'

/** What the primary may ask, and what a worker answers. */
export interface Answers {
  readonly metrics: MetricData
  readonly readiness: Readiness
  readonly status: GatewayStatus
  readonly explained: Explained
}

export type Question = keyof Answers

/** A question, and what it is about where it is about something. */
export type Asked =
  | { readonly question: Exclude<Question, 'explained'> }
  | { readonly question: 'explained'; readonly about: ExplainQuestion }

/** The primary hands its config over, so that a worker that is started again later serves what the others serve. */
export type ToWorker =
  | { readonly type: 'config'; readonly config: Config; readonly worker: number }
  | ({ readonly type: 'ask'; readonly id: number } & Asked)
  /** Of the block list: what came and went; whether a worker's change is kept; how the store is, and whether all was told. */
  | { readonly type: 'changes'; readonly changes: readonly BlockChange[] }
  | { readonly type: 'stored'; readonly id: number; readonly stored: boolean }
  | { readonly type: 'store'; readonly status: StoreStatus; readonly listed: boolean }
  | { readonly type: 'retire' }
  | { readonly type: 'stop' }

export type FromWorker =
  | { readonly type: 'hello' }
  | { readonly type: 'listening'; readonly url: string }
  /** `option`: which one is to blame, where it is one. */
  | { readonly type: 'failed'; readonly reason: string; readonly option?: CannotStart['option'] }
  /** Asks for the whole block list, and for all changes from then on. */
  | { readonly type: 'list' }
  | { readonly type: 'write'; readonly id: number; readonly change: BlockChange }
  | { readonly type: 'answer'; readonly id: number; readonly answer: Answers[Question] }
