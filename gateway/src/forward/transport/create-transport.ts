// Creates the transport that the config of an upstream names.
import { createDirectTransport } from './direct-transport.ts'
import { createHttp2Transport } from './http2-transport.ts'
import type { TargetTransport, TransportParts } from './transport.ts'
import { createUndiciTransport } from './undici-transport.ts'
import type { UpstreamConfig } from '../../options/upstreams.ts'

const TRANSPORTS = { direct: createDirectTransport, undici: createUndiciTransport }

export function createTransport(target: string, config: UpstreamConfig, parts: TransportParts): TargetTransport {
  if (config.protocol !== 'http1') return createHttp2Transport(target, config, parts)
  return TRANSPORTS[config.transport](target, config, parts)
}
