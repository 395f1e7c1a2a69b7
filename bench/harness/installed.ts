// Which programs are here. What is not is named with the line that brings it, and the run goes on without it.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

export interface Need {
  /** A command, or the path of a file. */
  readonly what: string
  /** The Debian or Ubuntu packages that bring it. */
  readonly packages: string
}

export const NEEDS = {
  wrk: { what: 'wrk', packages: 'wrk' },
  nginx: { what: 'nginx', packages: 'nginx' },
  haproxy: { what: 'haproxy', packages: 'haproxy' },
  njs: { what: '/usr/lib/nginx/modules/ngx_http_js_module.so', packages: 'libnginx-mod-http-js' },
  lua: { what: '/usr/lib/nginx/modules/ngx_http_lua_module.so', packages: 'libnginx-mod-http-lua' },
  luaCache: { what: '/usr/share/lua/5.1/resty/lrucache.lua', packages: 'lua-resty-lrucache' },
} as const satisfies Record<string, Need>

function isHere({ what }: Need): boolean {
  return what.startsWith('/') ? existsSync(what) : spawnSync('which', [what]).status === 0
}

/** The line that brings what is missing, or undefined when all is here. */
export function missingLine(needs: readonly Need[]): string | undefined {
  const packages = needs.filter((need) => !isHere(need)).map((need) => need.packages)
  return packages.length === 0 ? undefined : `apt-get install ${packages.join(' ')}`
}

/** Without load generator and upstream there is nothing to measure. */
export function requireTools(): void {
  const line = missingLine([NEEDS.wrk, NEEDS.nginx])
  if (line !== undefined) throw new Error(`this bench needs wrk and nginx: ${line}`)
}
