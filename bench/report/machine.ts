// Where and with what a figure was measured: without that it says nothing.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

const ROOT = new URL('../../../', import.meta.url)
const LIBRARIES = ['fast-jwt', 'jose', 'lru-cache', 'undici', 'fastify']

function versionOf(name: string): string {
  const { version } = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, ROOT), 'utf8')) as {
    version: string
  }
  return version
}

/** The version that a program tells, or undefined where it is not. */
function programVersion(command: string): string | undefined {
  const { stdout, stderr } = spawnSync(command, ['-v'], { encoding: 'utf8' })
  return /\d+\.\d+(\.\d+)?/.exec(`${stdout ?? ''}${stderr ?? ''}`)?.[0]
}

export interface Machine {
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly node: string
  readonly openssl: string
  readonly libraries: Readonly<Record<string, string>>
}

export function describeMachine(programs: readonly string[] = []): Machine {
  const [first] = cpus()
  const versions = programs.flatMap((name): [string, string][] => {
    const version = programVersion(name)
    return version === undefined ? [] : [[name, version]]
  })
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    openssl: process.versions.openssl,
    libraries: Object.fromEntries([...LIBRARIES.map((name): [string, string] => [name, versionOf(name)]), ...versions]),
  }
}

export function machineText({ date, cpu, cores, node, openssl, libraries }: Machine): string {
  const versions = Object.entries(libraries).map(([name, version]) => `${name} ${version}`)
  return `${date}, ${cpu}, ${cores} cores, Node ${node}, OpenSSL ${openssl}, ${versions.join(', ')}`
}
