// Writes log lines to standard output without waiting for it: the disk may be full, and its reader stand still or be gone.
import { fstatSync, write as writeFile } from 'node:fs'
import { Socket } from 'node:net'
import type { DestinationStream } from 'pino'

import { createLog } from './log.ts'

export interface LogOutput extends DestinationStream {
  /** Writes what was collected, in the background. */
  flush(): void
  /** Writes what is left. Waits a second at most for whoever reads it. */
  end(): Promise<void>
}

/** Writes a block, however long that takes. */
export type WriteBlock = (block: string, done: () => void) => void

/** What may wait for a reader that is slow; lines beyond that are lost, as the requests must not wait for them. */
const MAX_WAITING_BYTES = 8_388_608
/** How long a line may wait for others of its block. */
const FLUSH_MS = 100
const END_MS = 1000
/** When what could not be written is tried again. */
const RETRY_MS = 1000

/** Writes blocks one at a time: blocks of several processes on one pipe must not be mixed. */
function createBlockQueue(writeBlock: WriteBlock, onWritten: (bytes: number) => void) {
  const blocks: string[] = []
  let isWriting = false
  let whenIdle: (() => void) | undefined

  function next(): void {
    const block = blocks.shift()
    isWriting = block !== undefined
    if (block === undefined) {
      whenIdle?.()
      return
    }
    writeBlock(block, () => {
      onWritten(Buffer.byteLength(block))
      next()
    })
  }

  return {
    /** Adds a block, unless it is empty, and begins to write. */
    push(block: string): void {
      if (block !== '') blocks.push(block)
      if (!isWriting) next()
    },
    /** Calls `run` whenever all blocks are written. */
    onIdle(run: () => void): void {
      whenIdle = run
    },
  }
}

/** Collects lines into blocks of `blockBytes`, and writes them in the background. Drops lines while too many bytes wait. */
export function createLogOutput(writeBlock: WriteBlock, blockBytes: number): LogOutput {
  let [lines, linesBytes] = ['', 0]
  let [waitingBytes, lost] = [0, 0]
  let isFlushDue = false
  const queue = createBlockQueue(writeBlock, (bytes) => {
    waitingBytes -= bytes
    if (lost > 0) tellLost()
  })

  function flush(): void {
    isFlushDue = false
    const block = lines
    lines = ''
    linesBytes = 0
    queue.push(block)
  }

  function tellLost(): void {
    const count = lost
    lost = 0
    createLog({ level: 'warn' }, { write }).warn({ count }, 'log lines were lost: they could not be written in time')
  }

  function write(line: string): void {
    const bytes = Buffer.byteLength(line)
    if (waitingBytes + bytes > MAX_WAITING_BYTES) {
      lost++
      return
    }
    waitingBytes += bytes
    linesBytes += bytes
    lines += line
    if (linesBytes >= blockBytes) flush()
    else if (!isFlushDue) {
      isFlushDue = true
      setTimeout(flush, FLUSH_MS).unref()
    }
  }

  return {
    write,
    flush,
    end: () =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, END_MS)
        queue.onIdle(() => {
          clearTimeout(timer)
          resolve()
        })
        flush()
      }),
  }
}

/** Standard error may have the same trouble, so nobody waits for it either. */
function tell(text: string): void {
  writeFile(2, `tollgate: ${text}\n`, () => undefined)
}

export type WriteFile = (fd: number, bytes: Buffer, done: (error: Error | null, written: number) => void) => void

/** Of a file, a block is tried again until it is written: a disk that is full gets room again. */
export function writeBlockTo(fd: number, write: WriteFile = writeFile): WriteBlock {
  let isFailing = false
  return (block, done) => {
    function from(bytes: Buffer): void {
      write(fd, bytes, (error, written) => {
        if (error !== null) {
          if (!isFailing) tell(`the log cannot be written, requests are served all the same: ${error.message}`)
          isFailing = true
          setTimeout(from, RETRY_MS, bytes).unref()
          return
        }
        if (isFailing) tell('the log is written again')
        isFailing = false
        if (written < bytes.length) from(bytes.subarray(written))
        else done()
      })
    }
    from(Buffer.from(block))
  }
}

/** What a socket of Node writes by; its own mode of blocking is to be had nowhere else. */
interface StreamHandle {
  setBlocking(isBlocking: boolean): void
}

/**
 * A pipe is written as a stream that waits for room without a thread: one that hung in a write would keep the process from
 * ending for as long as the reader stands still (libuv joins its threads at exit).
 */
function writeBlockToPipe(fd: number): WriteBlock {
  const socket = new Socket({ fd, readable: false, writable: true })
  const { _handle: handle } = socket as unknown as { _handle: StreamHandle | null }
  socket.unref()
  socket.on('error', (error) => {
    tell(`no log is written any more, requests are served all the same: nobody reads it (${error.message})`)
  })
  return (block, done) => {
    // The mode is that of all processes that have this pipe: one that starts or ends, such as a worker, makes it blocking.
    if (!socket.destroyed) handle?.setBlocking(false)
    // Of a reader that is gone each block says so again; nobody waits for it.
    socket.write(block, () => {
      done()
    })
  }
}

/** `blockBytes`: how much is collected before it is written. */
export function standardOutput(blockBytes = 4096): LogOutput {
  const kind = fstatSync(1)
  return createLogOutput(kind.isFIFO() || kind.isSocket() ? writeBlockToPipe(1) : writeBlockTo(1), blockBytes)
}
