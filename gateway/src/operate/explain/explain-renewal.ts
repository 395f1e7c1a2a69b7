// Explains renewal: whether the response would carry a successor of the token, or the reason why not.
import type { Claims, RenewedToken } from '../../authenticate/auth-result.ts'
import { dateText, durationText } from '../../authenticate/token/claims.ts'
import type { TokenLocation } from '../../authenticate/locations/location.ts'
import type { Config } from '../../options/config.ts'
import { magnitudeOf } from '../../message/json/exact-number.ts'
import type { Failure } from '../../failure.ts'
import {
  dueSecOf,
  sessionStartOf,
  successorRulesOf,
  successorTimes,
  unfitClaim,
  type SuccessorRules,
} from '../../renew/successor.ts'

export interface RenewalReport {
  /** `asked`: the issuer is asked for a successor, which a later response carries. */
  readonly outcome: 'sent' | 'asked' | 'not yet' | 'none'
  /** The reason in plain words, without the token or claim values other than times. */
  readonly text: string
}

export interface RenewalQuestion {
  readonly options: Config['issuers'][number]['renewal']
  readonly claims: Claims
  readonly nowSec: number
  readonly refusal: Failure | undefined
  /** The successor that the stages made for this request. */
  readonly successor: RenewedToken | undefined
  readonly location: TokenLocation | undefined
}

type Options = NonNullable<RenewalQuestion['options']>

function none(text: string): RenewalReport {
  return { outcome: 'none', text }
}

/** The reason why an accepted token can never have a successor; undefined when it can. */
function obstacleOf(claims: Claims, rules: SuccessorRules): string | undefined {
  const unfit = unfitClaim(claims)
  if (unfit !== undefined)
    return `its ${unfit} is not what renewal can read (${unfit === 'auth_time' ? 'a number of seconds since 1970' : 'a text'})`
  const startSec = sessionStartOf(claims)
  if (magnitudeOf(claims['exp']) === undefined) return 'it has no exp, so it never has to be renewed'
  if (startSec === undefined) return 'it has neither auth_time nor iat: nobody knows when its session began'
  if (successorTimes(claims, rules) !== undefined) return undefined
  return startSec > Math.max(dueSecOf(claims, rules), magnitudeOf(claims['iat']) ?? 0)
    ? 'its session would begin (auth_time) after its successor was issued'
    : `a successor would not live longer than it does (lifetime; its session ends ${dateText(startSec + rules.maxSessionSec)})`
}

function ofRefused(refusal: Failure, { strategy, grace }: Options, { exp }: Claims, nowSec: number): RenewalReport {
  const agoSec = nowSec - (magnitudeOf(exp) ?? nowSec)
  if (refusal.code !== 'token_expired' || agoSec <= 0) return none('what is refused is not renewed')
  if (strategy === 'ahead') return none('strategy ahead renews no token after its expiry')
  const graceSec = (grace ?? 0) / 1000
  return agoSec < graceSec
    ? none(`within the grace of ${durationText(graceSec)}, but it can have no successor`)
    : none(`its grace of ${durationText(graceSec)} is over since ${durationText(agoSec - graceSec)}`)
}

function ofDue({
  options,
  claims,
  nowSec,
  successor,
  location,
}: RenewalQuestion & { options: Options }): RenewalReport {
  const exp = magnitudeOf(claims['exp']) ?? Infinity
  const when =
    nowSec < exp
      ? `within the window of ${durationText((options.window ?? 0) / 1000)} before its expiry`
      : `within the grace of ${durationText((options.grace ?? 0) / 1000)} after its expiry`
  if (options.endpoint !== undefined) return { outcome: 'asked', text: `${when}: the issuer is asked for a successor` }
  if (successor === undefined)
    return none(
      `${when}, but its successor would be refused: too long (limits.tokenBytes, authResult.maxBytes), or not as the issuer’s tokens must be`,
    )
  const wayBack = successor.cookie?.name ?? successor.header
  if (location?.wayBack !== (successor.cookie === undefined ? 'header' : 'cookie'))
    return none(`${when}, but its successor goes into ${wayBack}, and it did not come that way (deliver)`)
  return {
    outcome: 'sent',
    text: `${when}: its successor is sent in ${wayBack}, unless the response is a 5xx, 304 or for shared caches`,
  }
}

/** Reports on renewal; undefined when the tokens of the issuer are not renewed. */
export function renewalReport(question: RenewalQuestion): RenewalReport | undefined {
  const { options, claims, nowSec, refusal } = question
  if (options === undefined) return undefined
  const rules = successorRulesOf(options)
  const startSec = sessionStartOf(claims)
  if (startSec !== undefined && nowSec >= startSec + rules.maxSessionSec)
    return none(
      `its session is too old: maxSession (${durationText(rules.maxSessionSec)}) ended it ${dateText(startSec + rules.maxSessionSec)}`,
    )
  const obstacle = obstacleOf(claims, rules)
  if (refusal !== undefined)
    return obstacle === undefined || refusal.code !== 'token_expired'
      ? ofRefused(refusal, options, claims, nowSec)
      : none(obstacle)
  if (obstacle !== undefined) return none(obstacle)
  const dueSec = dueSecOf(claims, rules)
  if (nowSec < dueSec)
    return {
      outcome: 'not yet',
      text: `from ${dateText(dueSec)} on, in ${durationText(dueSec - nowSec)} (strategy ${options.strategy})`,
    }
  return ofDue({ ...question, options })
}
