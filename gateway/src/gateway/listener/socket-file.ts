// The file of a Unix socket: one that a dead process left behind makes room, one that somebody listens on never.
import { chmodSync, lstatSync, unlinkSync, type Stats } from 'node:fs'
import { connect } from 'node:net'

import { CannotStart } from '../../failure.ts'
import { addressOf } from '../../options/listen/address.ts'
import type { ListenerOptions } from '../../options/listen/listen.ts'

function statOf(file: string): Stats | undefined {
  try {
    return lstatSync(file)
  } catch {
    return undefined
  }
}

/** Only a refusal tells that nobody listens: a queue that is full, or missing rights, tell of somebody. */
function isDead(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(file)
    probe.once('connect', () => {
      probe.destroy()
      resolve(false)
    })
    probe.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code === 'ECONNREFUSED')
    })
  })
}

/** Anything but a socket is kept: whoever named it meant another file. */
async function removeIfDead(file: string): Promise<void> {
  const found = statOf(file)
  if (found?.isSocket() !== true || !(await isDead(file))) return
  // Another process may have done the same in the meantime, and listen now.
  if (statOf(file)?.ino === found.ino) unlinkSync(file)
}

/**
 * Makes room for the socket files of these listeners. Before they are bound, and in one process alone: of several workers one
 * could remove the file that another has just bound. Throws CannotStart.
 */
export async function clearDeadSockets(listen: readonly ListenerOptions[]): Promise<void> {
  for (const [index, listener] of listen.entries()) {
    const address = addressOf(listener)
    if (address.kind !== 'unix') continue
    try {
      await removeIfDead(address.file)
    } catch (error) {
      const { code = 'unknown error' } = error as NodeJS.ErrnoException
      const message = `${address.file} was left by a process that is gone, and cannot be removed (${code})`
      throw new CannotStart(message, ['listen', index, 'unix'])
    }
  }
}

export function setMode(file: string, mode: number): void {
  chmodSync(file, mode)
}

/** Why it could not be bound. */
export function socketFault(file: string, code: string): string {
  if (code !== 'EADDRINUSE') return `${file} cannot be listened on (${code})`
  return statOf(file)?.isSocket() === false
    ? `${file} is there and is no socket`
    : `${file} is in use: a process listens on it`
}
