// Carries what did not change from one generation to the next, and closes what no generation uses any more.
import { isDeepStrictEqual } from 'node:util'

interface Lease {
  readonly value: unknown
  readonly facts: unknown
  readonly end: () => unknown
  users: number
}

/** What one generation uses of what may outlive it. */
export interface Carrying {
  /**
   * Returns what the generation before has by this name where it was made of the same facts, else what `create` makes; that is
   * given the other one, to carry parts of it. `end` is called when the last generation that uses it lets go.
   */
  take<Value>(
    name: string,
    facts: unknown,
    create: (before: Value | undefined) => Value,
    end?: (value: Value) => unknown,
  ): Value
  /** Settles when all is closed that nobody else uses. */
  release(): Promise<void>
}

/** The names are those of one config, so that what has a name is of one type. */
export class CarriedParts implements Carrying {
  #before: CarriedParts | undefined
  readonly #leases = new Map<string, Lease>()

  /** Of what was released nothing is carried. */
  constructor(before?: CarriedParts) {
    this.#before = before
  }

  take<Value>(
    name: string,
    facts: unknown,
    create: (before: Value | undefined) => Value,
    end: (value: Value) => unknown = () => undefined,
  ): Value {
    const before = this.#before?.lease(name)
    const lease =
      before !== undefined && isDeepStrictEqual(before.facts, facts)
        ? before
        : begin(create(before?.value as Value | undefined), facts, end)
    lease.users += 1
    this.#leases.set(name, lease)
    return lease.value as Value
  }

  private lease(name: string): Lease | undefined {
    return this.#leases.get(name)
  }

  /** All is taken: what the generation before has is let go, and with it those before that one. */
  settle(): void {
    this.#before = undefined
  }

  async release(): Promise<void> {
    const leases = [...this.#leases.values()]
    this.#leases.clear()
    await Promise.all(
      leases.map((lease) => {
        lease.users -= 1
        return lease.users === 0 ? lease.end() : undefined
      }),
    )
  }
}

/** Builds what takes parts of what was there before. What throws leaves nothing behind. */
export function carry<Value>(before: CarriedParts | undefined, build: (carrying: CarriedParts) => Value): Value {
  const carrying = new CarriedParts(before)
  try {
    return build(carrying)
  } catch (error) {
    void carrying.release()
    throw error
  } finally {
    carrying.settle()
  }
}

function begin<Value>(value: Value, facts: unknown, end: (value: Value) => unknown): Lease {
  return { value, facts, end: () => end(value), users: 0 }
}
