// The options of operation: the admin listener, the log, and how much detail an error response contains.
import { Type, type StaticDecode } from 'typebox'

import { Duration, Options } from './kinds.ts'

export const AdminOptions = Options(
  {
    host: Type.String({ description: 'Address of the admin listener. Default 127.0.0.1.', default: '127.0.0.1' }),
    port: Type.Integer({
      description: 'Port of the admin listener; 0 takes a free one. Default 9901.',
      default: 9901,
      minimum: 0,
      maximum: 65535,
    }),
    metrics: Type.Enum(['on', 'off'], {
      description:
        'Whether requests are counted by route, status, duration and decision; off leaves /metrics those of cache, keys, upstreams and process. Default on.',
      default: 'on',
    }),
    token: Type.Optional(
      Type.String({
        writeOnly: true,
        description:
          'What whoever changes something, or asks for the config and what became of it (/api/...), must send as Authorization: Bearer; take it from the environment: "${TOLLGATE_ADMIN_TOKEN:-}". Left out or empty: nobody can.',
      }),
    ),
  },
  { description: 'Health, metrics and changes, on their own listener.', default: {} },
)

export const LogOptions = Options(
  {
    level: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      description: 'Least severe lines that are written. Default info.',
      default: 'info',
    }),
    access: Type.Enum(['on', 'off'], {
      description: 'One line per request, without token and query. Default on.',
      default: 'on',
    }),
    subject: Type.Enum(['on', 'off', 'hash'], {
      description:
        'Whether access lines name the subject of the token; hash writes 16 characters of its SHA-256 with the issuer, so that the lines of one subject can be told. Default on.',
      default: 'on',
    }),
    claims: Type.Array(
      Type.String({ pattern: '^(/([^~/]|~[01])*)+$', description: 'JSON Pointer (RFC 6901), as in /tenant.' }),
      {
        description:
          'Claims of the token that access lines carry, by JSON Pointer: texts (256 characters at most), numbers and booleans, and lists of those. Default none.',
        default: [],
        maxItems: 16,
      },
    ),
  },
  { description: 'JSON lines on standard output.', default: {} },
)

export const ErrorsOptions = Options(
  {
    detail: Type.Boolean({
      description:
        'Whether error responses say why; false hides the reason from clients (the log keeps it). Default true.',
      default: true,
    }),
    realm: Type.String({
      description: 'Realm in WWW-Authenticate. Default tollgate.',
      default: 'tollgate',
      pattern: '^[\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]*$',
    }),
  },
  { description: 'The gateway’s own responses.', default: {} },
)

export const WorkersOption = Type.Union([Type.Literal('auto'), Type.Integer({ minimum: 1, maximum: 256 })], {
  description:
    'Processes that serve: a number, or auto for one per core. Each has a token cache, connections to upstreams and limits of its own. Default 1.',
  default: 1,
})

export const WatchOption = Type.Boolean({
  description:
    'Whether this file and all files that it names (included files, ${file:...}, keys, certificates) are read again when they change, within two seconds and once they are at rest; what cannot be used changes nothing. Default false: read at the start and at a reload.',
  default: false,
})

export const StartTimeoutOption = Duration({
  most: '1d',
  description:
    'How long a start waits for the first keys of all issuers before it listens. An issuer that cannot be reached is not waited for any longer than its first fetch; whose keys are missing is told in the log. Default 10s.',
  default: '10s',
})

export const ShutdownOptions = Options(
  {
    delay: Duration({
      most: '1d',
      description:
        'How long to go on accepting and serving after the signal, while /readyz says no: as long as load balancers need to notice. Each response says connection: close. Default 0s.',
      default: '0s',
    }),
    timeout: Duration({
      most: '1d',
      description:
        'How long requests under way then have to end, before they are cut. A second signal ends the process at once. Default 10s.',
      default: '10s',
    }),
  },
  { description: 'What happens at SIGTERM and SIGINT.', default: {} },
)

export type AdminOptions = StaticDecode<typeof AdminOptions>
export type ShutdownOptions = StaticDecode<typeof ShutdownOptions>
export type LogOptions = StaticDecode<typeof LogOptions>
export type ErrorsOptions = StaticDecode<typeof ErrorsOptions>
