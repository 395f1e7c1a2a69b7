// The metrics of the block list and its store.
import type { Metric } from './metric.ts'
import { BLOCK_KINDS } from '../../revoke/block-list.ts'
import type { Revocation } from '../../revoke/revocation.ts'
import { TROUBLE_KINDS } from '../../revoke/stores/store.ts'

export interface RevocationSource {
  readonly revocation: Pick<Revocation, 'list' | 'status'>
}

export const REVOCATION_METRICS: readonly Metric<RevocationSource>[] = [
  {
    name: 'tollgate_revocations',
    kind: 'gauge',
    help: 'Entries of the block list, those that ended lately included.',
    labels: ['kind'],
    // Each worker holds the whole list, so the sum would count entries twice.
    merge: 'max',
    read({ revocation: { list } }, set) {
      for (const kind of BLOCK_KINDS) if (kind !== 'alive') set(list.countOf(kind), { kind })
    },
  },
  {
    name: 'tollgate_sessions_alive',
    kind: 'gauge',
    help: 'Sessions of which a successor was delivered or used, kept for their streams.',
    labels: [],
    merge: 'max',
    read: ({ revocation: { list } }, set) => set(list.countOf('alive')),
  },
  {
    name: 'tollgate_revocations_bytes',
    kind: 'gauge',
    help: 'Memory of the block list.',
    labels: [],
    read: ({ revocation: { list } }, set) => set(list.bytes),
  },
  {
    name: 'tollgate_revocation_store_up',
    kind: 'gauge',
    help: '1 while the store of the block list can be reached.',
    labels: ['store'],
    merge: 'min',
    read({ revocation }, set) {
      const { kind, up } = revocation.status()
      set(up ? 1 : 0, { store: kind })
    },
  },
  {
    name: 'tollgate_revocation_store_trouble',
    kind: 'gauge',
    help: '1 while this is wrong with the store of the block list, whether it can be reached or not.',
    labels: ['store', 'trouble'],
    merge: 'max',
    read({ revocation }, set) {
      const { kind: store, troubles } = revocation.status()
      for (const trouble of TROUBLE_KINDS)
        set(troubles.some(({ kind }) => kind === trouble) ? 1 : 0, { store, trouble })
    },
  },
  {
    name: 'tollgate_revocation_store_clock_ahead_seconds',
    kind: 'gauge',
    help: "How far the clock of Redis is ahead of this machine's.",
    labels: [],
    merge: 'max',
    read({ revocation }, set) {
      const { clockAheadMs } = revocation.status()
      if (clockAheadMs !== undefined) set(clockAheadMs / 1000)
    },
  },
  {
    name: 'tollgate_revocations_queued',
    kind: 'gauge',
    help: 'Changes that wait to be written to the store.',
    labels: [],
    read: ({ revocation }, set) => set(revocation.status().queued),
  },
  {
    name: 'tollgate_revocation_sync_age_seconds',
    kind: 'gauge',
    help: 'Time since the list was known to be as in the store.',
    labels: [],
    merge: 'max',
    read({ revocation }, set) {
      const { syncAgeMs } = revocation.status()
      if (syncAgeMs !== undefined) set(syncAgeMs / 1000)
    },
  },
]
