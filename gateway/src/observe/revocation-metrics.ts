// Metrics of the block list and its store.
import type { Metrics } from './metrics.ts'
import { BLOCK_KINDS } from '../revoke/block-list.ts'
import type { Revocation } from '../revoke/revocation.ts'
import { TROUBLE_KINDS } from '../revoke/stores/store.ts'

export function addRevocationMetrics(
  { addGauge }: Pick<Metrics, 'addGauge'>,
  { list, status }: Pick<Revocation, 'list' | 'status'>,
): void {
  // Each worker has the whole list: two of them do not make it longer.
  addGauge(
    'tollgate_revocations',
    'Entries of the block list, those that ended lately included.',
    ['kind'],
    (set) => {
      for (const kind of BLOCK_KINDS) if (kind !== 'alive') set({ kind }, list.countOf(kind))
    },
    'max',
  )
  addGauge(
    'tollgate_sessions_alive',
    'Sessions of which a successor was delivered or used, kept for their streams.',
    [],
    (set) => {
      set({}, list.countOf('alive'))
    },
    'max',
  )
  addGauge('tollgate_revocations_bytes', 'Memory of the block list.', [], (set) => {
    set({}, list.bytes)
  })
  addGauge(
    'tollgate_revocation_store_up',
    '1 while the store of the block list can be reached.',
    ['store'],
    (set) => {
      const { kind, up } = status()
      set({ store: kind }, up ? 1 : 0)
    },
    'min',
  )
  addGauge(
    'tollgate_revocation_store_trouble',
    '1 while this is wrong with the store of the block list, whether it can be reached or not.',
    ['store', 'trouble'],
    (set) => {
      const { kind: store, troubles } = status()
      for (const trouble of TROUBLE_KINDS)
        set({ store, trouble }, troubles.some(({ kind }) => kind === trouble) ? 1 : 0)
    },
    'max',
  )
  addGauge(
    'tollgate_revocation_store_clock_ahead_seconds',
    "How far the clock of Redis is ahead of this machine's.",
    [],
    (set) => {
      const { clockAheadMs } = status()
      if (clockAheadMs !== undefined) set({}, clockAheadMs / 1000)
    },
    'max',
  )
  addGauge('tollgate_revocations_queued', 'Changes that wait to be written to the store.', [], (set) => {
    set({}, status().queued)
  })
  addGauge(
    'tollgate_revocation_sync_age_seconds',
    'Time since the list was known to be as in the store.',
    [],
    (set) => {
      const { syncAgeMs } = status()
      if (syncAgeMs !== undefined) set({}, syncAgeMs / 1000)
    },
    'max',
  )
}
