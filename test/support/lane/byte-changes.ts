// Every change of one byte in a message, every byte put in between, and every byte left out.

const BYTES = 256

/** What is yielded is its own to keep. */
export function* byteChanges(message: Buffer): Generator<Buffer> {
  for (let at = 0; at <= message.length; at += 1) {
    const before = message.subarray(0, at)
    const from = message.subarray(at)
    for (let byte = 0; byte < BYTES; byte += 1) yield Buffer.concat([before, Buffer.of(byte), from])
    if (at === message.length) return
    const after = message.subarray(at + 1)
    yield Buffer.concat([before, after])
    for (let byte = 0; byte < BYTES; byte += 1)
      if (byte !== message[at]) yield Buffer.concat([before, Buffer.of(byte), after])
  }
}

/** How many that are. */
export function countOfByteChanges({ length }: Buffer): number {
  return (length + 1) * BYTES + length * BYTES
}
