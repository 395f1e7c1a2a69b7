// A worker that another one replaces: takes no more connections, and waits until the clients of those that it has are gone.
import { setTimeout as pause } from 'node:timers/promises'

import type { Gateway } from '../../../gateway/running.ts'

const LOOK_EVERY_MS = 50

/**
 * Each response ends its connection, so that clients that are at work connect to another worker with their next request. Idle
 * connections are left alone for half of the time: a request that comes just when its connection is closed would fail.
 */
export async function leave(
  gateway: Pick<Gateway, 'retire' | 'drain' | 'stopAccepting' | 'connections'>,
  withinMs: number,
): Promise<void> {
  gateway.stopAccepting()
  gateway.retire()
  gateway.drain(withinMs)
  const endMs = performance.now() + withinMs / 2
  while (gateway.connections() > 0 && performance.now() < endMs) await pause(LOOK_EVERY_MS)
}
