// The value of the header Date: made once a second, for all responses of that second.

const SECOND_MS = 1000
let text = ''
let untilMs = 0

/** As RFC 9110 section 5.6.7 has it. */
export function dateText(): string {
  const nowMs = Date.now()
  if (nowMs >= untilMs || nowMs < untilMs - SECOND_MS) {
    text = new Date(nowMs).toUTCString()
    untilMs = nowMs - (nowMs % SECOND_MS) + SECOND_MS
  }
  return text
}
