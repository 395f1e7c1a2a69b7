// Marks connections that sent malformed bytes: the gateway ignores everything after them.
import type { Socket } from 'node:net'

import type { FailureCode } from '../../failure.ts'

const broken = new WeakMap<Socket, FailureCode>()

export function markBroken(socket: Socket, code: FailureCode): void {
  broken.set(socket, code)
}

/** The failure code of a broken connection; undefined while all its bytes were valid. */
export function brokenBy(socket: Socket): FailureCode | undefined {
  return broken.get(socket)
}
