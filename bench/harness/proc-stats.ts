// What a process and its children have used, from /proc: CPU time and resident memory.
import { readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100

function statFields(pid: number): readonly string[] {
  // The name in parentheses may hold anything; the fields that count come after it.
  return readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
}

/** The process and all below it: nginx works in a child, a gateway with workers in several. */
function familyOf(pid: number): readonly number[] {
  const childrenOf = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const parent = Number(statFields(Number(entry))[1])
      childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(entry)])
    } catch {
      // Ended while we looked.
    }
  }
  const family = [pid]
  for (const member of family) family.push(...(childrenOf.get(member) ?? []))
  return family
}

function sum(pid: number, of: (pid: number) => number): number {
  try {
    return familyOf(pid).reduce((total, member) => total + of(member), 0)
  } catch {
    return Number.NaN
  }
}

/** CPU time so far, user and system, in microseconds; NaN where there is no /proc. Steps of 10 ms. */
export function cpuMicroseconds(pid: number): number {
  return sum(pid, (member) => {
    const fields = statFields(member)
    return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND
  })
}

export function residentBytes(pid: number): number {
  return sum(
    pid,
    (member) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${member}/status`, 'utf8'))?.[1] ?? 0) * 1024,
  )
}

/** How many files and sockets a process started by this one may have open. */
export function openFilesLimit(): number {
  try {
    const soft = /Max open files\s+(\d+|unlimited)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined || soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft)
  } catch {
    return 1024
  }
}
