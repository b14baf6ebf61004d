import { byteShift, type StreamWatch } from '@burgeon/continual'
import { OptionError, StateError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SeededStream } from './seeded-stream.ts'

/** Bytes drawn with the given frequencies: `letters` of equal chance from `from` on. */
function bytes(seed: number, count: number, from: number, letters: number): Uint8Array {
  const stream = new SeededStream(seed)
  return Uint8Array.from({ length: count }, () => from + stream.below(letters))
}

/** Places of the alarms, in bytes, when the stream comes in pieces of the given sizes. */
function alarms(watch: StreamWatch, stream: Uint8Array, sizes: readonly number[] = [128]): number[] {
  const found: number[] = []
  for (let [at, i] = [0, 0]; at < stream.length; i++) {
    const next = at + sizes[i % sizes.length]
    if (watch.update(stream.subarray(at, next)).drift) found.push(next)
    at = next
  }
  return found
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]))

describe('a byte shift', () => {
  test('is silent on 20 streams of 200 kB that do not change', () => {
    for (let seed = 1; seed <= 20; seed++)
      expect(alarms(byteShift(), bytes(seed, 200_000, 97, 26))).toEqual([])
  })
  test('notices within 4 kB that half of the letters are others, and does not say so twice', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const stream = joined(bytes(seed, 50_000, 97, 26), bytes(seed, 50_000, 110, 26))
      const found = alarms(byteShift(), stream)
      expect(found).toHaveLength(1)
      expect(found[0]).toBeGreaterThan(50_000)
      expect(found[0]).toBeLessThan(54_000)
    }
  })
  test('notices a change to text that is easier to predict, which raises no loss', () => {
    const stream = joined(bytes(1, 50_000, 97, 26), bytes(1, 50_000, 97, 8))
    expect(alarms(byteShift(), stream)).toHaveLength(1)
  })
  test('does not count a change that is shorter than its evidence takes', () => {
    const stream = joined(bytes(1, 50_000, 97, 26), bytes(1, 150, 48, 10), bytes(2, 50_000, 97, 26))
    expect(alarms(byteShift(), stream)).toEqual([])
  })
  test('gathers the same evidence however the stream is cut', () => {
    const stream = joined(bytes(3, 20_000, 97, 26), bytes(3, 16_000, 110, 26))
    const whole = byteShift()
    expect(whole.update(stream)).toMatchObject({ drift: true, direction: 'up' })
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        const watch = byteShift()
        alarms(watch, stream, sizes)
        expect(watch.toState()).toEqual(whole.toState())
      }),
      { numRuns: 20 },
    )
  })
  test('goes on to the bit after a save anywhere, and afresh after a reset', () => {
    const stream = joined(bytes(4, 30_000, 97, 26), bytes(4, 10_000, 110, 26))
    const whole = byteShift()
    const expected = alarms(whole, stream)
    expect(expected).toHaveLength(1)
    for (const at of [0, 128, 12_800, 29_952, 31_104]) {
      const first = byteShift()
      const before = alarms(first, stream.subarray(0, at))
      const second = byteShift()
      second.update(bytes(9, 500, 0, 255))
      second.restore(JSON.parse(JSON.stringify(first.toState())))
      const after = alarms(second, stream.subarray(at)).map((place) => place + at)
      expect([...before, ...after]).toEqual(expected)
      expect(second.toState()).toEqual(whole.toState())
    }
    whole.reset()
    expect(whole.toState()).toEqual(byteShift().toState())
  })
  test('stays exact where weights have to be made small again', () => {
    // With a half-life of one byte the weight doubles with every byte: it would overflow after 1,024.
    const watch = byteShift({ recent: 1, past: 2, warmUp: 1 })
    const { estimate } = watch.update(bytes(5, 10_000, 97, 2))
    expect(Number.isFinite(estimate)).toBe(true)
  })
  test.each([
    { recent: 0 },
    { recent: 100, past: 100 },
    { past: Number.POSITIVE_INFINITY },
    { tolerance: -1 },
    { past: Number.NaN },
    { threshold: 0 },
    { threshold: Number.NaN },
    { warmUp: 0 },
    { warmUp: 1.5 },
  ])('refuses %j', (options) => {
    expect(() => byteShift(options)).toThrow(OptionError)
  })
  test.each([30, 31, 32, 33])('gathers the evidence of its definition, from byte %d on', (warmUp) => {
    const options = { recent: 20, past: 80, tolerance: 0, threshold: 6, warmUp }
    const watch = byteShift(options)
    // The weights of the watch are made small again after 2,000 bytes.
    const stream = joined(bytes(7, 2500, 97, 6), bytes(8, 800, 120, 6), bytes(9, 700, 97, 26))
    const fresh = () => ({ recent: new Float64Array(256), past: new Float64Array(256), seen: 0, evidence: 0 })
    const total = (counts: Float64Array): number => counts.reduce((sum, count) => sum + count, 0)
    let [own, found] = [fresh(), 0]
    for (const byte of stream) {
      const p = (own.past[byte] + 0.5 / 256) / (total(own.past) + 0.5)
      const q = (own.recent[byte] + 256 * p) / (total(own.recent) + 256)
      for (const name of ['recent', 'past'] as const) {
        own[name] = own[name].map((count) => count * 2 ** (-1 / options[name]))
        own[name][byte]++
      }
      own.seen++
      const gained = Math.max(-2, Math.min(2, Math.log2(q / p)))
      if (own.seen > options.warmUp) own.evidence = Math.max(0, own.evidence + gained - options.tolerance)
      const { drift, direction, estimate } = watch.update(Uint8Array.of(byte))
      expect(estimate).toBeCloseTo(own.evidence, 9)
      expect(drift).toBe(own.evidence > options.threshold)
      expect(direction).toBe(drift ? 'up' : null)
      if (!drift) continue
      found++
      own = fresh()
    }
    expect(found).toBeGreaterThan(0)
  })
  test('raises no alarm at its threshold, and one beyond it', () => {
    const options = { recent: 20, past: 80, tolerance: 0, warmUp: 30 }
    const stream = joined(bytes(7, 200, 97, 6), bytes(8, 40, 120, 6))
    const open = byteShift({ ...options, threshold: 1e6 })
    const evidence = [...stream].map((byte) => open.update(Uint8Array.of(byte)).estimate)
    const highest = Math.max(...evidence)
    expect(byteShift({ ...options, threshold: highest }).update(stream).drift).toBe(false)
    expect(byteShift({ ...options, threshold: highest * (1 - 1e-12) }).update(stream).drift).toBe(true)
  })
  test('reports the evidence of the first alarm in a piece, and that of the end where there is none', () => {
    const options = { recent: 20, past: 80, tolerance: 0, threshold: 6, warmUp: 30 }
    const stream = joined(bytes(7, 200, 97, 6), bytes(8, 400, 120, 6))
    const [one, whole] = [byteShift(options), byteShift(options)]
    const single = [...stream].map((byte) => one.update(Uint8Array.of(byte)))
    const first = single.find(({ drift }) => drift)
    expect(first?.estimate).toBeGreaterThan(6)
    expect(whole.update(stream)).toEqual(first)
    const [quiet, calm] = [byteShift(options), stream.subarray(0, 60)]
    const last = single[59]
    expect(quiet.update(calm)).toEqual(last)
    expect(quiet.update(new Uint8Array(0))).toEqual({
      drift: false,
      direction: null,
      estimate: last.estimate,
    })
  })
  test('refuses a state that is damaged or of other options, and is unchanged then', () => {
    const watch = byteShift()
    watch.update(bytes(6, 20_000, 97, 26))
    const before = watch.toState() as Record<string, unknown>
    const present = before.present as Record<string, unknown>
    for (const state of [
      null,
      {},
      { ...before, kind: 'page-hinkley' },
      { ...before, evidence: null },
      { ...before, present: undefined },
      { ...before, present: { ...present, counts: [1, 2] } },
      { ...before, past: { ...present, weight: 0 } },
      { ...before, past: { ...present, counts: [...(present.counts as number[]).slice(1), -1] } },
      { ...before, past: { ...present, counts: [...(present.counts as number[]).slice(1), Infinity] } },
      { ...before, past: { ...present, total: -1 } },
      { ...before, past: { counts: present.counts, weight: 1 } },
      { ...before, past: { ...present, total: Number.NaN } },
      byteShift({ threshold: 1 }).toState(),
    ]) {
      expect(() => watch.restore(state)).toThrow(StateError)
      expect(watch.toState()).toEqual(before)
    }
  })
})
