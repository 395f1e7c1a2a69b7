// How the watched certificates of the listeners are, for readiness.
import type { Listener } from './listeners.ts'

export interface CertificateState {
  /** Such as `listen.tls`. */
  readonly name: string
  /** Why its files cannot be used any more; undefined if they can. */
  readonly problem: string | undefined
}

export function certificatesOf(listeners: readonly Listener[]): readonly CertificateState[] {
  return listeners.flatMap(({ place, server: { tls } }) =>
    tls?.problem === undefined ? [] : [{ name: `${place.name}.tls`, problem: tls.problem() }],
  )
}
