// tollgate routes: lists the routes of a running gateway.
import type { Command } from 'commander'

import { addAskOptions, askFor, findRunning, type AskOptions } from './ask-options.ts'
import { tableText } from './table.ts'

/** The members of a route in /api/routes that a row shows. */
interface ToldRoute {
  readonly path: string
  readonly auth: string
  readonly methods?: readonly string[]
  readonly hosts?: readonly string[]
  readonly upstream?: string
  readonly action?: string
  readonly issuers?: readonly string[]
  readonly require?: object
  readonly publishesKeysOf?: string
}

function destinationOf({ upstream, action, publishesKeysOf }: ToldRoute): string {
  if (publishesKeysOf !== undefined) return `renewal keys of ${publishesKeysOf}`
  return action === undefined ? `upstream ${upstream ?? ''}` : `action ${action}`
}

function rowOf(route: ToldRoute): readonly string[] {
  const { path, methods = [], hosts = [], auth, issuers = [], require } = route
  return [
    ...[path, methods.join(' '), hosts.join(' '), destinationOf(route), auth, issuers.join(' ')],
    require === undefined ? '' : JSON.stringify(require),
  ]
}

export function addRoutes(command: Command): void {
  addAskOptions(command).action(async (options: AskOptions) => {
    const { access } = findRunning(options)
    const { answer } = await askFor<{ routes: readonly ToldRoute[] }>(access, '/api/routes', 'routes')
    const head = ['PATH', 'METHODS', 'HOSTS', 'TO', 'AUTH', 'ISSUERS', 'REQUIRES']
    const text = options.json === true ? JSON.stringify(answer) : tableText(head, answer.routes.map(rowOf))
    process.stdout.write(`${text}\n`)
  })
}
