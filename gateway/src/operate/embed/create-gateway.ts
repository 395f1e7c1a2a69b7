// The gateway as a library: made of a config, started and stopped by a program of yours, or by its tests.
import { join, resolve } from 'node:path'

import { loadConfig } from '../../config/load.ts'
import type { Problem } from '../../config/problem.ts'
import { readBoundedFile } from '../../options/files/read-file.ts'
import { createLog } from '../../observe/log.ts'
import { closeInTime, startGateway, type RunningGateway } from '../process/main.ts'

export interface EmbeddingOptions {
  /** Values for `${NAME}` in the config. Default: none, so that nothing of the environment gets in unseen. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Folder that relative paths in the config start from. Default: the working directory. */
  readonly folder?: string
  /** Receives each line of the log, JSON with a newline. Default: nothing is written. */
  readonly log?: (line: string) => void
}

/** Where the gateway listens, such as `http://127.0.0.1:8080`: with the ports that were really taken. */
export interface Addresses {
  readonly url: string
  readonly adminUrl: string
}

export interface EmbeddedGateway {
  /** Resolves when it listens: after the first keys, or `startTimeout`. Rejects when it cannot start; once only. */
  start(): Promise<Addresses>
  /** Ends what is under way as `shutdown.timeout` says, without `shutdown.delay`. May be called at any time and again. */
  stop(): Promise<void>
}

/** The config cannot be used. The message has all problems, and no secret. */
export class ConfigInvalid extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigInvalid'
    this.problems = problems
  }
}

function problemText({ path, message, hint }: Problem): string {
  return `${path === '' ? '' : `${path}: `}${message}${hint === undefined ? '' : ` (${hint})`}`
}

/** JSON is YAML, so an object is checked by the same loader as a file. */
function configOf(config: object, { env = {}, folder = '.' }: EmbeddingOptions) {
  const file = join(resolve(folder), 'embedded config')
  const text = Buffer.from(JSON.stringify(config))
  const loaded = loadConfig(file, {
    env,
    readFile: (name, most) => (name === file ? text : readBoundedFile(name, most)),
  })
  if (!loaded.ok) throw new ConfigInvalid(loaded.errors.map(problemText))
  if (loaded.config.workers !== 1)
    throw new ConfigInvalid(['workers: an embedded gateway is a part of one process; leave it out'])
  return loaded.config
}

/**
 * Makes a gateway of what the YAML file would say, as an object. It has the proxy and the admin listener; `port: 0` takes free
 * ones. It installs no signal handlers and sets no flags of the process. Throws ConfigInvalid.
 */
export function createGateway(options: object, parts: EmbeddingOptions = {}): EmbeddedGateway {
  const config = configOf(options, parts)
  const log = createLog(config.log, { write: parts.log ?? (() => undefined) })
  let starting: Promise<RunningGateway> | undefined
  let stopping: Promise<void> | undefined

  async function stopOnce(): Promise<void> {
    const running = await starting?.catch(() => undefined)
    if (running === undefined) return
    running.retire()
    await closeInTime(running, config.shutdown.timeout, log)
  }

  return {
    async start() {
      if (starting !== undefined || stopping !== undefined)
        throw new Error('a gateway is started once: make another one')
      starting = startGateway(config, log)
      const { url, adminUrl } = await starting
      return { url, adminUrl }
    },
    stop() {
      stopping ??= stopOnce()
      return stopping
    },
  }
}
