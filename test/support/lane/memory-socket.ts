// A connection in memory: what is pushed is read by the server, and what the server writes is kept.
import { Duplex } from 'node:stream'

export class MemorySocket extends Duplex {
  readonly remoteAddress = '192.0.2.1'
  readonly #written: Buffer[] = []

  constructor() {
    super({ allowHalfOpen: true })
  }

  /** All that the server wrote. */
  get written(): Buffer {
    return Buffer.concat(this.#written)
  }

  override _read(): void {
    // Who sends pushes.
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.#written.push(bytes)
    done()
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy()
    else
      this.end(() => {
        this.destroy()
      })
  }

  setTimeout(): this {
    return this
  }
}
