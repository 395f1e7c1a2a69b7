// The options of a route, composed from the options of the stages.
import { Type, type StaticDecode } from 'typebox'

import { AUTH_MODE_NAMES, AUTH_MODES, DEFAULT_AUTH_MODE } from './auth-modes.ts'
import { CorsOptions } from './cors.ts'
import { OriginsOption } from './origins.ts'
import { RequireOptions } from './require.ts'
import { RouteClaimHeadersOptions } from '../forward/claim-headers.ts'
import { HeaderEditsOptions } from '../forward/header-edits.ts'
import { RouteTimeoutOptions, StreamOptions } from '../forward/forward.ts'
import { Options, Size } from '../kinds.ts'

const AUTH_MODE_TEXTS = AUTH_MODE_NAMES.map((name) => `${name}: ${AUTH_MODES[name].description}. `)

export const AuthModeOption = Type.Enum([...AUTH_MODE_NAMES], {
  description: `${AUTH_MODE_TEXTS.join('')}Default ${DEFAULT_AUTH_MODE}.`,
  default: DEFAULT_AUTH_MODE,
})

export const RouteOptions = Options(
  {
    path: Type.String({
      description:
        'Path that this route answers: exact, or a prefix when it ends with /* (/orders/* answers /orders too, where no other route does); a segment may be a :name.',
      pattern: '^/',
      examples: ['/api/things/*', '/users/:id'],
    }),
    upstream: Type.Optional(
      Type.String({ description: 'Name of the upstream that gets the request. Every route needs it, or an action.' }),
    ),
    action: Type.Optional(
      Type.Enum(['revoke'], {
        description:
          'What the gateway does itself instead of forwarding. revoke: blocks the token of the request (for log-out) and answers 204; with renewal, its whole session. A token that has expired or is blocked already will do, and cookies that hold tokens are taken away.',
      }),
    ),
    clearSiteData: Type.Optional(
      Type.Array(Type.Enum(['cache', 'cookies', 'storage', '*']), {
        description:
          'What the browser is told to clear when somebody logs out (Clear-Site-Data): cookies are those of the whole registrable domain, the rest is of this origin. By HTTPS alone. Left out: nothing beside the cookies of tokens.from.',
        minItems: 1,
        uniqueItems: true,
        examples: [['storage']],
      }),
    ),
    rewrite: Type.Optional(
      Type.String({
        description:
          'What replaces the matched path: with a prefix route the part before /*. Left out: the path is unchanged.',
        pattern: '^/',
        examples: ['/things/*'],
      }),
    ),
    methods: Type.Optional(
      Type.Array(Type.String({ pattern: '^[A-Z-]+$', examples: ['GET'] }), {
        description:
          'Methods this route answers; others get 405. GET takes HEAD too, unless another route of the path names HEAD. Left out: any.',
        minItems: 1,
        uniqueItems: true,
      }),
    ),
    hosts: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^(\\*\\.)?[a-z0-9._-]+$|^\\[[0-9a-f:.]+\\]$',
          examples: ['api.example.com'],
        }),
        {
          description:
            'Host names (lower case, without port) this route answers; *.example.com stands for all names below example.com. A name goes before a wildcard, a longer wildcard before a shorter one, each before routes for any host. Left out: any.',
          minItems: 1,
          uniqueItems: true,
        },
      ),
    ),
    auth: AuthModeOption,
    issuers: Type.Optional(
      Type.Array(Type.String(), {
        description: 'Names of the issuers whose tokens this route accepts. Left out: all.',
        minItems: 1,
        uniqueItems: true,
      }),
    ),
    require: Type.Optional(RequireOptions),
    claimHeaders: Type.Optional(RouteClaimHeadersOptions),
    headers: Type.Optional(HeaderEditsOptions),
    encodedSlashes: Type.Enum(['refuse', 'allow'], {
      description:
        'Whether the path may hold %2F: this gateway never takes it for a slash, but refuses it where an upstream that does would read the path of a stricter route. Default refuse.',
      default: 'refuse',
    }),
    emptySegments: Type.Enum(['refuse', 'allow'], {
      description:
        'Whether the path may hold // after its first segment, for upstreams to which it means something; most take it for one slash. Default refuse.',
      default: 'refuse',
    }),
    cors: Type.Optional(CorsOptions),
    origins: Type.Optional(OriginsOption),
    timeouts: Type.Optional(RouteTimeoutOptions),
    bodyBytes: Type.Optional(Size({ description: 'Overrides limits.bodyBytes for this route.' })),
    bodyRate: Type.Optional(Size({ description: 'Overrides limits.bodyRate for this route.' })),
    ...StreamOptions,
  },
  {
    description:
      'Which requests go where, and who may send them. Exactly one route answers a request: the most specific.',
  },
)

export type RouteOptions = StaticDecode<typeof RouteOptions>
