// The README's table of the floor, Tollgate and its peers, from the JSON of their run.
import type { PeerResult } from '../peers/bench-peers.ts'
import { machineText } from './machine.ts'

const figure = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(1))

/** `json`: the text of bench/results/peers.json. */
export function peersSection(json: string): string {
  const { rows, missing, machine, settings, connections, tokens } = JSON.parse(json) as PeerResult
  const cheapestFirst = [...rows].sort((a, b) => a.cpuMicroseconds - b.cpuMicroseconds)
  const absent = missing.length === 0 ? '' : ` Not measured here: ${missing.map(({ name }) => name).join('; ')}.`
  return [
    `A small GET with a token that is known, ${connections} connections, ${tokens} tokens, the proxy alone on one core; CPU time of the proxy for each request is the`,
    'figure to compare. “Times Tollgate” is against Tollgate with the same algorithm (RS256 where none is verified).',
    '',
    '| | CPU us | times Tollgate | requests/s | p50 ms | p99 ms | RSS MiB |',
    '|---|---|---|---|---|---|---|',
    ...cheapestFirst.map((row) => {
      const name = row.kind === 'Tollgate' ? `**${row.name}**` : row.name
      const numbers = [row.requestsPerSecond, row.p50Ms, row.p99Ms, row.residentMebibytes].map(figure)
      return `| ${[name, figure(row.cpuMicroseconds), row.timesTollgate.toFixed(2), ...numbers].join(' | ')} |`
    }),
    '',
    `Medians of ${settings.rounds} rounds of ${settings.secondsPerRound} s in turn, ${machineText(machine)}.${absent}`,
    '',
    '![CPU microseconds for one request, by algorithm](bench/results/peers.svg)',
  ].join('\n')
}
