// The Node peers: packages of their own, installed when a run first needs them and never part of the workspace.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'

import { progress } from '../report/progress.ts'

const PEERS = new URL('../../peers/', import.meta.url)
const INSTALL_MS = 300_000

export function peerScript(name: string): URL {
  return new URL(name, PEERS)
}

function isInstalled(): boolean {
  // npm writes it last: after an install that broke off it is missing, after a change of the lock file it is older.
  const marker = new URL('node_modules/.package-lock.json', PEERS)
  return existsSync(marker) && statSync(marker).mtimeMs >= statSync(new URL('package-lock.json', PEERS)).mtimeMs
}

/** Why the Node peers cannot be measured, or undefined when their packages are here. */
export function installNodePeers(): string | undefined {
  if (isInstalled()) return undefined
  progress('peers: installing the packages of the Node proxies')
  const { status, stderr, error } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: PEERS.pathname,
    encoding: 'utf8',
    timeout: INSTALL_MS,
  })
  if (status === 0) return undefined
  return `npm ci in bench/peers failed: ${(error?.message ?? stderr.trim().split('\n')[0]) || 'no reason'}`
}
