// CORS through @fastify/cors: preflights are answered here, and what a page may read is added to every other answer.
import { fastifyCors, type FastifyCorsOptions } from '@fastify/cors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import type { CorsOptions } from './cors-options.ts'

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T
export type CorsConfig = DeepReadonly<CorsOptions>

const OFF: FastifyCorsOptions = { origin: false }

function compile({ origins, methods, headers, exposed, credentials, maxAge }: CorsConfig): FastifyCorsOptions {
  return {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: [...methods],
    allowedHeaders: [...headers],
    exposedHeaders: [...exposed],
    credentials,
    maxAge: Math.floor(maxAge / 1000),
  }
}

/** An OPTIONS request without these headers asks the upstream for its options, and is forwarded like any other. */
function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}

/**
 * The plugin adds a route for OPTIONS on every path, which would collide with a route for /* and answer preflights on paths
 * that nobody serves. Our routes have their own for every method.
 */
function withoutOwnRoute(plugin: typeof fastifyCors): typeof fastifyCors {
  const pluginWithoutRoute: typeof fastifyCors = (scope, options, done) => {
    const inner = Object.create(scope, { options: { value: () => inner } }) as FastifyInstance
    plugin(inner, options, done)
  }
  return Object.assign(pluginWithoutRoute, { [Symbol.for('skip-override')]: true })
}

/** Registers the plugin for the requests of this scope: others do not pay for it. */
export async function registerCors(
  scope: FastifyInstance,
  policyOf: (request: FastifyRequest) => CorsConfig | undefined,
): Promise<void> {
  const compiled = new Map<CorsConfig | undefined, FastifyCorsOptions>([[undefined, OFF]])
  function optionsOf(policy: CorsConfig | undefined): FastifyCorsOptions {
    const options = compiled.get(policy) ?? compile(policy as CorsConfig)
    compiled.set(policy, options)
    return options
  }
  await scope.register(withoutOwnRoute(fastifyCors), {
    delegator: (request: FastifyRequest, done: (error: Error | null, options: FastifyCorsOptions) => void) => {
      done(null, { ...optionsOf(policyOf(request)), preflight: isPreflight(request) })
    },
  })
  scope.addHook('onSend', (request, reply, _payload, done) => {
    reply.header('x-tollgate', 'cors_preflight').header('x-request-id', request.id)
    done()
  })
}

/** The headers that the plugin set, names and values in turn; undefined when there are none. */
export function corsHeaders(reply: FastifyReply): readonly string[] | undefined {
  const pairs = Object.entries(reply.getHeaders()).flatMap(([name, value]) => [name, String(value)])
  return pairs.length === 0 ? undefined : pairs
}
