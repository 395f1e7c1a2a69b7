// Connections being handed over to a worker: closed when it dies before it confirms them.
import type { ChildProcess, SendHandle } from 'node:child_process'

interface Closable {
  close(): void
}

/** What Node's cluster sends itself (lib/internal/cluster): a connection with a number, and that number back. */
interface ClusterMessage {
  readonly cmd?: string
  readonly act?: string
  readonly seq?: number
  readonly ack?: number
}

/**
 * The primary accepts, and closes its own copy of a connection when the worker has confirmed it. A worker that dies in
 * between confirms nothing: the copy stays open, a descriptor lost for each, and the client hangs. Returns what closes them.
 */
export function watchHandOver(worker: ChildProcess): () => void {
  const underWay = new Map<number, Closable>()
  const send = worker.send.bind(worker) as (message: unknown, handle?: unknown, ...rest: unknown[]) => boolean
  worker.send = ((message: ClusterMessage, handle?: SendHandle, ...rest: unknown[]) => {
    if (message.cmd === 'NODE_CLUSTER' && message.act === 'newconn' && message.seq !== undefined)
      underWay.set(message.seq, handle as unknown as Closable)
    return send(message, handle, ...rest)
  }) as ChildProcess['send']
  worker.on('internalMessage', ({ ack }: ClusterMessage) => {
    if (ack !== undefined) underWay.delete(ack)
  })
  return () => {
    for (const handle of underWay.values()) handle.close()
    underWay.clear()
  }
}
