// The options of what one request may cost.
import { Type, type StaticDecode } from 'typebox'

import { Duration, Options, Size } from './kinds.ts'

export const LimitsOptions = Options(
  {
    headerBytes: Size({
      least: '512B',
      description: 'Request line and headers together; more is answered 431. Default 16KiB.',
      default: '16KiB',
    }),
    responseHeaderBytes: Size({
      least: '512B',
      description:
        'Status line and headers of an upstream’s response together; more is answered 502 upstream_headers_too_large. Default 64KiB.',
      default: '64KiB',
    }),
    bodyBytes: Size({
      description: 'Request body, with or without Content-Length; more is answered 413. Default 10MiB.',
      default: '10MiB',
    }),
    messageBytes: Size({
      least: '1B',
      description: 'WebSocket message, either way; a larger one ends the connection with 1009. Default 1MiB.',
      default: '1MiB',
    }),
    tokenBytes: Size({
      least: '64B',
      description: 'Longest token that is looked at; more is answered 401 token_too_large. Default 8KiB.',
      default: '8KiB',
    }),
    requestTimeout: Duration({
      description:
        'Time a client has to send the head of its request, and the longest pause between two pieces of the body; more is answered 408. A body that moves may take longer, see bodyRate. 0s for no limit. Default 60s.',
      default: '60s',
    }),
    bodyRate: Size({
      description:
        'Least speed of a request body, in bytes a second: it may take requestTimeout, and a second more for so many bytes; slower is answered 408. Time in which the upstream does not read is not counted. 0B for no limit. Default 16B.',
      default: '16B',
    }),
    inFlight: Type.Integer({
      description: 'Requests served at once; more are answered 503 overloaded. Default 10000.',
      default: 10000,
      minimum: 1,
    }),
    authFailures: Type.Optional(
      Options(
        {
          max: Type.Integer({
            description:
              'Failed tokens of one client (the address of its connection, or whom proxy.trustedProxies name) in that time. Default 100.',
            default: 100,
            minimum: 1,
          }),
          per: Duration({
            least: '1ms',
            description: 'The time in which they are counted. Default 1m.',
            default: '1m',
          }),
        },
        {
          description:
            'Beyond this, tokens of that client which are not known yet are answered 429. Left out: no limit.',
        },
      ),
    ),
  },
  { description: 'Bounds on what one request can cost.', default: {} },
)

export type LimitsOptions = StaticDecode<typeof LimitsOptions>
