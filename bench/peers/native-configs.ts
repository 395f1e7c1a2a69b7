// The configs of the native peers: each verifies signature, algorithm, issuer, audience and time, and passes the claims on.
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'

import { nginxConfig } from '../harness/backend.ts'
import { writeWork } from '../harness/work-directory.ts'
import { ISSUER, SECRET, type BenchKeys } from '../verify/keys-and-tokens.ts'

const PEERS = new URL('../../peers/', import.meta.url)

/** A script of a native peer with the secret and issuer of this bench put in. */
function script(name: string): string {
  const text = readFileSync(new URL(name, PEERS), 'utf8')
  return writeWork(name, text.replaceAll('SECRET', SECRET).replaceAll('ISSUER', ISSUER))
}

export function haproxyConfig(port: number, upstream: string, { algorithm, publicPem }: BenchKeys): string {
  const key = publicPem === undefined ? SECRET : writeWork('key.pem', publicPem)
  const deny = 'http-request deny deny_status 401'
  return writeWork(
    'haproxy.cfg',
    `
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  http-reuse always
backend upstream
  server one ${new URL(upstream).host} pool-max-conn 128
frontend proxy
  bind 127.0.0.1:${port}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')
  http-request set-var(txn.aud) var(txn.bearer),jwt_payload_query('$.aud')
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  ${deny} unless { var(txn.alg) -m str ${algorithm} }
  ${deny} unless { var(txn.iss) -m str ${ISSUER} }
  ${deny} unless { var(txn.aud) -m str api }
  ${deny} unless { var(txn.bearer),jwt_verify(txn.alg,"${key}") -m int 1 }
  ${deny} if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request set-header X-Userinfo %[var(txn.bearer),field(2,.)]
  default_backend upstream
`,
  )
}

function nginxProxy(modules: readonly string[], port: number, upstream: string, http: string, location: string) {
  return nginxConfig(
    modules,
    `
  upstream backend { server ${new URL(upstream).host}; keepalive 128; keepalive_requests 1000000000; }
  ${http}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { ${location} proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://backend; }
  }`,
  )
}

export function nginxPlain(port: number, upstream: string): string {
  return nginxProxy([], port, upstream, '', '')
}

export function nginxNjs(port: number, upstream: string): string {
  const file = script('nginx-jwt.js')
  const http = `js_path ${dirname(file)}; js_import jwt from ${file}; js_set $jwt_ok jwt.verify; js_set $jwt_payload jwt.payload;`
  const location = 'if ($jwt_ok = "") { return 401; } proxy_set_header X-Userinfo $jwt_payload;'
  return nginxProxy(['ngx_http_js_module.so'], port, upstream, http, location)
}

export function nginxLua(port: number, upstream: string): string {
  const http = `lua_package_path "/usr/share/lua/5.1/?.lua;;"; init_by_lua_block { check = dofile("${script('cached-check.lua')}") }`
  return nginxProxy(
    ['ndk_http_module.so', 'ngx_http_lua_module.so'],
    port,
    upstream,
    http,
    'access_by_lua_block { check() }',
  )
}
