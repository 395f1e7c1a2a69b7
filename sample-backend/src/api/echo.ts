// Gives the body back byte for byte with its content type, to show what a gateway left of the request.
import { Readable } from 'node:stream'

import type { FastifyPluginCallback, FastifyRequest } from 'fastify'

import { sendProblem } from '../problem.ts'
import { viewCaller } from './caller.ts'

// Read as a whole before the answer begins: browsers read nothing while they still send, so echoing on the fly can stop for ever.
const MAX_BODY_BYTES = 10 * 1024 * 1024

/** A plugin of its own, because it takes away Fastify's body parsers. */
export const echo: FastifyPluginCallback = (app, _options, done) => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null))

  app.addHook('onRequest', (request, reply, next) => {
    const contentType = request.headers['content-type']
    if (contentType !== undefined) reply.header('content-type', contentType)
    // Fastify answers 415 to a content type that it cannot parse; here a body is bytes, whatever it is called.
    request.raw.headers['content-type'] = 'application/octet-stream'
    next()
  })

  app.all('/echo', async (request, reply) => {
    const body = await readBody(request)
    if (body === undefined) {
      return sendProblem(reply, { status: 413, code: 'body_too_large', title: 'The body is too large' })
    }
    return (
      reply
        .header('content-length', body.length)
        .header('x-caller', toAsciiJson(viewCaller(request.headers).caller))
        // The body is the caller's own: shown as a document in a browser it must not run as a page of this origin.
        .header('content-security-policy', "sandbox; default-src 'none'")
        .header('x-content-type-options', 'nosniff')
        // A stream, because Fastify replaces a malformed content type when it is given a Buffer.
        .send(Readable.from(body))
    )
  })
  done()
}

// From the socket, and not as `request.body`: Fastify does not read the body of a GET.
async function readBody(request: FastifyRequest): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request.raw as AsyncIterable<Buffer>) {
    bytes += chunk.length
    // What is too much is read all the same, and thrown away: a client that is cut off while it sends never sees the answer.
    if (bytes > MAX_BODY_BYTES) chunks.length = 0
    else chunks.push(chunk)
  }
  return bytes > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks)
}

// Header values are Latin-1 at best; JSON can say everything in ASCII.
function toAsciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
