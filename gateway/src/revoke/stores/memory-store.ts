// The memory store, which does not persist: the list lives as long as the process.
import type { RevocationStore } from './store.ts'

export function createMemoryStore(): RevocationStore {
  const status = {
    kind: 'memory',
    up: true,
    loaded: true,
    syncAgeMs: undefined,
    clockAheadMs: undefined,
    queued: 0,
    problem: undefined,
    troubles: [],
  } as const
  return {
    start: () => Promise.resolve(),
    write: () => Promise.resolve(true),
    writeAll: () => Promise.resolve(true),
    status: () => status,
    sweep: () => undefined,
    close: () => Promise.resolve(),
  }
}
