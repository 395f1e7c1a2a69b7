// Asks one worker, and assigns its answers to the questions by id.
import type { Schedule } from '../../clock.ts'
import type { Answers, Asked, Question, ToWorker } from './worker-messages.ts'

// A worker that does not answer in this time is busy beyond use, or about to be.
export const ANSWER_MS = 2000
/** The same of one that may have to fetch keys first, which takes keys.timeout. */
export const EXPLAIN_MS = 10_000

export interface Questions {
  /** Undefined when the worker ends, or does not answer in time. */
  ask<Q extends Question>(about: Asked & { readonly question: Q }, withinMs?: number): Promise<Answers[Q] | undefined>
  onAnswer(id: number, answer: Answers[Question]): void
  /** No answer comes any more. */
  end(): void
}

export function createQuestions(send: (message: ToWorker) => void, schedule: Schedule): Questions {
  const waiting = new Map<number, (answer: Answers[Question] | undefined) => void>()
  let asked = 0
  let isOver = false
  return {
    ask<Q extends Question>(about: Asked & { readonly question: Q }, withinMs = ANSWER_MS) {
      if (isOver) return Promise.resolve(undefined)
      asked += 1
      const id = asked
      return new Promise<Answers[Q] | undefined>((resolve) => {
        const settle = (answer: Answers[Q] | undefined) => {
          cancel()
          waiting.delete(id)
          resolve(answer)
        }
        const cancel = schedule(withinMs, () => {
          settle(undefined)
        })
        // The question decides the type of the answer.
        waiting.set(id, settle as (answer: Answers[Question] | undefined) => void)
        send({ type: 'ask', id, ...about })
      })
    },
    onAnswer(id, answer) {
      waiting.get(id)?.(answer)
    },
    end() {
      isOver = true
      for (const settle of waiting.values()) settle(undefined)
    },
  }
}
