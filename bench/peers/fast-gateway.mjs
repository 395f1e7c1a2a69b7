// fast-gateway with express-jwt as its middleware: the pair of its own documentation.
import gateway from 'fast-gateway'
import { expressjwt } from 'express-jwt'

import { asHeader, AUDIENCE, ISSUER, settings } from './verifying-proxy.mjs'

const server = gateway({
  errorHandler: (error, _request, response) => response.send(error.message, error.status ?? 500),
  middlewares: [
    expressjwt({ secret: settings.key, algorithms: ['RS256'], issuer: ISSUER, audience: AUDIENCE }),
    (request, _response, next) => {
      request.headers['x-userinfo'] = asHeader(request.auth)
      return next()
    },
  ],
  routes: [{ prefix: '/api', prefixRewrite: '/api', target: settings.upstream }],
})
await server.start(settings.port, '127.0.0.1')
