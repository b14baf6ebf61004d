/** `/v1/events` and `/v1/record`: what happens as it happens, and what has happened. */
import { connect } from 'node:net'
import { createApp, serve, type ServedModel, type Told } from '@burgeon/server'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife } from 'burgeon/session'
import { expect, onTestFinished, test } from 'vitest'
import { follow, type Heard } from './follow.ts'
import { asking, lifeFolder, smallServed } from './small-served.ts'

const text = 'the quick brown fox jumps over the lazy dog. '.repeat(20)

const stepsIn = (heard: readonly Heard[]): number =>
  heard.reduce((sum, { name, data }) => sum + (name === 'step' ? (data['steps'] as number) : 0), 0)

/** A model whose life is made up: the test says what happens. */
async function madeUp(): Promise<{ served: ServedModel; tell: (told: Told) => void; heard: () => number }> {
  const listeners = new Set<(told: Told) => void>()
  const real = await smallServed()
  const life = {
    listen(hear: (told: Told) => void) {
      listeners.add(hear)
      return () => void listeners.delete(hear)
    },
    soFar: () => real.life!.soFar(),
  }
  const tell = (told: Told): void => {
    for (const hear of listeners) hear(told)
  }
  return { served: { ...real, life }, tell, heard: () => listeners.size }
}

const drift = (step: number, data: unknown = {}): Told => ({
  what: 'event',
  event: { kind: 'drift', step, part: 'alarm', summary: `drift at ${step}`, data },
})
const aStep = (step: number, bitsPerByte: number = 2): Told => ({
  what: 'step',
  step: { step, bytes: 10, bitsPerByte, domain: 'a', parameters: 7 },
})

test('a lesson is told step by step, then as saved, then as a whole, with names that count up', async () => {
  const { app, ask, served } = await asking()
  const { size } = served.model.parameters
  const followed = await follow(app)
  const lesson = await ask('/v1/learn', { text, domain: 'foxes' })
  const heard = await followed.until(({ name }) => name === 'lesson')
  expect(heard[0]).toMatchObject({ name: 'open', data: { complete: true, step: 0, parameters: size } })
  const steps = heard.filter(({ name }) => name === 'step')
  expect(stepsIn(heard)).toBe(4)
  expect(steps.at(-1)?.data).toMatchObject({ step: 4, domain: 'foxes', parameters: size })
  const [told] = lesson.json['documents'] as { bytes: number; bits_per_byte: number }[]
  const bytes = steps.reduce((sum, { data }) => sum + (data['bytes'] as number), 0)
  const bits = steps.reduce((sum, { data }) => sum + Number(data['bytes']) * Number(data['bits_per_byte']), 0)
  expect(bytes).toBe(told.bytes)
  expect(bits / bytes).toBeCloseTo(told.bits_per_byte, 10)
  expect(heard.slice(-2).map(({ name }) => name)).toEqual(['saved', 'lesson'])
  expect(heard.at(-1)?.data).toEqual({
    domain: 'foxes',
    bytes,
    steps: 4,
    bits_per_byte: told.bits_per_byte,
    saved: true,
  })
  const numbers = heard.slice(1).map(({ id }) => Number(id.split('-')[1]))
  expect(numbers).toEqual(numbers.map((_, i) => numbers[0] + i))
  await followed.leave()
})

test('steps that come faster than they are told are told as one, and none is left out', async () => {
  const { served, tell } = await madeUp()
  const { app } = await asking({}, served)
  const followed = await follow(app)
  for (let step = 1; step <= 5000; step++) tell(aStep(step, step <= 2500 ? 1 : 3))
  tell(drift(5000))
  const heard = await followed.until(({ name }) => name === 'learner')
  expect(heard.map(({ name }) => name)).toEqual(['open', 'step', 'step', 'learner'])
  expect(heard[2].data).toEqual({
    ...{ step: 5000, steps: 4999, bytes: 49_990, domain: 'a', parameters: 7 },
    bits_per_byte: (2499 + 3 * 2500) / 4999,
  })
  // One that nothing follows is told as well.
  tell(aStep(5001))
  await followed.until(({ data }) => data['step'] === 5001)
  await followed.leave()
})

