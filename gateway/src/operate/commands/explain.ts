// tollgate explain: explains how the gateway would decide about a request.
import { METHODS } from 'node:http'
import { isIP } from 'node:net'
import { Option, type Command } from 'commander'

import { loadForCommand } from './config-file.ts'
import { configOption } from './config-option.ts'
import { CommandFailed, NotKnown, WrongCall } from './command-failed.ts'
import { readToken } from './token-input.ts'
import { adminAccess } from '../admin-client/admin-access.ts'
import { askRunning } from '../explain/ask-running.ts'
import { configDigest } from '../explain/config-digest.ts'
import { explain } from '../explain/explain.ts'
import { explanationText, type Asked } from '../explain/explain-text.ts'
import type { ExplainQuestion, ExplainedRequest } from '../explain/explained-request.ts'
import type { Explanation } from '../explain/explanation.ts'
import { didYouMean } from '../../config/schema/did-you-mean.ts'
import { createFetchJson } from '../issuer-client/fetch-json.ts'
import { createTokenLocation } from '../../authenticate/locations/create-location.ts'
import type { PutToken } from '../../authenticate/locations/location.ts'
import type { Config } from '../../options/config.ts'
import { writeExactJson } from '../../message/json/exact-json.ts'

interface ExplainOptions {
  readonly config: string
  readonly token?: string
  readonly at?: string
  readonly header: readonly string[]
  readonly client?: string
  readonly running?: boolean
  readonly online?: boolean
  readonly offline?: boolean
  readonly admin?: string
  readonly adminToken?: string
  readonly json?: boolean
}

/** Parses a time, in seconds since the epoch or as an ISO 8601 date. Returns milliseconds since the epoch. */
function parseTime(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  if (Number.isNaN(ms))
    throw new WrongCall(`--at ${text} is no time: write seconds since 1970, or 2026-01-31T12:00:00Z`)
  return ms
}

function parseHeader(text: string): readonly [string, string] {
  const colon = text.indexOf(':')
  if (colon < 1) throw new WrongCall(`--header ${text} is no header: write "name: value"`)
  return [text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim()]
}

const SINGLE = ['host', 'authorization', 'content-length', 'content-type']

