// The primary's part of the block list: sends it to each worker, and each worker's changes to the others.
import type { BlockChange } from '../../revoke/block-list.ts'
import type { Revocation } from '../../revoke/revocation.ts'
import type { Schedule } from '../../clock.ts'
import type { FromWorker, ToWorker } from './worker-messages.ts'

/** One worker, as far as the list goes. `send` settles when the message is on its way. */
export interface Listener {
  readonly send: (message: ToWorker) => Promise<void>
}

export interface RevocationSpread {
  /** Takes what a worker says about the list; anything else is passed over. */
  onMessage(from: Listener, message: FromWorker): void
  /** Forgets a worker that has ended. */
  remove(listener: Listener): void
}

const PAGE_ENTRIES = 1000
/** How soon workers learn that the store went or came back. */
const STATUS_EVERY_MS = 1000

export function spreadRevocations(
  revocation: Pick<Revocation, 'list' | 'takeFromWorker' | 'status'>,
  schedule: Schedule,
): RevocationSpread {
  const { list } = revocation
  const listeners = new Set<Listener>()

  function tell({ entry, change }: BlockChange, author?: Listener): void {
    for (const listener of listeners)
      if (listener !== author) void listener.send({ type: 'changes', changes: [{ entry, change, origin: 'store' }] })
  }

  list.onChange((made) => {
    // What a worker made is told below, to all but itself.
    if (made.origin !== 'worker') tell(made)
  })

  /** From the first page on the worker hears of changes too: entries merge, and messages keep their order, so none is lost or comes back. */
  async function sendList(listener: Listener): Promise<void> {
    listeners.add(listener)
    for (let place: number | undefined = 0; place !== undefined && listeners.has(listener);) {
      const page = list.page(place, PAGE_ENTRIES)
      place = page.next
      const changes = page.entries.map((entry): BlockChange => ({ entry, change: 'added', origin: 'store' }))
      await listener.send({ type: 'changes', changes })
    }
    await listener.send({ type: 'store', status: revocation.status(), listed: true })
  }

  async function take(from: Listener, id: number, change: BlockChange): Promise<void> {
    const { made, stored } = revocation.takeFromWorker(change)
    if (made !== undefined) tell(made, from)
    await from.send({ type: 'stored', id, stored: await stored })
  }

  function tellStatus(): void {
    for (const listener of listeners) void listener.send({ type: 'store', status: revocation.status(), listed: false })
    schedule(STATUS_EVERY_MS, tellStatus)
  }
  tellStatus()

  return {
    onMessage(from, message) {
      if (message.type === 'list') void sendList(from)
      if (message.type === 'write') void take(from, message.id, message.change)
    },
    remove(listener) {
      listeners.delete(listener)
    },
  }
}
