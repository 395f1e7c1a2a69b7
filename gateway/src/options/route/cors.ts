// The options of CORS: which other origins may call through the gateway.
import { Type, type StaticDecode } from 'typebox'

import { Duration, Options } from '../kinds.ts'
import { ORIGIN } from './origins.ts'

/** A field name (RFC 9110 section 5.1). `*` stands for all names. */
const NAME = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"

export const CorsOptions = Options(
  {
    origins: Type.Array(
      Type.String({ pattern: `^(\\*|${ORIGIN})$`, examples: ['https://app.example.com', 'https://*.example.com'] }),
      {
        description:
          'Origins that may read responses; https://*.example.com for all hosts below; "*" for any, which then excludes credentials.',
        minItems: 1,
        uniqueItems: true,
      },
    ),
    methods: Type.Array(Type.String({ pattern: '^[A-Z-]+$', examples: ['GET'] }), {
      description: 'Methods a page may use. Default GET, HEAD, POST, PUT, PATCH, DELETE.',
      default: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    }),
    headers: Type.Array(Type.String({ pattern: NAME, examples: ['x-request-id'] }), {
      description: 'Request headers a page may send. Default authorization, content-type.',
      default: ['authorization', 'content-type'],
    }),
    exposed: Type.Array(Type.String({ pattern: NAME, examples: ['x-request-id'] }), {
      description: 'Response headers a page may read. Default x-request-id, x-tollgate, www-authenticate.',
      default: ['x-request-id', 'x-tollgate', 'www-authenticate'],
    }),
    credentials: Type.Boolean({ description: 'Whether cookies may be sent along. Default false.', default: false }),
    maxAge: Duration({
      description: 'How long a browser may cache the response to a preflight. Default 10m.',
      default: '10m',
    }),
  },
  {
    description: 'CORS: preflights are answered at the gateway, without a token. Left out: no CORS headers are added.',
  },
)
export type CorsOptions = StaticDecode<typeof CorsOptions>