/** Joins repeated headers to one value for each name, as Node does. */
function joinHeaders(pairs: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
  const headers = new Map<string, string>()
  for (const [name, value] of pairs) {
    const before = headers.get(name)
    if (before !== undefined && SINGLE.includes(name))
      throw new WrongCall(`the header ${name} would come twice: such a request is answered 400`)
    headers.set(name, before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`)
  }
  return Object.fromEntries(headers)
}

/** Puts the token into the first location of the config. */
function putToken({ tokens }: Config, target: string, token: string | undefined): PutToken {
  const [first] = tokens.from
  return token === undefined || first === undefined
    ? { target, headers: [] }
    : createTokenLocation(first).put(token, target)
}

function buildRequest(
  config: Config,
  method: string,
  url: string,
  token: string | undefined,
  { header, client }: ExplainOptions,
): ExplainedRequest {
  if (client !== undefined && isIP(client) === 0)
    throw new WrongCall(`--client ${client} is no IP address: write it like 192.0.2.7`)
  if (!METHODS.includes(method.toUpperCase())) {
    const near = didYouMean(method, METHODS)
    throw new WrongCall(
      `no request can have the method ${method}: it is answered 400${near === undefined ? '' : ` (${near})`}`,
    )
  }
  const absolute = /^https?:\/\//.test(url) && URL.canParse(url) ? new URL(url) : undefined
  // Cut from the text, because URL would resolve the dot segments that the gateway must check.
  const path = absolute === undefined ? url : (/^https?:\/\/[^/?]*([^]*)$/.exec(url)?.[1] ?? '')
  const { target, headers: ofToken } = putToken(config, path === '' ? '/' : path, token)
  // --token replaces a header that would hold another token; a cookie is added to the other cookies.
  const isKept = ([name]: readonly [string, string]) =>
    name === 'cookie' || !ofToken.some(([other]) => other.toLowerCase() === name)
  const host = absolute?.host ?? 'localhost'
  return {
    method: method.toUpperCase(),
    target,
    headers: { host, ...joinHeaders([...header.map(parseHeader).filter(isKept), ...ofToken]) },
    client,
  }
}

interface Finding {
  readonly asked: Asked
  readonly explanation: Explanation
}

/** Explains by the config file alone, without a running gateway. */
async function explainHere(
  config: Config,
  { request, atMs }: ExplainQuestion,
  isOffline: boolean,
): Promise<Explanation> {
  const fetcher = isOffline ? undefined : createFetchJson()
  try {
    return await explain(config, request, { nowMs: atMs ?? Date.now(), fetchJson: fetcher?.fetchJson })
  } finally {
    await fetcher?.close()
  }
}

/** Asks the running gateway when it responds: only that gateway has the keys and the block list. Otherwise explains by the config. */
async function findOut(config: Config, question: ExplainQuestion, options: ExplainOptions): Promise<Finding> {
  const { offline = false, online = false, running = false } = options
  const here = async (text: string): Promise<Finding> => ({
    asked: { running: false, text },
    explanation: await explainHere(config, question, offline),
  })
  if (offline) return here('nobody, and nothing is fetched (--offline)')
  if (online) return here('nobody: keys fetched as a start would (--online)')
  if (options.admin !== undefined && !URL.canParse(options.admin))
    throw new WrongCall('--admin is no URL: write it like http://127.0.0.1:9901')
  const told = await askRunning(adminAccess(config, options), question)
  if ('why' in told) {
    if (running) throw new CommandFailed(told.why)
    return here(`${told.why}: keys fetched as a start would`)
  }
  const { configDigest: digest, ...explanation } = told.explanation
  const other =
    digest === configDigest(config)
      ? ''
      : `, whose config is not the one in ${options.config}: changed since its start, or another (--online explains by the file)`
  return { asked: { running: true, text: `the running gateway at ${told.at}${other}` }, explanation }
}

export function addExplain(command: Command): void {
  command
    .argument('<method>', 'such as GET')
    .argument('<url>', 'path, or whole URL where routes have hosts')
    .addOption(configOption())
    .option('-t, --token <token>', 'the token; - reads it from standard input, as does a pipe without this option')
    .option(
      '-H, --header <header>',
      'another request header, "name: value"; may be given again',
      (text: string, all: string[]) => [...all, text],
      [],
    )
    .option('--client <address>', 'IP address that the connection comes from: whether too many of its tokens failed')
    .option('--at <time>', 'decide as of this time instead of now')
    .addOption(
      new Option('--running', 'ask the running gateway alone: exit code 1 where it does not tell').conflicts([
        'online',
        'offline',
      ]),
    )
    .addOption(
      new Option('--online', 'do not ask the running gateway: fetch keys as one would that starts now').conflicts(
        'offline',
      ),
    )
    .option('--offline', 'ask and fetch nothing: what that leaves open is marked ?, and exit code 3 where it decides')
    .addOption(
      new Option('--admin <url>', 'admin listener of the gateway; left out: as admin of the config says').env(
        'TOLLGATE_ADMIN_URL',
      ),
    )
    .addOption(new Option('--admin-token <token>', 'left out: admin.token of the config').env('TOLLGATE_ADMIN_TOKEN'))
    .option('--json', 'print JSON')
    .action(async (method: string, url: string, options: ExplainOptions) => {
      const { config, blaming } = loadForCommand(options.config)
      const token = await readToken(options.token)
      const request = buildRequest(config, method, url, token, options)
      const atMs = options.at === undefined ? undefined : parseTime(options.at)
      const { asked, explanation } = await blaming(() => findOut(config, { request, atMs }, options))
      process.stdout.write(
        options.json === true
          ? `${writeExactJson({ asked, ...explanation })}\n`
          : `${explanationText(request, explanation, asked)}\n`,
      )
      if (explanation.verdict === 'not known') throw new NotKnown('')
      if (!explanation.passes) throw new CommandFailed('')
    })
}
