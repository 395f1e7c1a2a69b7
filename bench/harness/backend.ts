// The upstream of every proxy: nginx with constant answers, so that the second core is left for the load.
import { freePort } from './free-port.ts'
import { LOAD_CORE, startServer, type Server } from './server.ts'
import { workDirectory, writeWork } from './work-directory.ts'

/** Paths that every proxy passes on as they are. */
export const PATHS = {
  small: '/api/things',
  /** Answers as `small` does, and with what the proxy said about the caller in `x-saw`. */
  check: '/api/check',
  /** Takes a body of any size. */
  upload: '/api/upload',
  size: (bytes: number) => `/api/size/${bytes}`,
} as const

export const PAYLOAD_BYTES = [1024, 65_536, 1_048_576] as const

/** Prologue of every nginx of this bench: one worker, everything it writes inside of the run's directory. */
export function nginxConfig(modules: readonly string[], http: string): string {
  return `
${modules.map((name) => `load_module /usr/lib/nginx/modules/${name};`).join('\n')}
worker_processes 1; daemon off; ${process.getuid?.() === 0 ? 'user root;' : ''} error_log stderr error; pid nginx-${Math.random().toString(36).slice(2)}.pid;
events { worker_connections 16384; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; client_max_body_size 0;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  ${http}
}
`
}

export function startNginx(name: string, core: string, port: number, config: string): Promise<Server> {
  const file = writeWork('nginx.conf', config)
  return startServer({ name, command: 'nginx', args: ['-p', workDirectory, '-c', file, '-e', 'stderr'], core, port })
}

export async function startBackend(): Promise<Server> {
  const port = await freePort()
  const payloads = PAYLOAD_BYTES.map((bytes) => {
    const file = writeWork(`${bytes}.bin`, Buffer.alloc(bytes, 'x'))
    return `location = ${PATHS.size(bytes)} { default_type application/octet-stream; alias ${file}; open_file_cache max=10; }`
  })
  const json = `default_type application/json; return 200 '{"hello":"world","items":[1,2,3,4,5]}';`
  const http = `
  large_client_header_buffers 8 32k;
  upstream itself { server 127.0.0.1:${port}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { ${json} }
    location = ${PATHS.check} { add_header x-saw "$http_x_auth_result$http_x_userinfo"; ${json} }
    # nginx answers a body that nobody asked for before it has read it; one that is proxied, without its body, it reads first.
    location = ${PATHS.upload} {
      client_body_buffer_size 2m; proxy_pass_request_body off; proxy_set_header Content-Length "";
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://itself/;
    }
    ${payloads.join('\n    ')}
  }`
  return startNginx('backend', LOAD_CORE, port, nginxConfig([], http))
}
