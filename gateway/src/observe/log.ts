// Writes the log as JSON lines. Only the fields of LOG_FIELDS are written, so that no token and no query can leak.
import { pino, type DestinationStream } from 'pino'

import type { LogOptions } from '../options/operate.ts'

/** All fields of log lines besides `level`, `time` and `message`. The compiler rejects other fields, and the log drops them. */
export const LOG_FIELDS = [
  ...['requestId', 'method', 'path', 'route', 'status', 'code', 'detail', 'trace', 'complete', 'durationMs', 'client'],
  ...['issuer', 'subject', 'sid', 'token', 'reason', 'added', 'removed', 'remark', 'keysLeftSec'],
  ...['upstream', 'target', 'why', 'cause', 'entries', 'count', 'stored', 'trouble', 'behindSec', 'toleranceSec'],
  ...['url', 'adminUrl', 'version', 'node', 'workers', 'worker', 'ended', 'restartInMs', 'stopInMs', 'signal', 'error'],
  ...['configured', 'used', 'heap', 'bytes', 'suppressed', 'problems', 'needsRestart'],
  ...['kid', 'bytesIn', 'bytesOut', 'userAgent', 'host', 'protocol', 'upstreamMs', 'tries', 'traceId', 'claims'],
] as const

export type LogField = (typeof LOG_FIELDS)[number]
type Scalar = string | number | boolean
type LogValue = Scalar | readonly Scalar[] | Readonly<Record<string, Scalar | readonly Scalar[]>> | undefined
export type LogFields = { readonly [Field in Exclude<LogField, 'error'>]?: LogValue } & { readonly error?: unknown }

interface LogMethod {
  (fields: LogFields, message: string): void
  (message: string): void
}

type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal'

export interface Log extends Readonly<Record<LogLevel, LogMethod>> {
  /** Least severe lines that are written; a reload may change it. */
  level: string
  isLevelEnabled(level: LogLevel): boolean
  /** Creates a log that adds these fields to each line. */
  child(fields: LogFields): Log
}

const WRITTEN: ReadonlySet<string> = new Set(LOG_FIELDS)

function onlyNamed(fields: Record<string, unknown>): Record<string, unknown> {
  for (const name in fields) {
    if (!WRITTEN.has(name)) return Object.fromEntries(Object.entries(fields).filter(([field]) => WRITTEN.has(field)))
  }
  return fields
}

/** Limit of nested causes, because a chain of causes may be circular. */
const MAX_CAUSES = 5

/** Returns the known properties of an error only: libraries attach whole requests, with their headers, to errors. */
function errorFacts(error: unknown, depth = 0): Record<string, unknown> | string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : typeof error
  const { name, message, stack, cause } = error
  const { code } = error as NodeJS.ErrnoException
  return {
    type: name,
    message,
    stack,
    ...(code === undefined ? {} : { code }),
    ...(cause === undefined || depth === MAX_CAUSES ? {} : { cause: errorFacts(cause, depth + 1) }),
  }
}

/** Creates the log. Lines may wait in the output, so the process must end the output before it exits. */
export function createLog(options: Readonly<Pick<LogOptions, 'level'>>, destination: DestinationStream): Log {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { log: onlyNamed },
      serializers: { error: errorFacts },
    },
    destination,
  )
}
