// Checks whether an open stream or WebSocket may continue: its token is neither expired nor revoked.
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { BlockList } from './block-list.ts'

export type StreamCheck = (caller: AuthResult, nowMs: number) => boolean

/**
 * Creates the check. A token may expire or be revoked while its stream is open. A renewal does not end the stream: it may
 * continue until the end of the last successor that was delivered or used.
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
