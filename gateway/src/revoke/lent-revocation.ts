// Lends the block list of a running gateway to an explanation, read-only.
import type { BlockList } from './block-list.ts'
import type { Revocation } from './revocation.ts'

/** Reads pass through. Changes are ignored: `add` and `remove` return undefined. */
function lendList(list: BlockList): BlockList {
  return {
    get epoch() {
      return list.epoch
    },
    get size() {
      return list.size
    },
    get bytes() {
      return list.bytes
    },
    countOf: (kind) => list.countOf(kind),
    add: () => undefined,
    remove: () => undefined,
    get: (key) => list.get(key),
    find: (caller, nowSec) => list.find(caller, nowSec),
    check: (caller, nowSec) => list.check(caller, nowSec),
    aliveUntilSec: (caller) => list.aliveUntilSec(caller),
    sweep: () => undefined,
    page: (after, limit) => list.page(after, limit),
    onChange: () => () => undefined,
  }
}

/** Lends the revoke stage to an explanation. Its changes have no effect, and its promises resolve at once. */
export function lendRevocation(running: Revocation): Revocation {
  const list = lendList(running.list)
  return {
    list,
    kept: list,
    start: () => Promise.resolve(),
    block: () => Promise.resolve(true),
    unblock: () => ({ found: false, stored: Promise.resolve(true) }),
    takeFromWorker: () => ({ made: undefined, stored: Promise.resolve(true) }),
    policyOf: (route) => running.policyOf(route),
    refusal: () => running.refusal(),
    status: () => running.status(),
    prepare: () => ({ open: () => Promise.resolve(), commit: () => undefined, abandon: () => Promise.resolve() }),
    nowSec: () => running.nowSec(),
    close: () => Promise.resolve(),
  }
}
