// The keys of a running gateway for one question: read and never changed; where a request would have them fetched, they are fetched apart.
import type { KeyRing } from './key-ring.ts'
import type { KeySource } from './key-source.ts'
import type { RemoteKeys } from './remote-keys.ts'

/** `createOwn`: another source of the same keys, for the one fetch that the question may cost. */
export function lendKeys(running: KeySource, createOwn: () => KeySource): KeySource {
  let ring = running.ring
  let asked = false

  /** Keys that could not be fetched leave those that are here, as in the gateway that runs. */
  async function fetchApart(): Promise<void> {
    const own = createOwn()
    await own.remote?.start()
    own.stop()
    if (own.ring.size > 0) ring = own.ring
  }

  const lentRing: KeyRing = {
    get size() {
      return ring.size
    },
    names: () => ring.names(),
    list: () => ring.list(),
    find: (header) => ring.find(header),
    findWithdrawn: (header) => ring.findWithdrawn(header),
    replace: () => ({ added: [], removed: [], fresh: [] }),
  }

  function lendRemote(remote: RemoteKeys): RemoteKeys {
    return {
      ...remote,
      start: () => Promise.resolve(),
      stop: () => undefined,
      waitFor(missing) {
        if (asked || !remote.wouldWaitFor(missing)) return undefined
        asked = true
        return fetchApart()
      },
    }
  }

  return {
    ring: lentRing,
    remote: running.remote === undefined ? undefined : lendRemote(running.remote),
    status: () => running.status(),
    stop: () => undefined,
  }
}
