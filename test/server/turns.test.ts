/** One piece of work at a time, in order, and a share of the time for each kind. */
import { Turns, type Work } from '@burgeon/server'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

/** A clock that work moves. */
function clocked(learnShare?: number) {
  let time = 0
  const turns = new Turns({ now: () => time, ...(learnShare !== undefined && { learnShare }) })
  const log: string[] = []
  const work = (kind: Work, name: string, milliseconds: number): Promise<string> =>
    turns.take(kind, () => {
      log.push(name)
      time += milliseconds
      return Promise.resolve(name)
    })
  return { turns, log, work }
}

test('work of one kind is done in the order in which it came, one piece at a time', async () => {
  const turns = new Turns()
  const log: string[] = []
  const slow = (name: string) =>
    turns.take('generate', async () => {
      log.push(`${name} begins`)
      await new Promise((resolve) => setImmediate(resolve))
      log.push(`${name} ends`)
      return name
    })
  expect(await Promise.all([slow('a'), slow('b'), slow('c')])).toEqual(['a', 'b', 'c'])
  expect(log).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]))
})

test.each([0.1, 0.3, 0.7])('while both wait, learning has its share of the time: %d', async (share) => {
  const { work, log } = clocked(share)
  const all: Promise<string>[] = []
  // Enough of each that neither runs out.
  for (let i = 0; i < 1000; i++) all.push(work('generate', 'token', 3), work('learn', 'step', 20))
  await Promise.all(all)
  // Both wait until one kind is done.
  const both = log.slice(0, Math.min(log.lastIndexOf('token'), log.lastIndexOf('step')))
  const time = (name: string, each: number): number => both.filter((one) => one === name).length * each
  const [learnt, written] = [time('step', 20), time('token', 3)]
  expect(learnt / (learnt + written)).toBeGreaterThan(share - 0.03)
  expect(learnt / (learnt + written)).toBeLessThan(share + 0.03)
})

test('what is alone has all of the time, and what comes then need not wait for what was missed', async () => {
  const { work, log } = clocked(0.3)
  await Promise.all(Array.from({ length: 300 }, () => work('learn', 'step', 20)))
  log.length = 0
  await Promise.all([
    ...Array.from({ length: 20 }, () => work('learn', 'step', 20)),
    work('generate', 'token', 3),
  ])
  expect(log.indexOf('token')).toBeLessThan(2)
})

test('learning that has had its share waits for texts that are about to ask for their next token', async () => {
  const { work, log } = clocked(0.3)
  const steps = Array.from({ length: 400 }, () => work('learn', 'step', 20))
  for (let i = 0; i < 400; i++) {
    await work('generate', 'token', 3)
    // A token goes out in a few turns of the event loop.
    for (let turn = 0; turn < i % 4; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  const learnt = 20 * log.slice(1, log.lastIndexOf('token')).filter((one) => one === 'step').length
  expect(learnt / (learnt + 3 * 400)).toBeLessThan(0.33)
  expect(learnt / (learnt + 3 * 400)).toBeGreaterThan(0.27)
  await Promise.all(steps)
})

test('nobody who reads slowly holds up learning', async () => {
  const { work, log } = clocked(0)
  const steps = Array.from({ length: 40 }, () => work('learn', 'step', 20))
  await work('generate', 'token', 3)
  // No text asks for more, and all is learnt though learning has no share of its own.
  await Promise.all(steps)
  expect(log.filter((one) => one === 'step')).toHaveLength(40)
})

test('a share of 0 lets learning wait for every token, and a share of 1 every token for learning', async () => {
  for (const [share, last] of [
    [0, 'step'],
    [1, 'token'],
  ] as const) {
    const { work, log } = clocked(share)
    const all: Promise<string>[] = []
    for (let i = 0; i < 5; i++) all.push(work('learn', 'step', 20), work('generate', 'token', 3))
    await Promise.all(all)
    expect(log.slice(-4).every((name) => name === last)).toBe(true)
  }
})

test('what fails is told to whoever asked, at once or later, and the next has its turn', async () => {
  const turns = new Turns()
  const failing = [
    turns.take('learn', () => {
      throw new Error('at once')
    }),
    turns.take('learn', () => Promise.reject(new Error('later'))),
  ]
  const [first, second] = await Promise.allSettled(failing)
  expect([first, second].map((one) => (one as PromiseRejectedResult).reason.message)).toEqual([
    'at once',
    'later',
  ])
  expect(await turns.take('learn', () => Promise.resolve(3))).toBe(3)
  expect(turns.waiting).toBe(0)
})

test('a share that is none is refused', () => {
  expect(() => new Turns({ learnShare: 1.5 })).toThrow(OptionError)
})
