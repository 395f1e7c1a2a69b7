// Tells every machine that a session goes on, for the streams that its earlier tokens opened.
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { BlockList } from '../revoke/block-list.ts'

export interface SessionLife {
  /** A successor was used. */
  onUsed(successor: AuthResult): void
  /** A response carried the successor of this caller's token: its client has it, as far as anybody can know. */
  onDelivered(caller: AuthResult): void
}

/** The list carries it, as it is what reaches every machine: an entry of kind `alive` blocks nobody, and its end is what it says. */
export function createSessionLife(blockList: Pick<BlockList, 'add'>): SessionLife {
  function keepAlive(issuer: string, session: string, untilSec: number): void {
    blockList.add({
      kind: 'alive',
      issuer,
      value: session,
      issuedBeforeSec: undefined,
      overlapSec: 0,
      untilSec: Math.ceil(untilSec),
      reason: 'renewed',
    })
  }
  return {
    onUsed({ issuerId, sid, renewedFrom = '', validUntilSec }) {
      // Without a sid, which an issuer's own successors may lack, the session is known by the token before.
      keepAlive(issuerId, sid ?? renewedFrom, validUntilSec)
    },
    onDelivered({ issuerId, sid, tokenId, renewal }) {
      const successor = renewal?.successor
      if (successor === undefined || successor.told) return
      successor.told = true
      keepAlive(issuerId, sid ?? tokenId, successor.verified.validUntilSec)
    },
  }
}
