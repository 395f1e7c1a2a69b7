// Joins the stages to a gateway: creates each stage by its one door, after the stages that it depends on.
import { createAdmission } from '../accept/admission.ts'
import { createAnswer } from '../accept/answer.ts'
import { createCorsByPath } from '../accept/origins/cors-by-path.ts'
import { createRouter } from '../accept/routes/router.ts'
import { createAuthentication } from '../authenticate/authentication.ts'
import { createAuthorization } from '../authorize/authorize.ts'
import { systemClock, systemSchedule } from '../clock.ts'
import { createForwarding } from '../forward/forwarding.ts'
import { createAuthResultEncoder } from '../forward/headers/auth-result-header.ts'
import { createClientOf } from '../message/client-address.ts'
import { createTrust } from '../message/trusted-proxies.ts'
import { createKeyEvents, keyStatus } from '../observe/events/key-events.ts'
import { createRenewalEvents } from '../observe/events/renewal-events.ts'
import { createLogOutEvents, createRevocationEvents, leastTolerance } from '../observe/events/revocation-events.ts'
import { createUpstreamEvents } from '../observe/events/upstream-events.ts'
import { createMetrics } from '../observe/metrics/metrics.ts'
import { createObserver } from '../observe/observe.ts'
import type { Config } from '../options/config.ts'
import { RENEWED_TOKEN_HEADER } from '../renew/delivery.ts'
import { createRenewals } from '../renew/renewals.ts'
import { renewalFactsOf } from '../revoke/entries-for.ts'
import { createLogOut } from '../revoke/log-out.ts'
import { createRevocation } from '../revoke/revocation.ts'
import { boundTokenCache } from './bound-token-cache.ts'
import { createGeneration, type Gateway, type ServerParts } from './generation.ts'
import { lend } from './lent.ts'
import { createListener } from './listener/listener.ts'
import { meetingPlaceOf } from './redis-meeting-place.ts'
import { createRoutes } from './route.ts'
import type { InFlight } from './serve.ts'
import { createSteps } from './steps.ts'
import { createFileWatch } from './watch/watch-files.ts'

/** Creates a gateway, which does not listen or fetch keys yet. Throws CannotStart when local keys cannot be used. */
export function buildServer(config: Config, parts: ServerParts): Gateway {
  const { log, version, clock = systemClock, schedule = systemSchedule, random = Math.random, fetchJson } = parts
  const { askIssuer, storeOf, lent, injectedTarget, wrapSteps = (steps) => steps } = parts
  const inFlight: InFlight = { limit: config.limits.inFlight, count: 0, onCut: undefined }
  const answer = createAnswer(config.errors)
  const isTrusted = createTrust(config.proxy.trustedProxies)
  const shared = { clock, schedule, random, isTrusted, ...lent?.parts }
  const clientOf = createClientOf({ isTrusted, from: config.proxy.clientAddress })
  const encoder = createAuthResultEncoder(config.authResult)
  const renewalOf = renewalFactsOf(config.issuers)
  const meetingPlace = meetingPlaceOf(config, { clock, schedule })

  const revocation =
    lent?.revocation ??
    createRevocation({
      ...{ options: config.revocation, clock, schedule, storeOf },
      events: createRevocationEvents(log, leastTolerance(config.issuers)),
    })
  const metrics = createMetrics(
    {
      ...{ version, inFlight, revocation, ofProcess: lent === undefined },
      tokens: () => authentication.authenticator,
      listener: () => listener,
      keys: () => keyStatus(authentication.issuers, clock),
      upstreams: () => [...forwarding.upstreams.values()],
    },
    config.admin.metrics,
  )
  const { count, route: tallyOf } = metrics
  const renewals = createRenewals(config, {
    ...{ ...shared, blockList: revocation.kept },
    meeting: meetingPlace && { place: meetingPlace, schedule },
    askIssuer: askIssuer ?? (() => Promise.reject(new Error('issuers are not asked here'))),
    // The stage verifies a successor like any other token.
    verify: (token, issuer) => authentication.verify(token, issuer),
    events: createRenewalEvents(log, count),
  })
  const authentication = createAuthentication(boundTokenCache(config, parts.heapBytes, log), {
    ...{ ...shared, fetchJson, blockList: revocation.list },
    renewals: renewals.byIssuer,
    renewedCookies: renewals.cookies,
    encodeResult: encoder.encode,
    anonymousHeader: encoder.anonymous,
    refusal: config.revocation.onStoreDown === 'serve' ? undefined : revocation.refusal,
    watchFiles: config.watch ? createFileWatch(schedule) : undefined,
    events: createKeyEvents(log, count),
  })
  const authorization = createAuthorization()
  const admission = createAdmission(config, { ...shared, clientOf, authentication, authorization, tallyOf })
  const forwarding = createForwarding(config, {
    ...{ ...shared, answer, authentication, renewals, revocation },
    reserved: ['x-tollgate', RENEWED_TOKEN_HEADER],
    events: createUpstreamEvents(log, count),
  })
  const logOut = createLogOut({
    ...{ clock, schedule, revocation, renewalOf, authentication },
    ...createLogOutEvents(log),
  })

  const { published } = renewals
  const router = createRouter(
    createRoutes(config.routes, { admission, authorization, forwarding, logOut, published, tallyOf }),
  )
  const cors = createCorsByPath(router, admission.corsEverywhere)
  const observer = createObserver(config.log, { log, clientOf, metrics, clock })
  const steps = wrapSteps(createSteps({ log, answer, authentication }))
  const listener = createListener(config, {
    ...{ log, cors, observer, schedule, router, injectedTarget, steps, inFlight, answer, forwarding },
  })
  return createGeneration(config, {
    ...{ listener, authentication, forwarding, meetingPlace, revocation, metrics, renewalOf, clock, schedule },
    ...{ inFlight, log },
    lend: () => lend({ authentication, admission, renewals, revocation, clock, fetchJson }),
  })
}
