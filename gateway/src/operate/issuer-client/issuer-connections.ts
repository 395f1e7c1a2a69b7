// Connections to issuers, kept apart by trusted certificates and proxy.
import { Agent, ProxyAgent, type Dispatcher } from 'undici'

import { environmentProxy } from './environment-proxy.ts'

export interface IssuerConnections {
  /** Throws an Error fit for the log where the proxy's address is none. */
  dispatcherFor(url: string, way: { readonly ca?: string; readonly proxy?: string }): Dispatcher
  close(): Promise<void>
}

// Few requests, far apart, so nothing is kept open long.
const FEW = { connections: 2, pipelining: 1, keepAliveTimeout: 1000 } as const
/** Certificates that rotate leave the connections of the former ones behind. */
const MOST = 16

function proxyOf(url: URL, proxy: string | undefined, environment: NodeJS.ProcessEnv): URL | undefined {
  if (proxy === 'none') return undefined
  const address = proxy ?? environmentProxy(url, environment)
  if (address === undefined) return undefined
  // It may hold a password: the message must not show it.
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
    // Proxies most often let CONNECT through to port 443 alone; plain http is asked for by its whole address.
    proxyTunnel: false,
    ...(username === '' ? {} : { token: `Basic ${Buffer.from(credentials).toString('base64')}` }),
  })
}

/** NODE_TLS_REJECT_UNAUTHORIZED=0 has no say here: whoever can answer for the issuer chooses who is believed. */
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
