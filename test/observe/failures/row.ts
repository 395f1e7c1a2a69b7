// What a row of the table of failures is made of: a gateway, a real input, and what tells its operator two values.
import type { Socket } from 'node:net'

import { sendRaw } from '../../support/raw-http.ts'
import type { TestGateway, TestGatewayParts } from '../../support/test-gateway.ts'
import { nowSec, signHmac, type ClaimChanges } from '../../support/tokens.ts'

export interface Row {
  readonly options?: Record<string, unknown>
  readonly issuer?: Record<string, unknown>
  readonly route?: Record<string, unknown>
  readonly upstream?: Record<string, unknown>
  readonly parts?: TestGatewayParts
  /** In place of the upstream: what it does with a connection. */
  readonly onConnection?: (socket: Socket) => void
  /** The real input. A text that is returned is what told it. */
  readonly send: (gateway: TestGateway) => Promise<unknown>
  readonly told: RegExp
}

/** Claims that may be personal: no detail has them. */
export const PERSONAL = { sub: 'alice', email: 'alice@example.com', phone: '+41441234567' }

export const call = async ({ url }: TestGateway, token?: string, init: RequestInit = {}) => {
  const answer = await fetch(`${url}/x`, {
    ...init,
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...init.headers },
  })
  await answer.text()
}
export const withToken =
  (claims: ClaimChanges, header: Record<string, unknown> = {}) =>
  async (gateway: TestGateway) =>
    call(gateway, await signHmac({ ...PERSONAL, ...claims }, header))
export const raw =
  (head: string) =>
  async ({ port }: TestGateway) => {
    await sendRaw(port, `${head}\r\n\r\n`, 50)
  }
export const HOST = '\r\nhost: a.example.com'
export const OPEN = { auth: 'none' }
export const hours = (count: number) => nowSec() - count * 3600
export const twice = (gateway: TestGateway) => Promise.all([call(gateway), call(gateway)])
/** Answers nothing for a while, so that others have to wait. */
export const slow = (socket: Socket) => {
  socket.once('data', () => setTimeout(() => socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n'), 200))
}