test('who comes back with the last name hears what was missed, once, in order', async () => {
  const { served, tell } = await madeUp()
  const { app } = await asking({}, served)
  const whole = await follow(app)
  let broken = await follow(app)
  const pieces: Heard[] = []
  for (let step = 1; step <= 40; step++) {
    tell(drift(step))
    if (step % 7 !== 0) continue
    // It leaves in the middle, having heard some of it.
    pieces.push(...(await broken.until(({ data }) => data['step'] === step - (step % 3))))
    await broken.leave()
    const { id } = pieces.at(-1) as Heard
    tell(drift(100 + step))
    broken = await follow(app, id)
  }
  tell(drift(1000))
  pieces.push(...(await broken.until(({ data }) => data['step'] === 1000)))
  const heard = await whole.until(({ data }) => data['step'] === 1000)
  const events = (list: readonly Heard[]): Heard[] => list.filter(({ name }) => name !== 'open')
  expect(events(pieces)).toEqual(events(heard))
  expect(pieces.filter(({ name }) => name === 'open').every(({ data }) => data['complete'] === true)).toBe(
    true,
  )
  await broken.leave()
  await whole.leave()
})

test('who names what is gone, or was never there, is told so and hears what is left', async () => {
  const { served, tell } = await madeUp()
  const { app } = await asking({}, served)
  const first = await follow(app)
  tell(drift(1))
  const [, { id }] = await first.until(({ name }) => name === 'learner')
  await first.leave()
  for (let step = 2; step <= 5000; step++) tell(drift(step))
  for (const strange of [id, '', 'x', '-', `${id}9999`, 'other-1', `${id.split('-')[0]}-1e3`]) {
    const back = await follow(app, strange)
    const heard = await back.until(({ data }) => data['step'] === 5000)
    expect(heard[0].data['complete'], strange).toBe(false)
    expect(heard.length, strange).toBeGreaterThan(1024)
    expect(heard.length, strange).toBeLessThanOrEqual(2049)
    await back.leave()
  }
})

test('long data is left to the record of the life, and the rest is told', async () => {
  const { served, tell } = await madeUp()
  const { app } = await asking({}, served)
  const followed = await follow(app)
  tell(drift(1, { numbers: Array.from({ length: 9000 }, (_, i) => i) }))
  tell(drift(2, { bitsPerByte: 3 }))
  const heard = await followed.until(({ data }) => data['step'] === 2)
  expect(heard.slice(1).map(({ data }) => data)).toEqual([
    { kind: 'drift', step: 1, part: 'alarm', summary: 'drift at 1', data: null },
    { kind: 'drift', step: 2, part: 'alarm', summary: 'drift at 2', data: { bitsPerByte: 3 } },
  ])
  await followed.leave()
})

test('places are bounded, and one who leaves gives his back', async () => {
  const { app, ask } = await asking({ limits: { followers: 2 } })
  const both = [await follow(app), await follow(app)]
  const third = await ask('/v1/events')
  expect([third.status, third.json.error?.code, third.headers.get('retry-after')]).toEqual([
    ...[429, 'too_many_followers', '10'],
  ])
  await both[0].leave()
  expect((await ask('/v1/events')).status).toBe(200)
  expect(String((await ask('/metrics')).json['text'])).toMatch(/burgeon_followers 1\n/)
  await both[1].leave()
})

