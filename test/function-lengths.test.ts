// Functions fit on a screen. Those that do not are listed here, and the list may only shrink.
import t from 'tap'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const ROOT = new URL('..', import.meta.url).pathname
const FOLDERS = ['gateway/src', 'sample-backend/src', 'bench']
const MAX_LINES = 60

/** File and function. One that has become short, or is gone, has to be taken out. */
const EXEMPT: ReadonlySet<string> = new Set([
  'bench/shapes/kinds.ts measure',
  'bench/shapes/workers.ts measure',
  'bench/verify/verify.ts benchVerify',
  'gateway/src/accept/listen/connections.ts superviseConnections',
  'gateway/src/accept/listen/read-ahead.ts createReadAhead',
  'gateway/src/authenticate/authenticate.ts createAuthenticator',
  'gateway/src/authenticate/cache/caches.ts createCaches',
  'gateway/src/authenticate/cache/signature-cache.ts createSignatureCache',
  'gateway/src/authenticate/keys/remote-keys.ts createRemoteKeys',
  'gateway/src/forward/headers/headers.ts createHeaderFilter',
  'gateway/src/forward/transport/direct-transport.ts createDirectTransport',
  'gateway/src/forward/transport/undici-transport.ts createUndiciTransport',
  'gateway/src/forward/upstream/upstream.ts createUpstream',
  'gateway/src/forward/websocket/websocket.ts createWebSocketMount',
  'gateway/src/observe/observe.ts createObserver',
  'gateway/src/operate/admin/revocation-request.ts createRevocationReader',
  'gateway/src/operate/workers/cluster.ts createCluster',
  'gateway/src/renew/renew.ts createRenewal',
  'gateway/src/revoke/list/memory-list.ts createBlockList',
  'gateway/src/revoke/list/packed-text.ts createPacker',
  'gateway/src/revoke/stores/redis/redis-losses.ts createRedisLosses',
  'gateway/src/revoke/stores/redis/redis-session.ts openRedisSession',
  'gateway/src/revoke/stores/redis/redis-store.ts createRedisStore',
])

function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (node.name !== undefined) return node.name.getText()
  const { parent } = node
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent)
    ? parent.name.getText()
    : 'without a name'
}

/** The functions of a source that are too long, with all that they enclose. */
function longFunctions(text: string): { readonly name: string; readonly lines: number }[] {
  const source = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true)
  const lineAt = (position: number) => source.getLineAndCharacterOfPosition(position).line
  const long: { readonly name: string; readonly lines: number }[] = []
  function visit(node: ts.Node): void {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const lines = lineAt(node.end) - lineAt(node.getStart()) + 1
      if (lines > MAX_LINES) long.push({ name: nameOf(node), lines })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return long
}

const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts') && !/(^|\/)(dist|node_modules)\//.test(name))
    .map((name) => `${folder}/${name}`),
)

t.test(`functions have at most ${MAX_LINES} lines, and the list of exceptions only shrinks`, async (t) => {
  const found = new Set<string>()
  for (const file of files)
    for (const { name, lines } of longFunctions(readFileSync(join(ROOT, file), 'utf8'))) {
      const entry = `${file} ${name}`
      found.add(entry)
      t.ok(EXEMPT.has(entry), `${entry} has ${lines} lines: part it`)
    }
  for (const entry of EXEMPT) t.ok(found.has(entry), `${entry} is short now: take it off the list`)
})

t.test('each kind of function is measured', async (t) => {
  const body = `{\n${'  f()\n'.repeat(MAX_LINES)}}`
  for (const [text, name] of [
    [`function one() ${body}`, 'one'],
    [`const two = () => ${body}`, 'two'],
    [`const object = { three() ${body} }`, 'three'],
    [`const object = { four: async () => ${body} }`, 'four'],
    [`class A { five() ${body} }`, 'five'],
    [`class A { readonly #six = () => ${body} }`, '#six'],
    [`class A { get seven() ${body} }`, 'seven'],
    [`call(() => ${body})`, 'without a name'],
  ] as const)
    t.match(longFunctions(text), [{ name, lines: MAX_LINES + 2 }], text.slice(0, 40))
  t.same(longFunctions(`function short() {\n${'  f()\n'.repeat(MAX_LINES - 2)}}`), [])
})
