// A list of things, to have something worth protecting.
import type { FastifyInstance } from 'fastify'

import type { Clock } from '../clock.ts'
import { sendProblem } from '../problem.ts'
import { viewCaller } from './caller.ts'

interface Thing {
  readonly id: number
  readonly name: string
  readonly createdBy: string | null
  readonly createdAt: string
}

// In memory, and anybody may log in with the demo passwords.
const MAX_THINGS = 1000

const newThingSchema = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: { name: { type: 'string', minLength: 1, maxLength: 100, pattern: '\\S' } },
} as const

export function addThings(app: FastifyInstance, { clock }: { readonly clock: Clock }): void {
  const things: Thing[] = []

  const create = (name: string, createdBy: string | null): Thing => {
    const thing = { id: things.length + 1, name, createdBy, createdAt: new Date(clock.now()).toISOString() }
    things.push(thing)
    return thing
  }
  create('a toll booth', null)
  create('a barrier, red and white', null)

  app.get('/things', (request) => ({ ...viewCaller(request.headers), things }))

  app.post<{ Body: { name: string } }>('/things', { schema: { body: newThingSchema } }, (request, reply) => {
    if (things.length >= MAX_THINGS) {
      return sendProblem(reply, { status: 507, code: 'list_full', title: `There are ${MAX_THINGS} things already` })
    }
    const view = viewCaller(request.headers)
    const createdBy = view.caller.authenticated ? view.caller.subject : null
    const thing = create(request.body.name.trim(), createdBy)
    return reply.code(201).send({ ...view, thing })
  })
}
