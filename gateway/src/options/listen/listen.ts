// The options of the listeners: where clients reach the gateway, and who reads what they send.
import { Type, type StaticDecode } from 'typebox'

import { HTTP2_OPTIONS } from './http2.ts'
import { Duration, OneOrMore, Options } from '../kinds.ts'
import type { ReadOnly } from '../read-only.ts'

export const DEFAULT_HOST = '127.0.0.1'
export const DEFAULT_PORT = 8080

const GivenOptions = Options(
  {
    host: Type.Optional(
      Type.String({
        description: 'Address to listen on; 0.0.0.0 for all of IPv4, "::" for all of IPv6 and IPv4. Default 127.0.0.1.',
      }),
    ),
    port: Type.Optional(
      Type.Integer({ description: 'Port to listen on; 0 takes a free one. Default 8080.', minimum: 0, maximum: 65535 }),
    ),
    ipv6Only: Type.Optional(
      Type.Boolean({
        description: 'Whether "::" leaves IPv4 to another listener instead of taking it too. Default false.',
      }),
    ),
    unix: Type.Optional(
      Type.String({
        description: 'Socket file to listen on, instead of host and port; one that a dead process left is replaced.',
        format: 'socket-path',
      }),
    ),
    mode: Type.Optional(
      Type.String({
        description: 'Who may connect to the socket file: its permissions in octal, in quotes. Default "0660".',
        pattern: '^0?[0-7]{3}$',
        examples: ['"0660"', '"0666"'],
      }),
    ),
    systemd: Type.Optional(
      Type.String({
        description:
          'Name of the sockets that systemd opened and hands over (FileDescriptorName of the socket unit), instead of host and port.',
        minLength: 1,
      }),
    ),
    parser: Type.Enum(['auto', 'node'], {
      description:
        'Who reads requests: auto has plain ones read by the fast lane and all others by the parser of Node, node has that parser read them all. Default auto.',
      default: 'auto',
    }),
    ...HTTP2_OPTIONS,
    proxyProtocol: Type.Optional(
      Options(
        {
          from: Type.Array(Type.String({ examples: ['10.0.0.0/8', '192.0.2.7', 'unix:'] }), {
            description:
              'Addresses or networks of the load balancers, "unix:" for those that connect to a socket file; connections of others are closed.',
            minItems: 1,
          }),
          timeout: Duration({
            least: '1ms',
            description: 'Time in which the header has to be here. Default 3s.',
            default: '3s',
          }),
        },
        {
          description:
            'Each connection begins with a header of the PROXY protocol, version 1 or 2, that says who the client is. Left out: none does.',
        },
      ),
    ),
    tls: Type.Optional(
      Options(
        {
          cert: Type.String({ description: 'File with the certificate chain in PEM.', format: 'file-path' }),
          key: Type.String({ description: 'File with the private key in PEM.', format: 'file-path' }),
        },
        { description: 'Serve HTTPS with this certificate. Left out: plain HTTP.' },
      ),
    ),
  },
  { description: 'Where clients reach the gateway.' },
)

/** With the default address, where no other one is named. */
export const ListenerOptions = Type.Codec(GivenOptions)
  .Decode((given) =>
    given.unix === undefined && given.systemd === undefined
      ? { ...given, host: given.host ?? DEFAULT_HOST, port: given.port ?? DEFAULT_PORT }
      : given,
  )
  .Encode((given) => given)

export const ListenOptions = OneOrMore(ListenerOptions, {
  description: 'Where clients reach the gateway: one listener, or a list of them.',
  default: {},
})

export type ListenerOptions = ReadOnly<StaticDecode<typeof ListenerOptions>>
