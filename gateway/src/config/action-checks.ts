// Routes that the gateway answers itself: they need a caller, and nothing that is about forwarding.
import { options, type Loose } from './loose.ts'
import type { Finding } from './problem.ts'

const NOT_WITH_ACTION = ['upstream', 'rewrite', 'timeouts', 'bodyBytes']

export function checkAction(route: Loose, index: number): readonly Finding[] {
  const { action, auth, websocket } = options(route)
  const at = ['routes', index]
  if (action === undefined) {
    if (route['upstream'] !== undefined) return []
    return [
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
  if (auth === undefined || auth === 'required') return useless
  return [
    ...useless,
    { path: [...at, 'auth'], message: 'must be required', hint: 'action: revoke blocks the token of the caller' },
  ]
}
