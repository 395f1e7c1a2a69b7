// Delivers a successor: in a header that scripts read, or in a cookie with the attributes of the config.
import type { AuthResult, RenewedToken } from '../authenticate/auth-result.ts'
import type { CookieSlot } from '../authenticate/locations/cookie-clearing.ts'
import type { TokenLocationOptions } from '../options/tokens.ts'

export const RENEWED_TOKEN_HEADER = 'x-renewed-token'

/** Browsers ignore a cookie whose name and value are longer (RFC 6265bis section 5.6). */
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
  /** The cookie of successors; undefined for delivery in a header. */
  readonly cookie: CookieSlot | undefined
  /** Returns the successor as a response header, or a text for the log when that is not possible. */
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

/** Creates the delivery. `from`: the locations of tokens in the config. */
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
        announced: false,
      }),
    }
  const options = deliver === 'cookie' ? DEFAULTS : deliver.cookie
  const only = from.find(({ cookie }) => cookie !== undefined)?.cookie ?? ''
  const name = `${options.hostPrefix ? '__Host-' : ''}${options.name ?? only}`
  const scheme = from.find((location) => location.cookie === name)?.scheme
  const cookie: CookieSlot = { name, domain: options.domain, path: options.path }
  const attributes = attributesOf(options)
  // A cookie value cannot contain a space (RFC 6265 section 4.1.1).
  const prefix = `${name}=${scheme === undefined ? '' : `${scheme}%20`}`
  return {
    cookie,
    carry: (token, verified) =>
      prefix.length - 1 + token.length > MAX_COOKIE_BYTES
        ? `longer than a cookie may be (${MAX_COOKIE_BYTES} bytes)`
        : { header: 'set-cookie', value: `${prefix}${token}${attributes}`, cookie, verified, announced: false },
  }
}
