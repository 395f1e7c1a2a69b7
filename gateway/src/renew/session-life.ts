// Writes alive entries, which tell every machine that a session was renewed, so that its open streams continue.
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { BlockList } from '../revoke/block-list.ts'

export interface SessionLife {
  /** A successor was used. */
  onUsed(successor: AuthResult): void
  /** A response has delivered the successor of this caller's token. */
  onDelivered(caller: AuthResult): void
}

/** Uses the block list, because it reaches every machine. An entry of kind `alive` blocks nothing; only its end is read. */
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
      // The issuer's own successors may lack `sid`: then the id of the old token identifies the session.
      keepAlive(issuerId, sid ?? renewedFrom, validUntilSec)
    },
    onDelivered({ issuerId, sid, tokenId, renewal }) {
      const successor = renewal?.successor
      if (successor === undefined || successor.announced) return
      successor.announced = true
      keepAlive(issuerId, sid ?? tokenId, successor.verified.validUntilSec)
    },
  }
}
