// The generations of a gateway: the one that serves, the one that is being prepared, and those that end with their last exchange.
import type { Config } from '../../options/config.ts'
import type { Generation } from '../generation.ts'
import { carry, type CarriedParts, type Carrying } from './carrying.ts'

/** The next generation, which serves nobody yet. */
export interface Prepared {
  readonly generation: Generation
  /** From now on it serves each new request; those of the one before end in that one. */
  readonly commit: () => void
  /** Nothing came of it. */
  readonly abandon: () => Promise<void>
}

export interface Generations {
  readonly current: Generation
  /** Throws CannotStart, as a start would; then nothing has changed. */
  prepare(config: Config): Prepared
  /** How many are not over. */
  readonly alive: number
  /** Ends key fetches and file watches of all of them. */
  stop(): void
  /** Closes what all of them use. */
  release(): Promise<void>
}

type Build = (config: Config, carrying: Carrying) => Generation

/** The first one is there at once. Throws CannotStart. */
export function createGenerations(first: Config, build: Build): Generations {
  const parts = new Map<Generation, CarriedParts>()
  let current = built(first)

  function built(config: Config, before?: CarriedParts): Generation {
    return carry(before, (carrying) => {
      const generation = build(config, carrying)
      parts.set(generation, carrying)
      return generation
    })
  }

  async function release(generation: Generation): Promise<void> {
    const carrying = parts.get(generation)
    parts.delete(generation)
    await carrying?.release()
  }

  return {
    get current() {
      return current
    },
    prepare(config) {
      const generation = built(config, parts.get(current))
      return {
        generation,
        commit() {
          const last = current
          current = generation
          // The upstream's side of the last exchange ends in the turn in which the client's is over.
          last.exchanges.whenOver(() => {
            queueMicrotask(() => void release(last))
          })
        },
        abandon: () => release(generation),
      }
    },
    get alive() {
      return parts.size
    },
    stop() {
      for (const { authentication } of parts.keys()) authentication.stop()
    },
    async release() {
      await Promise.all([...parts.keys()].map(release))
    },
  }
}
