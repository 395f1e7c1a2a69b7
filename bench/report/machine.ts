// Where and with what a figure was measured: without that it says nothing.
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

const ROOT = new URL('../../../', import.meta.url)

function versionOf(name: string): string {
  const { version } = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, ROOT), 'utf8')) as {
    version: string
  }
  return version
}

export interface Machine {
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly node: string
  readonly openssl: string
  readonly libraries: Readonly<Record<string, string>>
}

export function describeMachine(): Machine {
  const [first] = cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    openssl: process.versions.openssl,
    libraries: Object.fromEntries(
      ['fast-jwt', 'jose', 'lru-cache', 'undici', 'fastify', 'autocannon'].map((name) => [name, versionOf(name)]),
    ),
  }
}

export function machineText({ date, cpu, cores, node, openssl, libraries }: Machine): string {
  const versions = Object.entries(libraries).map(([name, version]) => `${name} ${version}`)
  return `${date}, ${cpu}, ${cores} cores, Node ${node}, OpenSSL ${openssl}, ${versions.join(', ')}`
}
