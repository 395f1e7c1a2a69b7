// The options of delivery: how a client receives a successor, and in which cookie.
import { Type, type StaticDecode } from 'typebox'

import { Duration, Options } from '../kinds.ts'

const CookieOptions = Options(
  {
    name: Type.Optional(
      Type.String({
        description: 'Name of the cookie; must be one of those in tokens.from. Left out: the one that is there.',
        pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
      }),
    ),
    hostPrefix: Type.Boolean({
      description:
        'Whether the name begins with __Host-: no other host can set or shadow such a cookie (RFC 6265bis section 4.1.3). tokens.from must have it under the whole name, beside that of the log-in. Needs secure, path / and no domain. Default false.',
      default: false,
    }),
    domain: Type.Optional(
      Type.String({
        description:
          'Domain whose hosts all get the cookie; that of the log-in cookie, if it has one, so that it is replaced. Left out: the host that was asked, alone.',
        pattern: '^[a-z0-9_-]+(\\.[a-z0-9_-]+)+$',
        examples: ['example.com'],
      }),
    ),
    path: Type.String({
      description: 'Path that the cookie is sent to, and below. Default /.',
      pattern: '^/[!-:<-~]*$',
      default: '/',
    }),
    sameSite: Type.Enum(['lax', 'strict', 'none'], {
      description:
        'Whether requests from other sites carry it: lax when somebody follows a link, strict never, none always (needs secure). Default lax.',
      default: 'lax',
    }),
    maxAge: Type.Optional(
      Duration({
        description:
          'How long the browser keeps it, at most 400 days (RFC 6265bis section 5.5). Left out: until the browser is closed.',
      }),
    ),
    secure: Type.Boolean({
      description: 'Whether it is sent by HTTPS (and to localhost) alone. Default true.',
      default: true,
    }),
  },
  {
    description:
      'The cookie of successors: always HttpOnly, and with the scheme of its location in tokens.from, the blank written %20. Other cookies of that name are taken away when the first successor is set.',
    default: {},
  },
)

const InCookie = Options({ cookie: CookieOptions }, { description: 'In a cookie with these attributes.' })

export const DeliverOption = Type.Union([Type.Enum(['header', 'cookie']), InCookie], {
  description:
    'How successors reach clients: header (x-renewed-token, for tokens from a header or query), cookie (for those from a cookie, which never go into a header that scripts could read), or { cookie: { ... } } with other attributes. Default header.',
  default: 'header',
})

export type DeliverOption = StaticDecode<typeof DeliverOption>
