// One signal per long answer that fires when its client leaves or the server closes, so that closing never waits for a stream.
import type { FastifyInstance, FastifyReply } from 'fastify'

export type LeaveSignals = (reply: FastifyReply) => AbortSignal

export function createLeaveSignals(app: FastifyInstance): LeaveSignals {
  const open = new Set<AbortController>()
  let isClosing = false

  app.addHook('preClose', (done) => {
    isClosing = true
    for (const controller of open) controller.abort()
    done()
  })

  app.addHook('onResponse', (request, _reply, done) => {
    // Node closes the connections that are idle when the closing begins; one that falls idle later would hold it up for 72 s.
    if (isClosing) request.raw.socket.destroySoon()
    done()
  })

  return (reply) => {
    const controller = new AbortController()
    open.add(controller)
    reply.raw.once('close', () => {
      open.delete(controller)
      controller.abort()
    })
    return controller.signal
  }
}
