// The store of a worker's block list: its primary, which has the real store and tells all workers.
import type { BlockChange, BlockList } from '../../../revoke/block-list.ts'
import type { RevocationStore, StoreStatus } from '../../../revoke/stores/store.ts'
import type { FromWorker, ToWorker } from '../worker-messages.ts'

const BEING_LOADED: Omit<StoreStatus, 'kind'> = {
  up: false,
  loaded: false,
  syncAgeMs: undefined,
  clockAheadMs: undefined,
  queued: 0,
  problem: 'being loaded',
  troubles: [],
}

export interface PrimaryStoreParts {
  readonly list: BlockList
  readonly kind: StoreStatus['kind']
  readonly send: (message: FromWorker) => void
}

export interface PrimaryStore extends RevocationStore {
  /** Takes what the primary says about the list; anything else is passed over. */
  onMessage(message: ToWorker): void
}

export function createPrimaryStore({ list, kind, send }: PrimaryStoreParts): PrimaryStore {
  const waiting = new Map<number, (stored: boolean) => void>()
  let writes = 0
  let onLoaded = () => {
    // Set by start.
  }
  let status: StoreStatus = { ...BEING_LOADED, kind }

  function apply({ entry, change }: BlockChange): void {
    if (change === 'added') list.add(entry, 'store')
    else list.remove(entry, 'store')
  }

  return {
    // A worker does not listen before it knows the list: its first request may come with a revoked token.
    start() {
      return new Promise((resolve) => {
        onLoaded = resolve
        send({ type: 'list' })
      })
    },
    write(change) {
      writes += 1
      const id = writes
      return new Promise((resolve) => {
        waiting.set(id, resolve)
        send({ type: 'write', id, change })
      })
    },
    onMessage(message) {
      switch (message.type) {
        case 'changes':
          message.changes.forEach(apply)
          break
        case 'stored':
          waiting.get(message.id)?.(message.stored)
          waiting.delete(message.id)
          break
        case 'store':
          status = message.status
          if (message.listed) onLoaded()
          break
        default:
          break
      }
    },
    writeAll: () => Promise.resolve(true),
    status: () => ({ ...status, queued: waiting.size }),
    // The primary sweeps its store, and its workers their lists.
    sweep: () => undefined,
    close: () => Promise.resolve(),
  }
}
