// The log: JSON lines. Only fields that are named here are written, so a token or a query cannot slip in.
import { pino, type DestinationStream, type Logger } from 'pino'

import type { LogOptions } from './options.ts'

export type Log = Logger

/** Lines are collected and written in blocks: the output is ended before the process is. */
export function createLog(options: Readonly<LogOptions>, destination: DestinationStream): Log {
  return pino(
    { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'message' },
    destination,
  )
}

export interface LogOutput extends DestinationStream {
  /** Writes what was collected, in the background. */
  flush(): void
  /** Writes what is left. Waits a second at most for whoever reads it. */
  end(): Promise<void>
}

/** What may wait for a reader that is slow; lines beyond that are lost, as the requests must not wait for them. */
const MAX_WAITING_BYTES = 8_388_608
const END_MS = 1000

/** `blockBytes`: how much is collected before it is written. Nothing here blocks: a reader that stands still stops no request. */
export function standardOutput(blockBytes = 4096): LogOutput {
  const output = pino.destination({ dest: 1, sync: false, minLength: blockBytes, maxLength: MAX_WAITING_BYTES })
  // pino calls it when the process exits, and it tries again for ever where the reader is gone (sonic-boom 4.2).
  output.flushSync = () => undefined
  return {
    write: (line) => output.write(line),
    flush() {
      output.flush()
    },
    end: () =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, END_MS)
        output.once('close', () => {
          clearTimeout(timer)
          resolve()
        })
        output.end()
      }),
  }
}
