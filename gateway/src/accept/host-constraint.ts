// Routes that answer some host names only: the name decides, in any case and with or without port.
import type { FastifyInstance } from 'fastify'
import type { IncomingMessage } from 'node:http'

type Strategy = Parameters<FastifyInstance['addConstraintStrategy']>[0]
type Storage = ReturnType<Strategy['storage']>
type Handler = Parameters<Storage['set']>[1]

export function hostNameOf(host: string | undefined): string {
  return (host ?? '').toLowerCase().replace(/:\d*$/, '')
}

/** The router's own `host` constraint compares the whole header, port included. */
export const hostNameConstraint: Strategy = {
  name: 'hostName',
  storage() {
    const handlers = new Map<unknown, Handler>()
    return {
      get: (name: unknown) => handlers.get(name) ?? null,
      set: (name: unknown, handler: Handler) => {
        handlers.set(name, handler)
      },
    }
  },
  deriveConstraint: (request: unknown) => hostNameOf((request as IncomingMessage).headers.host),
  validate: () => undefined,
}
