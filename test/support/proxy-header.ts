// Headers of the PROXY protocol, version 2, put together for tests.
import { crc32c } from '../../gateway/src/accept/listen/crc32c.ts'

export const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

export interface V2Header {
  /** Version and command; 0x21 is PROXY. */
  readonly command?: number
  readonly family: number
  readonly addresses: readonly number[]
  readonly tlvs?: readonly (readonly [type: number, value: Buffer])[]
  /** With a checksum as its last extension. */
  readonly checksum?: boolean
}

function tlv(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(3)
  head.writeUInt8(type)
  head.writeUInt16BE(value.length, 1)
  return Buffer.concat([head, value])
}

export function v2Header({ command = 0x21, family, addresses, tlvs = [], checksum = false }: V2Header): Buffer {
  const extensions = [
    ...tlvs.map(([type, value]) => tlv(type, value)),
    ...(checksum ? [tlv(0x03, Buffer.alloc(4))] : []),
  ]
  const body = Buffer.concat([Buffer.from(addresses), ...extensions])
  const head = Buffer.from([command, family, body.length >> 8, body.length & 0xff])
  const header = Buffer.concat([V2_SIGNATURE, head, body])
  if (checksum) header.writeUInt32BE(crc32c(header), header.length - 4)
  return header
}
