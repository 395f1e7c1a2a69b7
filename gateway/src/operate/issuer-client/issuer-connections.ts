// Connections to issuers, separate for each combination of trusted certificates and proxy.
import { Agent, ProxyAgent, type Dispatcher } from 'undici'

import { environmentProxy } from './environment-proxy.ts'

export interface IssuerConnections {
  /** Returns the dispatcher for a URL. Throws an Error whose message may be logged when the proxy URL is invalid. */
  dispatcherFor(url: string, way: { readonly ca?: string; readonly proxy?: string }): Dispatcher
  close(): Promise<void>
}

// Requests are few and rare, so idle connections close soon.
const FEW = { connections: 2, pipelining: 1, keepAliveTimeout: 1000 } as const
/** The number of dispatchers that are kept: each rotation of certificates leaves an unused one behind. */
const MOST = 16

function proxyOf(url: URL, proxy: string | undefined, environment: NodeJS.ProcessEnv): URL | undefined {
  if (proxy === 'none') return undefined
  const address = proxy ?? environmentProxy(url, environment)
  if (address === undefined) return undefined
  // The URL may contain a password, so the message does not repeat it.
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol))
    throw new Error('the address of the proxy is not http:// or https://')
  return new URL(address)
}

function throughProxy(proxy: URL, tls: { readonly rejectUnauthorized: true; readonly ca?: string }): ProxyAgent {
  const { username, password, origin } = proxy
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return new ProxyAgent({
    ...FEW,
    uri: origin,
    requestTls: tls,
    proxyTls: { rejectUnauthorized: true },
    // Most proxies allow CONNECT to port 443 only, so plain http is requested in absolute form (RFC 9112 section 3.2.2).
    proxyTunnel: false,
    ...(username === '' ? {} : { token: `Basic ${Buffer.from(credentials).toString('base64')}` }),
  })
}

/** Ignores NODE_TLS_REJECT_UNAUTHORIZED=0: whoever can impersonate the issuer decides which tokens are accepted. */
export function createIssuerConnections(environment: NodeJS.ProcessEnv): IssuerConnections {
  const dispatchers = new Map<string, Dispatcher>()

  function make(proxy: URL | undefined, ca: string | undefined): Dispatcher {
    const tls = { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) } as const
    return proxy === undefined ? new Agent({ ...FEW, connect: tls }) : throughProxy(proxy, tls)
  }

  return {
    dispatcherFor(url, way) {
      const proxy = proxyOf(new URL(url), way.proxy, environment)
      const key = JSON.stringify([proxy?.href, way.ca])
      const known = dispatchers.get(key)
      if (known !== undefined) return known
      for (const [oldest, dispatcher] of dispatchers) {
        if (dispatchers.size < MOST) break
        dispatchers.delete(oldest)
        void dispatcher.close()
      }
      const made = make(proxy, way.ca)
      dispatchers.set(key, made)
      return made
    },
    async close() {
      await Promise.all([...dispatchers.values()].map((dispatcher) => dispatcher.destroy()))
    },
  }
}
