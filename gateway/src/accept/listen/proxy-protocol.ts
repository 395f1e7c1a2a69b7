// Reads the header of the PROXY protocol, versions 1 and 2: strictly, as whoever sends it is a program (proxy-protocol.txt of HAProxy).
import { isIPv4, isIPv6 } from 'node:net'

import { readAddress } from '../../message/fields/forwarded-hops.ts'
import { crc32c } from './crc32c.ts'

/** A header that is whole. */
export interface ProxyHeader {
  readonly bytes: number
  /** Undefined where it names nobody, as health checks of a load balancer do: then the client is the peer. */
  readonly client: string | undefined
}

/** `more`: what is here may be the beginning of one. Any other text says what is wrong with it. */
export type ProxyHeaderRead = ProxyHeader | 'more' | `fault: ${string}`

/** Section 2.1: with CR LF. */
const MAX_V1_BYTES = 107
/** A header may have 65551 bytes, and those that are sent have less than a hundred, some with a certificate's names more. */
export const MAX_HEADER_BYTES = 4096

const V1_BEGIN = Buffer.from('PROXY ', 'latin1')
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const V2_HEAD_BYTES = 16

function beginsAlike(bytes: Buffer, whole: Buffer): boolean {
  const length = Math.min(bytes.length, whole.length)
  return bytes.compare(whole, 0, length, 0, length) === 0
}

/** Returns more, a header, or a fault, for all that came so far. */
export function readProxyHeader(bytes: Buffer): ProxyHeaderRead {
  if (bytes.length === 0) return 'more'
  if (beginsAlike(bytes, V1_BEGIN)) return readV1(bytes)
  if (beginsAlike(bytes, V2_SIGNATURE)) return readV2(bytes)
  return 'fault: no header of the PROXY protocol'
}

const PORT = /^(?:0|[1-9]\d{0,4})$/

function isPort(text: string): boolean {
  return PORT.test(text) && Number(text) <= 65535
}

function readV1(bytes: Buffer): ProxyHeaderRead {
  const text = bytes.toString('latin1', 0, MAX_V1_BYTES)
  const end = text.indexOf('\r\n')
  if (end === -1) return text.length < MAX_V1_BYTES ? 'more' : 'fault: a line that is too long'
  const line = text.slice(0, end)
  const length = end + 2
  // Section 2.1: what follows UNKNOWN is ignored.
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN ')) return { bytes: length, client: undefined }
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = '', ...more] = line.split(' ')
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : undefined
  if (isAddress === undefined) return 'fault: neither TCP4, TCP6 nor UNKNOWN'
  if (![source, destination].every((address) => isAddress(address) && !address.includes('%')))
    return 'fault: an address that is none'
  if (more.length > 0 || !isPort(sourcePort) || !isPort(destinationPort)) return 'fault: ports that are none'
  return { bytes: length, client: readAddress(source) }
}

/** By family and protocol, the bytes of the addresses; those without an address for us have a client of their own. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = {
  ...{ 0x00: 0, 0x11: 12, 0x12: 12, 0x21: 36, 0x22: 36, 0x31: 216, 0x32: 216 },
}

function readV2(bytes: Buffer): ProxyHeaderRead {
  if (bytes.length > 12) {
    const version = bytes.readUInt8(12)
    // Section 2.2: another version and other commands are refused.
    if (version !== 0x20 && version !== 0x21) return 'fault: a version or command that is not known'
  }
  if (bytes.length > 13 && bytes[12] === 0x21 && ADDRESS_BYTES[bytes.readUInt8(13)] === undefined)
    return 'fault: a family or protocol that is not known'
  if (bytes.length < V2_HEAD_BYTES) return 'more'
  const length = V2_HEAD_BYTES + bytes.readUInt16BE(14)
  if (length > MAX_HEADER_BYTES) return `fault: more than ${MAX_HEADER_BYTES} bytes`
  if (bytes.length < length) return 'more'
  // LOCAL: of the proxy itself, whatever else it says.
  return bytes[12] === 0x20 ? { bytes: length, client: undefined } : readProxied(bytes.subarray(0, length))
}

function readProxied(header: Buffer): ProxyHeaderRead {
  const family = header.readUInt8(13)
  const tlvs = V2_HEAD_BYTES + (ADDRESS_BYTES[family] ?? 0)
  if (header.length < tlvs) return 'fault: addresses that are cut off'
  // What an unspecified family is followed by has no form that is known.
  const fault = family === 0 ? undefined : checkTlvs(header, tlvs)
  return fault ?? { bytes: header.length, client: clientOf(header, family) }
}

function clientOf(header: Buffer, family: number): string | undefined {
  const at = V2_HEAD_BYTES
  if (family === 0x11) return [...header.subarray(at, at + 4)].join('.')
  if (family !== 0x21) return undefined
  const groups = Array.from({ length: 8 }, (_, index) => header.readUInt16BE(at + 2 * index).toString(16))
  return readAddress(groups.join(':'))
}

const TLV_HEAD_BYTES = 3
const CRC32C = 0x03

/** Section 2.2: extensions are passed over, and a checksum that is there has to be right. */
function checkTlvs(header: Buffer, begin: number): `fault: ${string}` | undefined {
  for (let at = begin; at < header.length;) {
    const value = at + TLV_HEAD_BYTES
    const end = value > header.length ? Infinity : value + header.readUInt16BE(at + 1)
    if (end > header.length) return 'fault: an extension that is cut off'
    if (header[at] === CRC32C) {
      if (end - value !== 4) return 'fault: a checksum of another length'
      const zeroed = Buffer.from(header).fill(0, value, end)
      if (crc32c(zeroed) !== header.readUInt32BE(value)) return 'fault: a checksum that is not right'
    }
    at = end
  }
  return undefined
}
