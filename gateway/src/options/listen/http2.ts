// The options of HTTP/2 on the listener: whether it is offered, and how many requests one connection may have at once.
import { Type } from 'typebox'

export const HTTP2_OPTIONS = {
  http2: Type.Boolean({
    description: 'Offer HTTP/2 beside HTTP/1.1 on a listener with TLS (ALPN). Default true.',
    default: true,
  }),
  h2c: Type.Boolean({
    description:
      'Take HTTP/2 without TLS from clients that begin with it (prior knowledge), beside HTTP/1.1; for gRPC and load balancers inside a network. Default false.',
    default: false,
  }),
  streams: Type.Integer({
    description: 'Requests at once on one HTTP/2 connection; a client is told, and more are refused. Default 100.',
    default: 100,
    minimum: 1,
    maximum: 100_000,
  }),
}
