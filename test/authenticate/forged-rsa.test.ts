// RS256 signatures that open to anything but the one right block, made with the private key's own arithmetic: all are refused.
import t from 'tap'
import fc from 'fast-check'
import { constants, createHash, generateKeyPairSync, privateEncrypt, sign, type KeyObject } from 'node:crypto'

import type { Algorithm } from '../../gateway/src/options/tokens.ts'
import { UnverifiedToken } from '../../gateway/src/authenticate/token/token-shape.ts'
import { createSignatureCheck } from '../../gateway/src/authenticate/keys/token-verifier.ts'

const TEXT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0'
type RsaHash = 'sha256' | 'sha384' | 'sha512'
/** DigestInfo up to the hash itself (RFC 8017 section 9.2, note 1). */
const PREFIXES: Readonly<Record<RsaHash, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
}
const HASHES = Object.keys(PREFIXES) as RsaHash[]

interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const pairOf = (modulusLength: number, publicExponent = 65_537): Pair =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent })
const pair = pairOf(2048)
const bytesOf = ({ publicKey }: Pair) => Math.ceil((publicKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8)
const digestOf = (hash: RsaHash) => createHash(hash).update(TEXT).digest()

/** The signature that opens to this block. */
function signatureOf(block: Buffer, { privateKey }: Pair = pair): Buffer {
  return privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block)
}

/** 00 TYPE padding 00 rest, as long as the modulus. */
function blockOf(rest: Buffer, { type = 1, fill = 0xff, length = 256 } = {}): Buffer {
  const padding = Buffer.alloc(length - 3 - rest.length, fill)
  return Buffer.concat([Buffer.from([0, type]), padding, Buffer.from([0]), rest])
}

const info = (prefix: string, hash: RsaHash = 'sha256') => Buffer.concat([Buffer.from(prefix, 'hex'), digestOf(hash)])

function passes(signature: Buffer, { hash = 'sha256', keys = pair, signed = TEXT } = {}): boolean {
  const alg = `RS${hash.slice(3)}` as Algorithm
  const header = { alg, kid: undefined, typ: undefined }
  const token = new UnverifiedToken(header, {}, '{}', signed, signature.toString('base64url'))
  return createSignatureCheck(keys.publicKey, alg)(token)
}

t.test('good signatures of every hash pass, whatever the length and exponent of the key', (t) => {
  for (const keys of [pair, pairOf(1024), pairOf(2047), pairOf(2056), pairOf(3072), pairOf(4096), pairOf(2048, 3)]) {
    for (const hash of HASHES) {
      const signature = sign(hash, Buffer.from(TEXT), keys.privateKey)
      const title = `${hash}, ${keys.publicKey.asymmetricKeyDetails?.modulusLength} bits`
      t.equal(signature.length, bytesOf(keys), title)
      t.ok(passes(signature, { hash, keys }), title)
      for (const other of HASHES.filter((name) => name !== hash))
        t.notOk(passes(signature, { hash: other, keys }), title)
    }
  }
  t.end()
})

t.test('a block that is made by hand as it should be passes: the tables below show something', (t) => {
  for (const hash of HASHES) {
    const signature = signatureOf(blockOf(info(PREFIXES[hash], hash)))
    t.ok(passes(signature, { hash }), hash)
  }
  t.end()
})

const good = info(PREFIXES.sha256)
const zeros = (length: number) => Buffer.alloc(length)
/** Attack: a block that a lenient parser takes for the right one. Amplifier: a small exponent. Defence: the whole block is compared. */
const FORGED: Readonly<Record<string, Buffer>> = {
  'garbage behind the hash, with the padding cut short (CVE-2006-4339)': Buffer.concat([
    Buffer.from('0001ffffffffffffffff00', 'hex'),
    good,
    zeros(256 - 11 - good.length),
  ]),
  'garbage inside of the algorithm’s parameters (CVE-2016-1494)': blockOf(
    info('303c301806096086480165030402010500' + '0c0b' + '00'.repeat(9) + '0420'),
  ),
  'parameters left out': blockOf(info('302f300b0609608648016503040201' + '0420')),
  'no DigestInfo, the hash alone': blockOf(digestOf('sha256')),
  'length in the long form of BER': blockOf(info('308131300d060960864801650304020105000420')),
  'another hash named': blockOf(info(PREFIXES.sha512)),
  'a hash of another text': blockOf(Buffer.concat([Buffer.from(PREFIXES.sha256, 'hex'), zeros(32)])),
  'a byte too much at the end': blockOf(Buffer.concat([good, zeros(1)])),
  'block type 2': blockOf(good, { type: 2 }),
  'block type 0': blockOf(good, { type: 0, fill: 0 }),
  'padding of zeros': blockOf(good, { fill: 0 }),
  'padding of fe': blockOf(good, { fill: 0xfe }),
  'a leading 01': Buffer.concat([Buffer.from([1]), blockOf(good).subarray(1)]),
  'no 00 before DigestInfo': Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(254 - good.length, 0xff), good]),
  zero: zeros(256),
  one: Buffer.concat([zeros(255), Buffer.from([1])]),
}

t.test('a signature that opens to any other block is refused', (t) => {
  for (const [title, block] of Object.entries(FORGED)) {
    const signature = signatureOf(block)
    t.notOk(passes(signature), title)
  }
  t.end()
})

t.test('numbers that are no signature at all are refused: 0, 1, the modulus, above it, and other lengths', (t) => {
  const modulus = Buffer.from((pair.publicKey.export({ format: 'jwk' }) as { n: string }).n, 'base64url')
  const right = sign('sha256', Buffer.from(TEXT), pair.privateKey)
  const sum = Buffer.from(
    (BigInt(`0x${right.toString('hex')}`) + BigInt(`0x${modulus.toString('hex')}`)).toString(16).padStart(514, '0'),
    'hex',
  )
  const numbers = { zero: zeros(256), one: FORGED['one'] as Buffer, modulus, highest: Buffer.alloc(256, 0xff) }
  for (const [title, number] of Object.entries(numbers)) t.notOk(passes(number), title)
  t.notOk(passes(sum), 'the right one plus the modulus')
  t.notOk(passes(right.subarray(0, 255)), 'a byte short')
  t.notOk(passes(Buffer.alloc(0)), 'nothing')
  t.ok(passes(right))
  t.end()
})

t.test('a key that is too short for a hash is none for it', (t) => {
  const keys = pairOf(512)
  t.ok(passes(sign('sha256', Buffer.from(TEXT), keys.privateKey), { keys }), '62 of its 64 bytes are needed')
  t.throws(() => passes(zeros(64), { keys, hash: 'sha512' }), RangeError)
  t.end()
})

t.test('whatever is changed in a right block, it is refused', (t) => {
  const right = blockOf(good)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 255 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const block = Buffer.from(right)
      block[at] = (block[at] ?? 0) ^ change
      return !passes(signatureOf(block))
    }),
    { numRuns: 200 },
  )
  t.end()
})
