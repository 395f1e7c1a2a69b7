// Express with express-jwt (which verifies with jsonwebtoken) in front of http-proxy-middleware, connections kept alive.
import { Agent } from 'node:http'

import express from 'express'
import { expressjwt } from 'express-jwt'
import { createProxyMiddleware } from 'http-proxy-middleware'

import { asHeader, AUDIENCE, ISSUER, settings } from './verifying-proxy.mjs'

const app = express()
app.use(expressjwt({ secret: settings.key, algorithms: ['RS256'], issuer: ISSUER, audience: AUDIENCE }))
app.use((request, _response, next) => {
  request.headers['x-userinfo'] = asHeader(request.auth)
  next()
})
app.use(createProxyMiddleware({ target: settings.upstream, agent: new Agent({ keepAlive: true, maxSockets: 128 }) }))
app.use((error, _request, response, _next) => response.status(error.status ?? 500).end())
app.listen(settings.port, '127.0.0.1')
