// The options of all stages as one schema, and the type of a loaded config.
import { Type, type StaticDecode } from 'typebox'

import { CorsOptions } from './route/cors.ts'
import { LimitsOptions } from './limits.ts'
import { ListenOptions } from './listen/listen.ts'
import { TokensOptions } from './tokens.ts'
import { AuthResultOptions } from './forward/auth-result.ts'
import { AssertionOptions } from './forward/assertion.ts'
import { ClaimHeadersOptions } from './forward/claim-headers.ts'
import { HeaderEditsOptions } from './forward/header-edits.ts'
import { ProxyOptions } from './forward/forward.ts'
import { UpstreamOptions } from './upstreams.ts'
import { IssuerOptions } from './issuer/issuers.ts'
import {
  AdminOptions,
  ErrorsOptions,
  LogOptions,
  ShutdownOptions,
  StartTimeoutOption,
  WatchOption,
  WorkersOption,
} from './operate.ts'
import { Options } from './kinds.ts'
import { RevocationOptions } from './revocation.ts'
import { RouteOptions } from './route/routes.ts'
import type { ReadOnly } from './read-only.ts'

export const ConfigOptions = Options(
  {
    include: Type.Optional(
      Type.Union([Type.String(), Type.Array(Type.String())], {
        description:
          'More files with routes, upstreams and issuers, in the order of their names: paths relative to this file, with one * in the last part. Their routes come after those of this file; paths in them are relative to this file too. Default none.',
        examples: ['routes/*.yaml'],
      }),
    ),
    listen: ListenOptions,
    admin: AdminOptions,
    workers: WorkersOption,
    watch: WatchOption,
    startTimeout: StartTimeoutOption,
    shutdown: ShutdownOptions,
    limits: LimitsOptions,
    log: LogOptions,
    errors: ErrorsOptions,
    tokens: TokensOptions,
    issuers: Type.Array(IssuerOptions, { description: 'Whose tokens are believed. Default none.', default: [] }),
    revocation: RevocationOptions,
    authResult: AuthResultOptions,
    claimHeaders: Type.Optional(ClaimHeadersOptions),
    assertion: Type.Optional(AssertionOptions),
    headers: Type.Optional(HeaderEditsOptions),
    proxy: ProxyOptions,
    cors: Type.Optional(CorsOptions),
    upstreams: Type.Record(Type.String(), UpstreamOptions, {
      description: 'The services behind the gateway, by name.',
    }),
    routes: Type.Array(RouteOptions, { description: 'Which requests go where, and who may send them.', minItems: 1 }),
  },
  { description: 'The configuration of a Tollgate gateway.', $schema: 'http://json-schema.org/draft-07/schema#' },
)

/** A loaded config: every default filled in, durations in milliseconds, sizes in bytes, names checked, frozen. */
export type Config = ReadOnly<StaticDecode<typeof ConfigOptions>>
