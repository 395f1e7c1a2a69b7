// Writes the gateway's own responses: a failure as problem+json (RFC 9457) with its challenge (RFC 6750), without internals.
import { answerGrpc } from './grpc-answer.ts'
import type { RecordedRequest } from './request-record.ts'
import { FAILURES, failureRule, type FailureCode } from '../failure.ts'
import type { GatewayResponse } from '../message/client-exchange.ts'
import { closeLingering } from '../message/connection/lingering-close.ts'
import { isGrpc } from '../message/fields/grpc-call.ts'
import { endInOneWrite } from '../message/connection/one-write.ts'
import { headerLines } from '../message/raw-headers.ts'

export interface AnswerOptions {
  /** True: the body names the reason of a refusal. False: the client sees the status only. */
  readonly detail: boolean
  readonly realm: string
}

export interface AnswerExtras {
  /** Scopes for the challenge of scope_missing (RFC 6750 section 3). */
  readonly scopes?: readonly string[] | undefined
  /** Additional headers, as alternating names and values. */
  readonly headers?: readonly string[] | undefined
  /** Closes the connection after the response, because the request has unread bytes. */
  readonly close?: boolean | undefined
  /** Why the request was refused, in words for its operator: for the access line, never for the client. */
  readonly detail?: string | undefined
}

/** Sends the response for a failure. Call it before the head of a response is written. */
export type Answer = (response: GatewayResponse, code: FailureCode, requestId: string, extras?: AnswerExtras) => void

const GENERIC_CODES: Readonly<Record<number, readonly [code: string, title: string]>> = {
  400: ['bad_request', 'Bad request'],
  401: ['unauthorized', 'Unauthorized'],
  403: ['forbidden', 'Forbidden'],
  500: ['internal_error', 'The gateway failed'],
  502: ['bad_gateway', 'Bad gateway'],
  503: ['unavailable', 'Unavailable'],
}

interface PreparedAnswer {
  readonly status: number
  /** As it is shown. */
  readonly title: string
  /** Up to the value of requestId. */
  readonly bodyStart: string
  readonly headers: readonly string[]
  readonly challenge: string | undefined
}

function challengeOf(code: FailureCode, { detail, realm }: AnswerOptions): string | undefined {
  const { challenge, title } = failureRule(code)
  if (challenge === undefined) return undefined
  const parts = [`Bearer realm="${realm}"`]
  if (challenge !== '') parts.push(`error="${challenge}"`)
  if (challenge !== '' && detail) parts.push(`error_description="${title}"`)
  return parts.join(', ')
}

function prepare(code: FailureCode, options: AnswerOptions): PreparedAnswer {
  const { status, title, retryAfterSec } = failureRule(code)
  const [shownCode, shownTitle] = options.detail ? [code, title] : (GENERIC_CODES[status] ?? [code, title])
  const problem = { type: `urn:tollgate:${shownCode}`, title: shownTitle, status, code: shownCode, requestId: '' }
  const headers = ['content-type', 'application/problem+json', 'cache-control', 'no-store', 'x-tollgate', shownCode]
  if (retryAfterSec !== undefined) headers.push('retry-after', String(retryAfterSec))
  return {
    status,
    title: shownTitle,
    bodyStart: JSON.stringify(problem).slice(0, -2),
    headers,
    challenge: challengeOf(code, options),
  }
}

/** Returns the bytes of a failure response, for a connection without a GatewayResponse: its request could not be parsed. */
export function rawAnswer(
  code: FailureCode,
  options: AnswerOptions,
  requestId: string,
  more: readonly string[] = [],
): string {
  const { status, bodyStart, headers: prepared } = prepare(code, options)
  const headers = [...prepared, ...more]
  const body = `${bodyStart}${requestId}"}`
  const lines = [
    `HTTP/1.1 ${status} ${failureRule(code).title}`,
    `content-length: ${body.length}`,
    'connection: close',
    `x-request-id: ${requestId}`,
  ]
  return `${lines.join('\r\n')}\r\n${headerLines(headers)}\r\n${body}`
}

/** What log and metrics tell of an answer. */
interface Answered {
  readonly code: FailureCode
  readonly detail: string | undefined
}

const answered = new WeakMap<GatewayResponse, Answered>()

/** The failure of an answer; undefined for a response of an upstream. */
export function answeredWith(response: GatewayResponse): Answered | undefined {
  return answered.get(response)
}

/**
 * Ends a response without sending it, because the client is answered on the raw socket. Emits its end for those who wait for
 * it, and records `code` for log and metrics.
 */
export function abandon(response: GatewayResponse, code: FailureCode): void {
  answered.set(response, { code, detail: undefined })
  response.statusCode = failureRule(code).status
  if (response.socket !== null) response.detachSocket(response.socket)
  response.destroy()
  response.emit('close')
}

export function createAnswer(options: AnswerOptions): Answer {
  const prepared = new Map(Object.keys(FAILURES).map((code) => [code, prepare(code as FailureCode, options)]))

  return function answer(response, code, requestId, extras) {
    const { status, title, bodyStart, headers, challenge } = prepared.get(code) as PreparedAnswer
    answered.set(response, { code, detail: extras?.detail })
    if (isGrpc(response.req)) {
      const more = extras?.headers ?? []
      // Their first is the type of a body.
      answerGrpc(response, code, title, [...headers.slice(2), 'x-request-id', requestId, ...more])
      return
    }
    const body = `${bodyStart}${requestId}"}`
    const { record, method } = response.req as RecordedRequest
    if (record !== undefined && method !== 'HEAD') record.bytesOut = body.length
    const sent = [...headers, 'content-length', String(body.length), 'x-request-id', requestId]
    if (challenge !== undefined) {
      const scopes = code === 'scope_missing' && options.detail ? extras?.scopes : undefined
      sent.push(
        'www-authenticate',
        scopes === undefined || scopes.length === 0 ? challenge : `${challenge}, scope="${scopes.join(' ')}"`,
      )
    }
    if (extras?.headers !== undefined) sent.push(...extras.headers)
    if (extras?.close === true) {
      sent.push('connection', 'close')
      closeLingering(response)
    }
    response.writeHead(status, sent)
    endInOneWrite(response, body)
  }
}
