// The options of an upstream: its targets, how requests are balanced among them, and its timeouts.
import { Type, type StaticDecode } from 'typebox'

import { HeaderEditsOptions } from './forward/header-edits.ts'
import { Duration, Options } from './kinds.ts'
import type { ReadOnly } from './read-only.ts'

const Timeouts = {
  headers: Duration({
    description:
      'Time from the end of the request to the response headers, and for an upload that the upstream does not read; 0s for no limit. Default 15s.',
    default: '15s',
  }),
  idle: Duration({
    description: 'Longest silence inside a response body; event streams may be silent. 0s for no limit. Default 60s.',
    default: '60s',
  }),
}

const Total = Duration({
  least: '1ms',
  description: 'Time for the whole exchange, bodies included. Left out: no limit.',
})

const QueueOptions = Options(
  {
    max: Type.Integer({
      description: 'Requests that wait while all connections are busy; more are answered 503. Default 1000.',
      default: 1000,
      minimum: 0,
    }),
    timeout: Duration({ description: 'Longest wait; then 503 upstream_overloaded. Default 5s.', default: '5s' }),
  },
  { description: 'What waits for a free connection.', default: {} },
)

const EjectionOptions = Options(
  {
    failures: Type.Integer({
      description: 'Connections refused, resets, timeouts and 5xx responses in a row; 0 never ejects. Default 5.',
      default: 5,
      minimum: 0,
    }),
    time: Duration({
      description: 'How long the first time; doubled each time. Default 10s.',
      default: '10s',
    }),
    maxTime: Duration({ description: 'Longest ejection. Default 5m.', default: '5m' }),
  },
  {
    description:
      'A target that fails gets no requests for a while, then one as a probe. Never more than half of the targets.',
    default: {},
  },
)

const HealthOptions = Options(
  {
    path: Type.String({ description: 'Path to GET; 2xx and 3xx are healthy.', pattern: '^/', examples: ['/healthz'] }),
    interval: Duration({
      least: '10ms',
      description: 'Time between two checks of a target. Default 10s.',
      default: '10s',
    }),
    timeout: Duration({ least: '1ms', description: 'Time for one check. Default 2s.', default: '2s' }),
    healthy: Type.Integer({ description: 'Good checks in a row to come back. Default 2.', default: 2, minimum: 1 }),
    unhealthy: Type.Integer({ description: 'Bad checks in a row to go out. Default 3.', default: 3, minimum: 1 }),
  },
  { description: 'Active health checks, on a connection of their own. Left out: none.' },
)

export const UpstreamOptions = Options(
  {
    targets: Type.Array(
      Type.String({
        pattern: '^(https?://[^/?#]+/?|unix:/.+)$',
        examples: ['http://127.0.0.1:3001', 'unix:/run/things.sock'],
      }),
      { description: 'Origins of the service: scheme, host and port; or unix: and a socket.', minItems: 1 },
    ),
    weights: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 1000 }), {
        description: 'Shares of the targets, in their order. Left out: equal.',
        minItems: 1,
      }),
    ),
    balance: Type.Enum(['round-robin', 'least-in-flight'], {
      description: 'Which target gets the next request. Default round-robin.',
      default: 'round-robin',
    }),
    connections: Type.Integer({
      description:
        'Most connections to one target, one request each; as many again may be kept for clients whose NTLM or Negotiate handshake authenticated them, but for none behind proxy.trustedProxies. Default 128.',
      default: 128,
      minimum: 1,
    }),
    protocol: Type.Enum(['http1', 'h2', 'h2c'], {
      description:
        'What the targets speak. http1: HTTP/1.1. h2: HTTP/2 over TLS. h2c: HTTP/2 without TLS, with prior knowledge. With HTTP/2 few connections carry all requests, and connections bounds how many at once. Default http1.',
      default: 'http1',
    }),
    transport: Type.Enum(['direct', 'undici'], {
      description:
        'What carries the requests. direct: the gateway’s own connections. undici: that library’s, dearer, and without the trailers of requests; should a service not get on with direct. Default direct.',
      default: 'direct',
    }),
    queue: QueueOptions,
    ejection: EjectionOptions,
    health: Type.Optional(HealthOptions),
    retries: Type.Integer({
      description:
        'Other tries when a connection is refused or reset: idempotent methods only, before any of a body was sent, and at most for a fifth of the requests. Default 1.',
      default: 1,
      minimum: 0,
      maximum: 5,
    }),
    preserveHost: Type.Boolean({
      description: 'Send the client’s Host instead of the target’s. Default false.',
      default: false,
    }),
    dnsRefresh: Duration({
      least: '1s',
      description:
        'How often all connections to targets with a name are replaced, so that it is looked up again; what is under way goes on. Default 60s.',
      default: '60s',
    }),
    headers: Type.Optional(HeaderEditsOptions),
    timeouts: Options(
      {
        connect: Duration({ least: '1ms', description: 'Time to connect, TLS included. Default 2s.', default: '2s' }),
        ...Timeouts,
        total: Type.Optional(Total),
      },
      { description: 'How long the upstream is waited for; then 504 upstream_timeout.', default: {} },
    ),
    tls: Type.Optional(
      Options(
        {
          ca: Type.Optional(
            Type.String({
              description: 'File with the CA certificates in PEM that replace the built-in ones.',
              format: 'file-path',
            }),
          ),
          servername: Type.Optional(
            Type.String({ description: 'Name to ask for (SNI) and to verify. Default the host of the target.' }),
          ),
          cert: Type.Optional(
            Type.String({ description: 'File with the client certificate in PEM (mutual TLS).', format: 'file-path' }),
          ),
          key: Type.Optional(
            Type.String({ description: 'File with the key of the client certificate.', format: 'file-path' }),
          ),
        },
        { description: 'TLS to the targets. Their certificates are always verified.' },
      ),
    ),
  },
  // The default lets TypeBox fill in the inner defaults. Without targets the upstream is still an error.
  { description: 'A service behind the gateway.', default: {} },
)

export type UpstreamOptions = StaticDecode<typeof UpstreamOptions>

export type UpstreamConfig = ReadOnly<UpstreamOptions>
