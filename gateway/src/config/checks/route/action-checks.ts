// Checks routes that the gateway answers itself (`action`): they require a caller, and allow no options of forwarding.
import { authRulesOf } from './auth-rules.ts'
import { isMisspelt } from '../../schema/did-you-mean.ts'
import { options, type Loose } from '../loose.ts'
import type { Finding, Path } from '../../problem.ts'
import { keepsOut } from '../../../options/route/auth-modes.ts'

const NOT_WITH_ACTION = ['upstream', 'rewrite', 'timeouts', 'bodyBytes', 'bodyRate', 'claimHeaders', 'headers']

function checkClearing(route: Loose, at: Path): readonly Finding[] {
  if (route['clearSiteData'] === undefined) return []
  const hint = 'it is sent when somebody logs out'
  return [{ path: [...at, 'clearSiteData'], atKey: true, message: 'has no effect without action: revoke', hint }]
}

export function checkAction(route: Loose, index: number): readonly Finding[] {
  const { action, websocket } = options(route)
  const at = ['routes', index]
  if (action === undefined) {
    const pointless = checkClearing(route, at)
    if (route['upstream'] !== undefined || isMisspelt('upstream', route)) return pointless
    return [
      ...pointless,
      { path: at, atKey: true, message: 'upstream is missing', hint: 'the name of the upstream that gets the request' },
    ]
  }
  const useless = [
    ...NOT_WITH_ACTION.filter((name) => route[name] !== undefined),
    ...(websocket === true ? ['websocket'] : []),
  ].map((name) => ({
    path: [...at, name],
    atKey: true,
    message: 'has no effect with an action',
    hint: 'the gateway answers such a request itself',
  }))
  const rules = authRulesOf(route)
  if (rules !== undefined && keepsOut(rules)) return useless
  return [
    ...useless,
    { path: [...at, 'auth'], message: 'must be required', hint: 'action: revoke blocks the token of the caller' },
  ]
}
