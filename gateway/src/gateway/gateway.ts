// Joins the stages to a gateway: creates each stage by its one door, after the stages that it depends on.
import { createAdmission } from '../accept/admission.ts'
import { createAnswer } from '../accept/answer.ts'
import { createCorsByPath } from '../accept/origins/cors-by-path.ts'
import { createRouter } from '../accept/routes/router.ts'
import { createAuthentication } from '../authenticate/authentication.ts'
import { createAuthorization } from '../authorize/authorize.ts'
import { createForwarding, webSocketMountOf } from '../forward/forwarding.ts'
import { createIdentityEncoder } from '../forward/headers/identity-headers.ts'
import { createClientOf } from '../message/client-address.ts'
import { createTrust } from '../message/trusted-proxies.ts'
import { createIdentityEvents } from '../observe/events/identity-events.ts'
import { createKeyEvents } from '../observe/events/key-events.ts'
import { createRenewalEvents } from '../observe/events/renewal-events.ts'
import { createLogOutEvents, createRevocationEvents, leastTolerance } from '../observe/events/revocation-events.ts'
import { createUpstreamEvents } from '../observe/events/upstream-events.ts'
import { createObserver } from '../observe/observe.ts'
import type { Config } from '../options/config.ts'
import { RENEWED_TOKEN_HEADER } from '../renew/delivery.ts'
import { createRenewals } from '../renew/renewals.ts'
import { renewalFactsOf } from '../revoke/entries-for.ts'
import { createLogOut } from '../revoke/log-out.ts'
import { createRevocation } from '../revoke/revocation.ts'
import { carryFailureLimit, carryForwarding, carryIdentity, carryKeys } from './change/carried.ts'
import type { Carrying } from './change/carrying.ts'
import { createGenerations, type Generations } from './change/generations.ts'
import { createLasting, type Lasting } from './change/lasting.ts'
import { createGeneration, type Stages } from './generation.ts'
import { lend } from './lent.ts'
import { createFront, type Front } from './listener/listener.ts'
import { createRoutes } from './route.ts'
import { createGateway, type Gateway, type ServerParts } from './running.ts'
import { createSteps } from './steps.ts'
import { createFileWatch } from './watch/watch-files.ts'

/** Creates a gateway, which does not listen or fetch keys yet. Throws CannotStart when local keys cannot be used. */
export function buildServer(config: Config, parts: ServerParts): Gateway {
  const { storeOf, log } = parts
  const events = createRevocationEvents(log, leastTolerance(config.issuers))
  const lasting = createLasting(config, parts, {
    current: () => generations.current,
    listener: () => front,
    createRevocation: (rest) => createRevocation({ ...rest, options: config.revocation, storeOf, events }),
  })
  const generations: Generations = createGenerations(config, (next, carrying) =>
    createGeneration(next, joinStages(next, lasting, carrying), lasting),
  )
  const webSocketMount = webSocketMountOf(config)
  const front: Front = createFront(config, { ...lasting, serving: generations, webSocketMount })
  return createGateway({ ...lasting, front, generations, lend: () => lend({ ...lasting, ...generations.current }) })
}

function joinStages(config: Config, lasting: Lasting, carrying: Carrying): Stages {
  const { log, clock, schedule, lent, metrics, revocation, wrapSteps = (steps) => steps } = lasting
  const { count, route: tallyOf } = metrics
  const answer = createAnswer(config.errors)
  const isTrusted = createTrust(config.proxy.trustedProxies)
  const clientOf = createClientOf({ isTrusted, from: config.proxy.clientAddress })
  const renewalOf = renewalFactsOf(config.issuers)
  const { authentication, renewals } = joinIdentity(config, lasting, carrying)
  const authorization = createAuthorization()
  const failureLimit = carryFailureLimit(config, carrying, clock)
  const admission = createAdmission(config, {
    ...{ isTrusted, clientOf, authentication, authorization, tallyOf, failureLimit, ...lent?.parts },
  })
  const forwarding = createForwarding(config, {
    ...{ ...lasting, isTrusted, clientOf, answer, authentication, renewals },
    ...carryForwarding(config, carrying, lasting),
    reserved: ['x-tollgate', RENEWED_TOKEN_HEADER],
    events: createUpstreamEvents(log, count),
  })
  const logOutParts = { clock, schedule, revocation, renewalOf, authentication }
  const logOut = createLogOut({ ...logOutParts, ...createLogOutEvents(log) })
  const routes = createRoutes(config, { admission, authorization, forwarding, logOut, renewals, tallyOf })
  const router = createRouter(routes)
  const cors = createCorsByPath(router, admission.corsEverywhere)
  const observer = createObserver(config.log, { log, clientOf, metrics, clock })
  const steps = wrapSteps(createSteps({ log, answer, authentication }))
  return { answer, authentication, renewals, renewalOf, admission, forwarding, router, cors, observer, steps }
}

/** Who is let in: issuers with their keys and renewal, and the tokens that are known. */
function joinIdentity(config: Config, lasting: Lasting, carrying: Carrying) {
  const { log, clock, schedule, random, fetchJson, askIssuer, lent, metrics, revocation } = lasting
  const isTrusted = createTrust(config.proxy.trustedProxies)
  const { meetingPlace, takeRenewal, ...carried } = carryIdentity(config, carrying, lasting)
  const renewals = createRenewals(config, {
    ...{ clock, blockList: revocation.kept, takeRenewal, ...lent?.parts },
    meeting: meetingPlace && { place: meetingPlace, schedule },
    askIssuer: askIssuer ?? (() => Promise.reject(new Error('issuers are not asked here'))),
    // The stage verifies a successor like any other token.
    verify: (token, issuer) => authentication.verify(token, issuer),
    events: createRenewalEvents(log, metrics.count),
  })
  const authentication = createAuthentication(config, {
    ...{ ...carried, clock, schedule, random, isTrusted, fetchJson, blockList: revocation.list },
    renewals: renewals.byIssuer,
    renewedCookies: renewals.cookies,
    ...createIdentityEncoder(config, createIdentityEvents(metrics.count)),
    refusal: config.revocation.onStoreDown === 'serve' ? undefined : revocation.refusal,
    watchFiles: config.watch ? createFileWatch(schedule) : undefined,
    events: createKeyEvents(log, metrics.count),
    replaceKeys: carryKeys(config, renewals, carrying),
    ...lent?.parts,
  })
  return { authentication, renewals }
}
