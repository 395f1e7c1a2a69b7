// The log: JSON lines. Only fields that are named here are written, so a token or a query cannot slip in.
import { pino, type DestinationStream, type Logger } from 'pino'

import type { LogOptions } from './options.ts'

export type Log = Logger

/** Lines are collected and written in blocks; `flushSync` before the process ends. */
export function createLog(options: Readonly<LogOptions>, destination: DestinationStream): Log {
  return pino(
    { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'message' },
    destination,
  )
}

/** `blockBytes`: how much is collected before it is written. */
export function standardOutput(blockBytes = 4096): DestinationStream & { flushSync(): void } {
  return pino.destination({ dest: 1, sync: false, minLength: blockBytes })
}
