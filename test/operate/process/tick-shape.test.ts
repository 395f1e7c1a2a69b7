import t from 'tap'

import { keepTickShape, kept } from '../../../gateway/src/operate/process/tick-shape.ts'

const nextTick = () =>
  new Promise<void>((resolve) => {
    process.nextTick(resolve)
  })

t.test('what is kept is the object that Node makes for a tick', async (t) => {
  keepTickShape()
  await nextTick()
  const first = kept.tick
  // Node's own names, computed ones and plain ones: were it anything else, keeping it would keep nothing.
  const computed = Object.getOwnPropertySymbols(first ?? {}).map(String)
  t.ok(computed.includes('Symbol(async_id_symbol)') && computed.includes('Symbol(trigger_async_id_symbol)'))
  t.same(Object.keys(first ?? {}), ['callback', 'args'])
})

t.test('it is replaced from time to time', async (t) => {
  const { mock } = await import('node:test')
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => {
    mock.timers.reset()
  })
  keepTickShape()
  await nextTick()
  const first = kept.tick
  mock.timers.tick(1000)
  await nextTick()
  t.not(kept.tick, first)
  t.same(Object.keys(kept.tick ?? {}), ['callback', 'args'])
})
