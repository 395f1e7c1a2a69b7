// Whether an open stream or WebSocket may go on: its token has not ended and is not revoked.
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { BlockList } from './block-list.ts'

export type StreamCheck = (caller: AuthResult, nowMs: number) => boolean

/**
 * A token that passed once may expire or be revoked while its stream goes on. A renewed one is no reason to end it: the stream
 * lives as long as its session does, until the end of the last successor that was delivered or used.
 */
export function createStreamCheck(
  list: Pick<BlockList, 'find' | 'aliveUntilSec'>,
  onExpiry: 'close' | 'keep',
): StreamCheck {
  return (caller, nowMs) => {
    const nowSec = nowMs / 1000
    if (onExpiry === 'close' && nowSec >= caller.validUntilSec && nowSec >= list.aliveUntilSec(caller)) return false
    const entry = list.find(caller, nowSec)
    return entry === undefined || entry.reason === 'renewed'
  }
}
