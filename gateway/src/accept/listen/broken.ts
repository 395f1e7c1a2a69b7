// Connections that sent something unparsable: everything after it is ignored.
import type { Socket } from 'node:net'

import type { FailureCode } from '../../failure.ts'

const broken = new WeakMap<Socket, FailureCode>()

export function markBroken(socket: Socket, code: FailureCode): void {
  broken.set(socket, code)
}

/** The failure code that a connection is refused with; undefined while all its bytes could be parsed. */
export function brokenBy(socket: Socket): FailureCode | undefined {
  return broken.get(socket)
}
