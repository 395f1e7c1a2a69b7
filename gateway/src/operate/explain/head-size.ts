// Checks whether Node's parser would refuse the head of an explained request as too large, before any stage.
import type { ExplainedRequest } from './explained-request.ts'
import { Failure } from '../../failure.ts'

/** Counts bytes as llhttp does in Node: target, names and values without separators. A head of exactly the limit is refused. */
export function checkHeadSize(
  { target, headers }: ExplainedRequest,
  { headerBytes }: { readonly headerBytes: number },
): Failure | undefined {
  const texts = [target, ...Object.entries(headers).flat()]
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  return bytes < headerBytes
    ? undefined
    : new Failure(
        'headers_too_large',
        `target and headers have ${bytes} bytes, allowed are fewer than ${headerBytes} (limits.headerBytes)`,
      )
}
