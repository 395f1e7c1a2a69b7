// Whether an open stream or WebSocket may go on, as far as its caller's token is concerned.
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { BlockList } from './block-list.ts'

/**
 * A token that passed once may expire or be revoked while its stream goes on. A renewed one is no reason to end it: the
 * session goes on, and the stream ends when the token that opened it would have.
 */
export function createStreamCheck(
  list: Pick<BlockList, 'find'>,
  onExpiry: 'close' | 'keep',
): (caller: AuthResult, nowMs: number) => boolean {
  return (caller, nowMs) => {
    const nowSec = nowMs / 1000
    if (onExpiry === 'close' && nowSec >= caller.validUntilSec) return false
    const entry = list.find(caller, nowSec)
    return entry === undefined || entry.reason === 'renewed'
  }
}
