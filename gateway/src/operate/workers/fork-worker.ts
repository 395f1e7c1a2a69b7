// Forks a worker of node:cluster, and connects it: its messages, the block list, its end.
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'

import { watchHandOver } from './handed-over.ts'
import type { RevocationSpread } from './spread-revocations.ts'
import type { FromWorker, ToWorker } from './worker-messages.ts'
import type { Fork } from './worker-run.ts'

const WORKER = fileURLToPath(new URL('./worker/worker.js', import.meta.url))

export function createFork(revocations: RevocationSpread): Fork {
  cluster.setupPrimary({ exec: WORKER, args: [], serialization: 'advanced' })
  return ({ onMessage, onExit }) => {
    const worker = cluster.fork()
    const send = (message: ToWorker) =>
      new Promise<void>((resolve) => {
        // A message to a worker that is just dying is lost, which its end tells anyway.
        if (worker.isConnected()) worker.send(message, undefined, () => resolve())
        else resolve()
      })
    const closeHandedOver = watchHandOver(worker.process)
    const listener = { send }
    worker.on('message', (message: FromWorker) => {
      onMessage(message)
      revocations.onMessage(listener, message)
    })
    worker.on('exit', (code, signal) => {
      revocations.remove(listener)
      closeHandedOver()
      onExit(signal ?? `exit code ${code}`)
    })
    worker.on('error', () => undefined)
    return {
      send: (message) => void send(message),
      drain() {
        void send({ type: 'stop' })
        // Closes the port here first. A worker that closed it by itself would send back what is on its way, to nobody.
        if (worker.isConnected()) worker.disconnect()
      },
      kill() {
        worker.process.kill('SIGKILL')
      },
    }
  }
}
