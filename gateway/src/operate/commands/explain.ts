// tollgate explain: says what would happen to a request, and why.
import { METHODS } from 'node:http'
import { Option, type Command } from 'commander'

import { loadForCommand } from './config-file.ts'
import { configOption } from './config-option.ts'
import { CommandFailed, NotKnown, WrongCall } from './command-failed.ts'
import { readToken } from './token-input.ts'
import { explain } from '../explain/explain.ts'
import { explanationText } from '../explain/explain-text.ts'
import type { ExplainedRequest } from '../explain/explained-request.ts'
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
  readonly offline?: boolean
  readonly json?: boolean
}

/** Milliseconds since the epoch, from seconds since the epoch or a date as of ISO 8601. */
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

/** The token goes where the config looks first. */
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
  headers: readonly string[],
): ExplainedRequest {
  if (!METHODS.includes(method.toUpperCase())) {
    const near = didYouMean(method, METHODS)
    throw new WrongCall(
      `no request can have the method ${method}: it is answered 400${near === undefined ? '' : ` (${near})`}`,
    )
  }
  const absolute = /^https?:\/\//.test(url) && URL.canParse(url) ? new URL(url) : undefined
  // From the text, not from URL: that would resolve the dot segments which the gateway is to judge.
  const path = absolute === undefined ? url : (/^https?:\/\/[^/?]*([^]*)$/.exec(url)?.[1] ?? '')
  const { target, headers: ofToken } = putToken(config, path === '' ? '/' : path, token)
  const host = absolute?.host ?? 'localhost'
  return {
    method: method.toUpperCase(),
    target,
    headers: Object.fromEntries([['host', host], ...headers.map(parseHeader), ...ofToken]),
  }
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
    .option('--at <time>', 'decide as of this time instead of now')
    .option('--offline', 'fetch nothing: what that leaves open is marked ?, and the exit code is 3 where it decides')
    .addOption(new Option('--online', 'fetch keys as a start would: the default').conflicts('offline').hideHelp())
    .option('--json', 'print JSON')
    .action(async (method: string, url: string, options: ExplainOptions) => {
      const { config, blaming } = loadForCommand(options.config)
      const request = buildRequest(config, method, url, await readToken(options.token), options.header)
      const fetcher = options.offline === true ? undefined : createFetchJson()
      const nowMs = options.at === undefined ? Date.now() : parseTime(options.at)
      const explanation = await blaming(() => explain(config, request, { nowMs, fetchJson: fetcher?.fetchJson }))
      await fetcher?.close()
      process.stdout.write(
        `${options.json === true ? writeExactJson(explanation) : explanationText(request, explanation)}\n`,
      )
      if (explanation.verdict === 'not known') throw new NotKnown('')
      if (!explanation.passes) throw new CommandFailed('')
    })
}
