// tollgate status: shows whether a running gateway is ready, its config, its targets and its keys.
import type { Command } from 'commander'

import { addAskOptions, askFor, findRunning, type AskOptions } from './ask-options.ts'
import { tableText } from './table.ts'
import { showConfig } from '../../../config/shown-config.ts'
import type { Readiness } from '../../../observe/readiness/readiness.ts'
import type { IssuerKeys, TargetOut, UpstreamStatus } from '../../../observe/status.ts'

interface OfWorkers<Part> {
  readonly workers: readonly ({ readonly worker: number } & Part)[]
  readonly missing: readonly number[]
}

interface Status {
  readonly at: string
  readonly version: string
  readonly node: string
  readonly readiness: { readonly ready: boolean } & Readiness
  readonly config: {
    readonly digest: string
    readonly loadedAt: string
    /** True when the config file equals the running config, apart from secrets; null when the file cannot be used. */
    readonly sameAsFile: boolean | null
  }
  readonly upstreams: OfWorkers<{ readonly upstreams: readonly UpstreamStatus[] }>
  readonly keys: OfWorkers<{ readonly issuers: readonly IssuerKeys[] }>
}

async function askStatus(options: AskOptions): Promise<Status> {
  const { access, config: ofFile } = findRunning(options)
  // The first request shows whether a gateway responds and accepts the token.
  const { answer, at } = await askFor<Omit<Status['config'], 'sameAsFile'>>(access, '/api/config', 'digest')
  const [version, readiness, upstreams, keys] = await Promise.all([
    askFor<Pick<Status, 'version' | 'node'>>(access, '/version', 'version'),
    askFor<Status['readiness']>(access, '/readyz?verbose', 'ready', [503]),
    askFor<Status['upstreams']>(access, '/api/upstreams', 'workers'),
    askFor<Status['keys']>(access, '/api/keys', 'workers'),
  ])
  const { digest, loadedAt } = answer
  const sameAsFile = ofFile === undefined ? null : showConfig(ofFile).digest === digest
  return {
    at,
    ...version.answer,
    readiness: readiness.answer,
    config: { digest, loadedAt, sameAsFile },
    upstreams: upstreams.answer,
    keys: keys.answer,
  }
}

function outText({ why, cause, since, probeInSec }: TargetOut): string {
  return `${why} since ${since} (${cause})${probeInSec === undefined ? '' : `, probe in ${probeInSec}s`}`
}

function targetRows({ upstream, queued, targets }: UpstreamStatus): readonly (readonly string[])[] {
  return targets.map(({ target, available, health, inFlight, out }) => [
    ...[upstream, target, available ? 'in use' : 'out', health, String(inFlight), String(queued)],
    out.map(outText).join('; '),
  ])
}

function keysRow({ issuer, source, from, keys, ageSec, nextFetchInSec, error }: IssuerKeys): readonly string[] {
  return [
    issuer,
    from === undefined ? source : `${source} ${from}`,
    keys.map(({ kid, algorithm }) => (kid === undefined ? algorithm : `${kid} (${algorithm})`)).join(', '),
    ageSec === undefined ? '' : `${ageSec}s`,
    nextFetchInSec === undefined ? '' : `in ${nextFetchInSec}s`,
    error ?? '',
  ]
}

/** Formats a table, with a column for the worker when there are several workers. */
function workersTable<Part>(
  head: readonly string[],
  { workers, missing }: OfWorkers<Part>,
  rowsOf: (part: Part) => readonly (readonly string[])[],
): string {
  const isOne = workers.length + missing.length === 1
  const rows = workers.flatMap((part) => rowsOf(part).map((row) => (isOne ? row : [String(part.worker), ...row])))
  const table = tableText(isOne ? head : ['WORKER', ...head], rows)
  return missing.length === 0 ? table : `${table}\nno answer of worker ${missing.join(', ')}`
}

const FILE_WORDS = new Map<boolean | null, string>([
  [true, 'the same as that of'],
  [false, 'not that of'],
  [null, 'not compared: there are errors in'],
])

function statusText({ at, version, node, readiness, config, upstreams, keys }: Status, file: string): string {
  const told = (name: string, parts: Readiness['notReady']) =>
    parts.map(({ part, reason = '', since }) => [name, `${part}: ${reason} (since ${since})`])
  const facts = [
    ['gateway', `${at}, version ${version}, Node ${node}`],
    ['ready', readiness.ready ? 'yes' : 'no'],
    ...told('not ready', readiness.notReady),
    ...told('degraded', readiness.degraded),
    ['config', `${config.digest}, loaded ${config.loadedAt}, ${FILE_WORDS.get(config.sameAsFile)} ${file}`],
  ]
  const [first = [], ...others] = facts
  const targetHead = ['UPSTREAM', 'TARGET', 'STATE', 'HEALTH', 'IN FLIGHT', 'QUEUED', 'WHY OUT']
  const keysHead = ['ISSUER', 'KEYS FROM', 'KEYS', 'AGE', 'NEXT FETCH', 'LAST ERROR']
  return [
    tableText(first, others),
    workersTable(targetHead, upstreams, (part) => part.upstreams.flatMap(targetRows)),
    workersTable(keysHead, keys, (part) => part.issuers.map(keysRow)),
  ].join('\n\n')
}

export function addStatus(command: Command): void {
  addAskOptions(command).action(async (options: AskOptions) => {
    const status = await askStatus(options)
    process.stdout.write(`${options.json === true ? JSON.stringify(status) : statusText(status, options.config)}\n`)
  })
}