test('by a socket: one who does not read is dropped, one who left is gone, others hear it all', async () => {
  const { served, tell } = await madeUp()
  const running = await serve(served, { port: 0 })
  onTestFinished(() => running.close())
  const followers = async (): Promise<string> =>
    /burgeon_followers (\d+)/.exec(await (await fetch(`${running.url}/metrics`)).text())?.[1] ?? ''
  const leaves = new AbortController()
  await fetch(`${running.url}/v1/events`, { signal: leaves.signal })
  const asleep = connect(running.port, '127.0.0.1')
  let isClosed = false
  asleep.on('close', () => (isClosed = true)).on('error', () => {})
  asleep.pause().write('GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await expect.poll(followers).toBe('2')
  leaves.abort()
  await expect.poll(followers).toBe('1')
  const awake = await follow({ fetch: () => fetch(`${running.url}/v1/events`) })
  const long = { text: 'x'.repeat(8000) }
  let step = 0
  while ((await followers()) !== '1') {
    for (let i = 0; i < 100; i++) tell(drift(++step, long))
    await awake.until(({ data }) => data['step'] === step)
    expect(step).toBeLessThan(20_000)
  }
  asleep.resume()
  await expect.poll(() => isClosed).toBe(true)
  const heard = await awake.until(({ data }) => data['step'] === step)
  expect(heard.filter(({ name }) => name === 'learner').map(({ data }) => data['step'])).toEqual(
    Array.from({ length: step }, (_, i) => i + 1),
  )
  await awake.leave()
})

test('a server that ends tells the last, ends every stream and listens no more', async () => {
  const { served, tell, heard } = await madeUp()
  const app = createApp(served)
  const followed = await follow(app)
  expect(heard()).toBe(1)
  tell(aStep(1))
  tell(aStep(2))
  const drained = app.drain()
  expect(stepsIn(await followed.toTheEnd())).toBe(2)
  await drained
  expect(heard()).toBe(0)
})

test('the record is that of the life, and who follows from there misses nothing', async () => {
  const folder = await lifeFolder()
  const { app, ask } = await asking({}, await smallServed(folder))
  await ask('/v1/learn', { text, domain: 'foxes' })
  await ask('/v1/learn', { text: 'a b c d e f g. '.repeat(30), domain: 'letters' })
  const { json } = await ask('/v1/record')
  const { record } = await loadLife(nodeDisk(folder))
  expect(json).toMatchObject({
    ...{ object: 'record', step: record.curve.recent.length, bytes: record.bytes, spans: record.spans },
    losses: record.prequential.map(({ bytes, bitsPerByte }) => ({ bytes, bits_per_byte: bitsPerByte })),
    parameters: record.parameters,
  })
  expect((json['losses'] as unknown[]).length).toBeGreaterThan(4)
  const followed = await follow(app, json['last_event_id'] as string)
  await ask('/v1/learn', { text, domain: 'foxes' })
  const heard = await followed.until(({ name }) => name === 'lesson')
  expect(heard[0].data).toMatchObject({ complete: true, step: json['step'] })
  expect(stepsIn(heard)).toBe(4)
  await followed.leave()
})

test('events of the learner stand in the record with the bytes before them', async () => {
  const { served } = await madeUp()
  const long = Array.from({ length: 9000 }, (_, i) => i)
  const events = [
    { bytes: 5, event: { kind: 'drift', step: 1, part: 'alarm', summary: 'a', data: { x: 1 } } },
    { bytes: 9, event: { kind: 'growth', step: 2, part: 'plateau', summary: 'b', data: { long } } },
  ]
  const { life } = served
  const soFar = () => ({
    ...(life as NonNullable<typeof life>).soFar(),
    events,
    measurements: [{ bytes: 3, stage: 'before', bitsPerByte: { a: 4 } }],
  })
  const { ask } = await asking({}, { ...served, life: { ...(life as NonNullable<typeof life>), soFar } })
  const { json } = await ask('/v1/record')
  expect(json['events']).toEqual([
    { bytes: 5, kind: 'drift', step: 1, part: 'alarm', summary: 'a', data: { x: 1 } },
    { bytes: 9, kind: 'growth', step: 2, part: 'plateau', summary: 'b', data: null },
  ])
  expect(json['measurements']).toEqual([{ bytes: 3, stage: 'before', bits_per_byte: { a: 4 } }])
})

test('a model that is no life says so', async () => {
  const { ask } = await asking({}, await smallServed(undefined, true))
  for (const path of ['/v1/events', '/v1/record']) {
    expect((await ask(path)).json.error, path).toMatchObject({ code: 'no_life' })
  }
})
