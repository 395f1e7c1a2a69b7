// Decodes the content codings of a response (RFC 9110 section 8.4.1): some servers encode without being asked.
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'

const MOST_CODINGS = 3

/** Decodes one coding. `maxOutputLength` in bytes limits what a small body can expand to. */
function undo(coding: string, bytes: Buffer, maxOutputLength: number): Buffer {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return gunzipSync(bytes, { maxOutputLength })
    case 'br':
      return brotliDecompressSync(bytes, { maxOutputLength })
    case 'deflate':
      // Deflate means the zlib format, but old servers send a raw stream, which never starts with zlib's method (RFC 9110 section 8.4.1.2).
      return ((bytes[0] ?? 0) & 0x0f) === 8
        ? inflateSync(bytes, { maxOutputLength })
        : inflateRawSync(bytes, { maxOutputLength })
    default:
      throw new Error('the answer has a content-encoding that is not supported')
  }
}

/** Returns the decoded bytes, at most `maxBytes`. Throws an Error whose message may be logged. */
export function decoded(bytes: Buffer, contentEncoding: string | string[] | undefined, maxBytes: number): Buffer {
  const codings = String(contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity')
  if (codings.length > MOST_CODINGS) throw new Error('the answer has more content-encodings than make sense')
  return codings.reduceRight((inner, coding) => {
    try {
      return undo(coding, inner, maxBytes)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === undefined) throw error
      throw new Error(
        code === 'ERR_BUFFER_TOO_LARGE'
          ? `the answer is larger than ${maxBytes} bytes`
          : `the answer is not the ${coding} that it says it is`,
        { cause: error },
      )
    }
  }, bytes)
}
