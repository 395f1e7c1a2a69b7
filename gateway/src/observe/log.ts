// Writes the log as JSON lines: only fields that are named here, so that no token and no query can slip in.
import { pino, type DestinationStream } from 'pino'

import type { LogOptions } from '../options/operate.ts'

/** All fields that a line may have, beside `level`, `time` and `message`: the compiler refuses others, and so does the log. */
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
  isLevelEnabled(level: LogLevel): boolean
  /** A log whose lines all have these fields. */
  child(fields: LogFields): Log
}

const WRITTEN: ReadonlySet<string> = new Set(LOG_FIELDS)

function onlyNamed(fields: Record<string, unknown>): Record<string, unknown> {
  for (const name in fields) {
    if (!WRITTEN.has(name)) return Object.fromEntries(Object.entries(fields).filter(([field]) => WRITTEN.has(field)))
  }
  return fields
}

/** The causes of an error that are told: a chain that leads back to itself ends somewhere. */
const MAX_CAUSES = 5

/** What is known of an error, and no other property of it: libraries hang whole requests, with their headers, on theirs. */
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

/** Lines are collected and written in blocks: the output is ended before the process is. */
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
