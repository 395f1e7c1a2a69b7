// Recognises a call of gRPC, and reads the deadline that its client gave it.
import type { GatewayRequest } from '../client-exchange.ts'

const GRPC = /^application\/grpc(?:$|[+;])/i
const TIMEOUT = /^(\d{1,8})([HMSmun])$/
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 }

/** gRPC is of HTTP/2 alone. gRPC-Web (`application/grpc-web`) is plain HTTP, whose clients read the status. */
export function isGrpc({ httpVersion, headers }: Pick<GatewayRequest, 'httpVersion' | 'headers'>): boolean {
  return httpVersion === '2.0' && GRPC.test(headers['content-type'] ?? '')
}

/** The time that the client gives the whole call, in milliseconds; Infinity without one that can be read. */
export function grpcTimeoutMs({ headers }: Pick<GatewayRequest, 'headers'>): number {
  const value = headers['grpc-timeout']
  if (value === undefined) return Infinity
  const [, digits, unit = ''] = TIMEOUT.exec(String(value)) ?? []
  return digits === undefined ? Infinity : Number(digits) * (UNIT_MS[unit] as number)
}

/** As clients read `grpc-message`: what is not printable ASCII, and `%`, is percent-encoded UTF-8. */
export function grpcMessage(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]+/g, (piece) =>
    [...Buffer.from(piece, 'utf8')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}
