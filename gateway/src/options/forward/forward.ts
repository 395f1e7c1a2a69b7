// The options of the forward stage: proxies in front, timeouts and streams.
import { Type, type StaticDecode } from 'typebox'

import { Duration, Options } from '../kinds.ts'

export const ProxyOptions = Options(
  {
    trustedProxies: Type.Array(Type.String({ examples: ['10.0.0.0/8', '192.0.2.7', 'unix:'] }), {
      description:
        'Addresses or networks of load balancers in front, "unix:" for those that connect to a socket file: their Forwarded and X-Forwarded-* are believed and passed on, with the peer as one more hop. Others are replaced. Default none.',
      default: [],
    }),
    clientAddress: Type.Enum(['x-forwarded-for', 'forwarded'], {
      description:
        'Where the trusted proxies write whom they heard from: the client, in access log and limits, is the last address there that is no trusted proxy. x-forwarded-for: that header, and Forwarded in requests without it. forwarded: Forwarded alone, for proxies that pass a client’s X-Forwarded-For on as it came. Default x-forwarded-for.',
      default: 'x-forwarded-for',
    }),
    underscores: Type.Enum(['drop', 'keep'], {
      description:
        'Request headers with _ in their name: CGI, WSGI and PHP upstreams read _ as -, so they could pass for others. Names that are reserved, frame a message, belong to one connection or hold a token never pass in another spelling. Default drop.',
      default: 'drop',
    }),
    via: Type.Optional(
      Type.String({
        description: 'Name of this gateway in the header Via, both ways (RFC 9110 section 7.6.3). Left out: no Via.',
        pattern: '^[A-Za-z0-9._-]+$',
        examples: ['tollgate'],
      }),
    ),
  },
  { description: 'How the gateway shows itself to both sides.', default: {} },
)

export const RouteTimeoutOptions = Options(
  {
    connect: Type.Optional(
      Duration({ least: '1ms', description: 'Overrides the upstream’s timeouts.connect (with transport: direct).' }),
    ),
    headers: Type.Optional(Duration({ description: 'Overrides the upstream’s timeouts.headers.' })),
    idle: Type.Optional(
      Duration({ description: 'Overrides the upstream’s timeouts.idle, for event streams as well.' }),
    ),
    total: Type.Optional(Duration({ least: '1ms', description: 'Overrides the upstream’s timeouts.total.' })),
    body: Type.Optional(Duration({ description: 'Overrides limits.requestTimeout for request bodies.' })),
  },
  { description: 'Timeouts of this route, where they differ from its upstream’s.' },
)

/** The options of a route for connections that may outlive their token. */
export const StreamOptions = {
  websocket: Type.Boolean({
    description: 'Whether this route takes WebSockets; elsewhere they are answered 400. Default false.',
    default: false,
  }),
  onExpiry: Type.Enum(['close', 'keep'], {
    description:
      'WebSockets and responses without an end when their token expires: close ends them at once, or, where tokens are renewed, when the last successor does that was delivered or used on any machine. A token that is revoked ends them in any case. Default close.',
    default: 'close',
  }),
  closeCode: Type.Integer({
    description: 'Close code of a WebSocket whose token expired or was revoked. Default 4401.',
    default: 4401,
    minimum: 3000,
    maximum: 4999,
  }),
}

export type ProxyOptions = StaticDecode<typeof ProxyOptions>
export type RouteTimeoutOptions = StaticDecode<typeof RouteTimeoutOptions>
