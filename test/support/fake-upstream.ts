// An upstream whose targets are in the test's hand: what they are asked is kept, and answered when the test says so.
import { createFakeClock } from './fake-clock.ts'
import { testConfig } from './test-gateway.ts'
import type { OutgoingBody, OutgoingRequest, ResponseReceiver } from '../../gateway/src/forward/transport/transport.ts'
import { createUpstream } from '../../gateway/src/forward/upstream/upstream.ts'

/** A request that a target has, until it is answered. */
export interface FakeCall {
  readonly target: string
  readonly request: OutgoingRequest
  readonly receiver: ResponseReceiver
  /** Was taken back. */
  aborted: boolean
  answer(status?: number): void
  fail(code: string): void
}

export interface FakeCaller extends ResponseReceiver {
  ended: boolean
  readonly events: string[]
  readonly failures: Error[]
}

export function createCaller(): FakeCaller {
  const events: string[] = []
  const failures: Error[] = []
  return {
    ended: false,
    events,
    failures,
    onSent: () => undefined,
    onInfo: () => undefined,
    onHead: (status) => void events.push(String(status)),
    onBody: () => true,
    onEnd: () => void events.push('end'),
    onError(error) {
      failures.push(error)
      events.push(error.message)
    },
    onUpgrade: () => void events.push('upgrade'),
  }
}

export interface RequestChanges {
  readonly method?: string
  readonly body?: OutgoingBody
}

export function createFakeUpstream(options: Record<string, unknown>) {
  const clock = createFakeClock()
  const config = testConfig({ upstreams: { up: options }, routes: [{ path: '/', upstream: 'up' }] }).upstreams['up']
  if (config === undefined) throw new Error('unreachable')
  const calls: FakeCall[] = []
  const log: string[] = []
  let closed = 0
  const upstream = createUpstream('up', config, {
    clock,
    schedule: clock.schedule,
    random: () => 0.5,
    createTransport: (target) => ({
      send(request, receiver) {
        const remove = () => void calls.splice(calls.indexOf(call), 1)
        const call: FakeCall = {
          target,
          request,
          receiver,
          aborted: false,
          answer(status = 200) {
            remove()
            receiver.onHead(status, 'X', [], () => undefined)
            receiver.onEnd([])
          },
          fail(code) {
            remove()
            receiver.onError(Object.assign(new Error(code), { code }))
          },
        }
        calls.push(call)
        receiver.onSent(() => {
          if (call.aborted) return
          call.aborted = true
          call.fail('UND_ERR_ABORTED')
        })
      },
      holds: () => false,
      close: () => {
        closed += 1
        return Promise.resolve()
      },
    }),
    events: {
      onTargetOut: (_name, target, why) => log.push(`${target} ${why}`),
      onTargetBack: (_name, target) => log.push(`${target} back`),
    },
  })

  function send({ method = 'GET', body }: RequestChanges = {}): FakeCaller {
    const caller = createCaller()
    const limits = { connectTimeoutMs: 1000, headersTimeoutMs: 1000 }
    upstream.send({ method, path: '/', headers: [], body: body ?? null, upgrade: null, ...limits }, caller)
    return caller
  }
  return { upstream, clock, calls, log, send, closed: () => closed }
}

export function targets(count: number): string[] {
  return Array.from({ length: count }, (_item, index) => `http://t${index + 1}`)
}
