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

/** Whether a worker has made ready what it was told to. `option`: which one is to blame, where it is one. */
export type Prepared =
  { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly option?: CannotStart['option'] }

/** What the primary may ask, and what a worker answers. */
export interface Answers {
  readonly metrics: MetricData
  readonly readiness: Readiness
  readonly status: GatewayStatus
  readonly explained: Explained
  /** The first step of a reload: a generation is there beside the one that serves. */
  readonly prepared: Prepared
  /** The second: it serves each new request. */
  readonly committed: boolean
}

export type Question = keyof Answers

/** A question, and what it is about where it is about something. */
export type Asked =
  | { readonly question: Exclude<Question, 'explained' | 'prepared'> }
  | { readonly question: 'explained'; readonly about: ExplainQuestion }
  | { readonly question: 'prepared'; readonly config: Config }

/** The primary hands its config over, so that a worker that is started again later serves what the others serve. */
export type ToWorker =
  | { readonly type: 'config'; readonly config: Config; readonly worker: number }
  /** It has what the others have, and may serve. */
  | { readonly type: 'listen' }
  | ({ readonly type: 'ask'; readonly id: number } & Asked)
  /** Nothing comes of what was prepared. */
  | { readonly type: 'abandon' }
  /** Of the block list: what came and went; whether a worker's change is kept; how the store is, and whether all was told. */
  | { readonly type: 'changes'; readonly changes: readonly BlockChange[] }
  | { readonly type: 'stored'; readonly id: number; readonly stored: boolean }
  | { readonly type: 'store'; readonly status: StoreStatus; readonly listed: boolean }
  | { readonly type: 'retire' }
  /** Another worker has its place: it ends when its clients are gone. */
  | { readonly type: 'leave' }
  | { readonly type: 'stop' }

export type FromWorker =
  | { readonly type: 'hello' }
  /** Keys and the block list are here: it could listen, and waits until it may. */
  | { readonly type: 'ready' }
  | { readonly type: 'listening'; readonly url: string }
  /** `option`: which one is to blame, where it is one. */
  | { readonly type: 'failed'; readonly reason: string; readonly option?: CannotStart['option'] }
  /** Asks for the whole block list, and for all changes from then on. */
  | { readonly type: 'list' }
  | { readonly type: 'write'; readonly id: number; readonly change: BlockChange }
  | { readonly type: 'answer'; readonly id: number; readonly answer: Answers[Question] }
