// The browser page, read once and served from memory.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import type { FastifyInstance } from 'fastify'

// Joined in this order into one file each; the scripts share one scope.
const styles = ['layout', 'controls', 'token', 'renewals', 'answer'].map((name) => `style/${name}.css`)
const scripts = ['token', 'json-view', 'renewals', 'session', 'calls', 'answer', 'wiring'].map(
  (name) => `script/${name}.js`,
)

const FILES = [
  { path: '/', parts: ['page.html'], type: 'text/html; charset=utf-8' },
  { path: '/page.css', parts: styles, type: 'text/css; charset=utf-8' },
  { path: '/page.js', parts: scripts, type: 'text/javascript; charset=utf-8' },
  { path: '/favicon.svg', parts: ['favicon.svg'], type: 'image/svg+xml' },
]

// The page holds a token: nothing runs in it but our own script, nothing leaves it for another origin, nobody frames it.
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-cache',
}

export async function addPage(app: FastifyInstance, { gatewayUrl }: { readonly gatewayUrl: string }): Promise<void> {
  for (const { path, parts, type } of FILES) {
    const body = (await Promise.all(parts.map(readPart))).join('\n')
    app.get(path, (_request, reply) => reply.headers(HEADERS).type(type).send(body))
  }
  // Lets the page notice that it was opened at this server and not through the gateway.
  app.get('/page-config.json', (_request, reply) => reply.header('cache-control', 'no-store').send({ gatewayUrl }))
}

async function readPart(name: string): Promise<string> {
  return await readFile(fileURLToPath(new URL(`../../page/${name}`, import.meta.url)), 'utf8')
}
