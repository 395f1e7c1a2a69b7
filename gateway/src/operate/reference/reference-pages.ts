// Formats the pages of docs/reference in Markdown: failures, metrics, log fields and exit codes, from the tables of the code.
import { EXIT_CODES } from '../commands/exit-codes.ts'
import { PRIMARY_METRICS } from '../workers/merged-metrics.ts'
import { FAILURES, failureRule, type FailureCode } from '../../failure.ts'
import { LOG_FIELDS } from '../../observe/log.ts'
import { METRICS } from '../../observe/metrics/metric-table.ts'
import { FAILURE_ADVICE } from './failure-advice.ts'
import { LOG_FIELD_NOTES } from './log-field-notes.ts'

const GENERATED = 'Generated from the code by `npm run config:generate`; do not edit.'

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function page(title: string, intro: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`)
  return `# ${title}\n\n${GENERATED}\n\n${intro}\n\n${lines.join('\n')}\n`
}

function failures(): string {
  const codes = Object.keys(FAILURES) as FailureCode[]
  const rows = codes
    .map((code) => ({ code, ...failureRule(code) }))
    .sort((a, b) => a.status - b.status)
    .map(({ code, status, title, challenge, retryAfterSec }) => [
      `\`${code}\``,
      String(status),
      title,
      challenge === undefined
        ? retryAfterSec === undefined
          ? ''
          : `\`Retry-After: ${retryAfterSec}\``
        : challengeOf(challenge),
      FAILURE_ADVICE[code],
    ])
  const intro =
    'Every response that the gateway itself makes has its code in the header `x-tollgate` and in `code` of its body (`application/problem+json`, RFC 9457); metrics and log use the same codes.'
  return page('Failure codes', intro, ['code', 'status', 'meaning', 'with it goes', 'what to do'], rows)
}

function challengeOf(challenge: string): string {
  return `\`WWW-Authenticate: Bearer${challenge === '' ? '' : ` error="${challenge}"`}\``
}

function metrics(): string {
  const rows = [...METRICS, ...PRIMARY_METRICS].map(({ name, kind, labels, help }) => [
    `\`${name}\``,
    kind,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ])
  const intro =
    'At `/metrics` of the admin listener. Beside them are the metrics of the process under their usual names, `process_*` and `nodejs_*`. The last two are there with several workers.'
  return page('Metrics', intro, ['metric', 'kind', 'labels', 'what it counts'], rows)
}

function logFields(): string {
  const intro =
    'A log line is a JSON object with `level` (30 info, 40 warn, 50 error), `time` (RFC 3339), `message`, and some of these fields; no other field is ever written.'
  const rows = LOG_FIELDS.map((field) => [`\`${field}\``, LOG_FIELD_NOTES[field]])
  return page('Log fields', intro, ['field', 'what it says'], rows)
}

function exitCodes(): string {
  const rows = Object.values(EXIT_CODES).map(({ code, meaning }) => [String(code), meaning])
  return page('Exit codes', 'Of `tollgate` and all its commands.', ['code', 'meaning'], rows)
}

/** The pages by file name. */
export function referencePages(): Readonly<Record<string, string>> {
  return { 'failures.md': failures(), 'metrics.md': metrics(), 'log.md': logFields(), 'exit-codes.md': exitCodes() }
}
