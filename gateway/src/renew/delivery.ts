// How a successor is delivered: as a header that scripts read, or as a cookie with the attributes of the config.
import type { AuthResult, RenewedToken } from '../authenticate/auth-result.ts'
import type { CookieSlot } from '../authenticate/locations/cookie-clearing.ts'
import type { TokenLocationOptions } from '../options/tokens.ts'

export const RENEWED_TOKEN_HEADER = 'x-renewed-token'

/** RFC 6265bis section 5.6: browsers pass over a cookie whose name and value are longer. */
const MAX_COOKIE_BYTES = 4096

interface CookieAttributes {
  readonly name?: string | undefined
  readonly hostPrefix: boolean
  readonly domain?: string | undefined
  readonly path: string
  readonly sameSite: 'lax' | 'strict' | 'none'
  /** In milliseconds. */
  readonly maxAge?: number | undefined
  readonly secure: boolean
}

export type DeliverTo = 'header' | 'cookie' | { readonly cookie: CookieAttributes }

export interface Delivery {
  /** Undefined: in a header. */
  readonly cookie: CookieSlot | undefined
  /** A failure is said in words. */
  readonly carry: (token: string, verified: AuthResult) => RenewedToken | string
}

const DEFAULTS: CookieAttributes = { hostPrefix: false, path: '/', sameSite: 'lax', secure: true }
const SAME_SITE = { lax: 'Lax', strict: 'Strict', none: 'None' } as const

function attributesOf({ domain, path, secure, sameSite, maxAge }: CookieAttributes): string {
  return [
    `; Path=${path}`,
    domain === undefined ? '' : `; Domain=${domain}`,
    maxAge === undefined ? '' : `; Max-Age=${Math.floor(maxAge / 1000)}`,
    '; HttpOnly',
    secure ? '; Secure' : '',
    `; SameSite=${SAME_SITE[sameSite]}`,
  ].join('')
}

/** `from`: where tokens are looked for. */
export function createDelivery(
  deliver: DeliverTo,
  from: readonly Readonly<Pick<TokenLocationOptions, 'cookie' | 'scheme'>>[],
): Delivery {
  if (deliver === 'header')
    return {
      cookie: undefined,
      carry: (token, verified) => ({
        header: RENEWED_TOKEN_HEADER,
        value: token,
        cookie: undefined,
        verified,
        told: false,
      }),
    }
  const options = deliver === 'cookie' ? DEFAULTS : deliver.cookie
  const only = from.find(({ cookie }) => cookie !== undefined)?.cookie ?? ''
  const name = `${options.hostPrefix ? '__Host-' : ''}${options.name ?? only}`
  const scheme = from.find((location) => location.cookie === name)?.scheme
  const cookie: CookieSlot = { name, domain: options.domain, path: options.path }
  const attributes = attributesOf(options)
  // No blank can stand in a value (RFC 6265 section 4.1.1).
  const prefix = `${name}=${scheme === undefined ? '' : `${scheme}%20`}`
  return {
    cookie,
    carry: (token, verified) =>
      prefix.length - 1 + token.length > MAX_COOKIE_BYTES
        ? `longer than a cookie may be (${MAX_COOKIE_BYTES} bytes)`
        : { header: 'set-cookie', value: `${prefix}${token}${attributes}`, cookie, verified, told: false },
  }
}
