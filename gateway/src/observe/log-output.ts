// Writes log lines to standard output without blocking, also when the disk is full or the reader is slow or gone.
import { fstatSync, write as writeFile } from 'node:fs'
import { Socket } from 'node:net'
import type { DestinationStream } from 'pino'

import { createLog } from './log.ts'

export interface LogOutput extends DestinationStream {
  /** Writes the collected lines, in the background. */
  flush(): void
  /** Writes the remaining lines. Waits for a slow reader for at most 1 s. */
  end(): Promise<void>
}

/** Writes a block, then calls `done`, however long it takes. */
export type WriteBlock = (block: string, done: () => void) => void

/** Limit of bytes that wait for a slow reader. Lines beyond it are dropped, so that requests never wait for the log. */
const MAX_WAITING_BYTES = 8_388_608
/** Longest time that a line waits for its block to fill. */
const FLUSH_MS = 100
const END_MS = 1000
/** Delay before a failed write is retried. */
const RETRY_MS = 1000

/** Writes blocks one at a time, so that blocks of several processes on one pipe do not interleave. */
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
    /** Adds a block, unless it is empty, and starts to write. */
    push(block: string): void {
      if (block !== '') blocks.push(block)
      if (!isWriting) next()
    },
    /** Calls `run` each time when all blocks are written. */
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

/** Writes to standard error without waiting, because it may block too. */
function tell(text: string): void {
  writeFile(2, `tollgate: ${text}\n`, () => undefined)
}

export type WriteFile = (fd: number, bytes: Buffer, done: (error: Error | null, written: number) => void) => void

/** Creates a writer for a file. It retries a failed block until it is written, because a full disk may have space again. */
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

/** The part of Node's internal socket handle that sets the blocking mode; no public API does. */
interface StreamHandle {
  setBlocking(isBlocking: boolean): void
}

/**
 * Creates a writer for a pipe. It uses a stream, which waits without a thread: libuv joins its threads at exit, so a thread
 * blocked in a write would keep the process alive until the reader continues.
 */
function writeBlockToPipe(fd: number): WriteBlock {
  const socket = new Socket({ fd, readable: false, writable: true })
  const { _handle: handle } = socket as unknown as { _handle: StreamHandle | null }
  socket.unref()
  socket.on('error', (error) => {
    tell(`no log is written any more, requests are served all the same: nobody reads it (${error.message})`)
  })
  return (block, done) => {
    // All processes that share a pipe share its mode, and a starting or ending process, such as a worker, makes it blocking.
    if (!socket.destroyed) handle?.setBlocking(false)
    // Each write fails after the reader has closed the pipe; the callback ignores the error.
    socket.write(block, () => {
      done()
    })
  }
}

/** Creates the log output for standard output. `blockBytes` is the size at which a block is written. */
export function standardOutput(blockBytes = 4096): LogOutput {
  const kind = fstatSync(1)
  return createLogOutput(kind.isFIFO() || kind.isSocket() ? writeBlockToPipe(1) : writeBlockTo(1), blockBytes)
}
