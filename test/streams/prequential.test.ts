// Reaches inside: what is tested here is a part of its package, not an entry point.
import { describe, expect, test } from 'vitest'
import { SignalError } from '@burgeon/continual'
import { OptionError, StateError } from '@burgeon/tensor'
import { bitsPerByte, Prequential } from '../../packages/continual/src/metrics/prequential.ts'
import { SeededStream } from './seeded-stream.ts'

describe('the prequential loss', () => {
  test('is the mean over tokens, not over records', () => {
    const prequential = new Prequential()
    prequential.record(1, 100)
    prequential.record(4, 50)
    expect(prequential.overall()).toMatchObject({ tokens: 150, mean: 2 })
  })
  test('fades by the fading factor, computed by hand', () => {
    const prequential = new Prequential({ fade: 0.5 })
    for (const loss of [8, 4, 2]) prequential.record(loss)
    // (8·¼ + 4·½ + 2) / (¼ + ½ + 1)
    expect(prequential.overall()?.faded).toBeCloseTo(6 / 1.75, 14)
  })
  test('fades by tokens as well', () => {
    const prequential = new Prequential({ fade: 0.5 })
    prequential.record(8, 4)
    prequential.record(2, 3)
    expect(prequential.overall()?.faded).toBeCloseTo((8 * 2 + 2 * 3) / 5, 14)
  })
  test('with fade 1 is the plain mean twice', () => {
    const prequential = new Prequential({ fade: 1 })
    for (const loss of [3, 1, 2]) prequential.record(loss, 7)
    expect(prequential.overall()).toEqual({ tokens: 21, mean: 2, faded: 2 })
  })
  test('follows a change that the overall mean smears', () => {
    const prequential = new Prequential()
    for (let i = 0; i < 2000; i++) prequential.record(i < 1000 ? 4 : 1)
    expect(prequential.overall()?.mean).toBeCloseTo(2.5, 10)
    expect(prequential.overall()?.faded).toBeCloseTo(1, 3)
  })
  test('is kept by domain, and a domain that rests keeps its reading', () => {
    const prequential = new Prequential()
    prequential.record(3, 10, 'prose')
    const reading = prequential.ofDomain('prose')
    for (let i = 0; i < 500; i++) prequential.record(1, 10, 'code')
    prequential.record(2, 10)
    expect(prequential.ofDomain('prose')).toEqual(reading)
    expect(prequential.domains()).toEqual(['prose', 'code'])
    expect(prequential.overall()?.tokens).toBe(5020)
  })
  test('is null where nothing was recorded', () => {
    expect(new Prequential().overall()).toBeNull()
    expect(new Prequential().ofDomain('prose')).toBeNull()
  })
  test('goes on to the bit after saving through JSON', () => {
    const stream = new SeededStream(6)
    const names = ['a', '__proto__', 'c']
    const original = new Prequential({ fade: 0.9 })
    const step = (target: Prequential, loss: number, i: number): void =>
      target.record(loss, 1 + (i % 5), names[i % 3])
    for (let i = 0; i < 100; i++) step(original, stream.uniform(), i)
    const restored = Prequential.fromState(JSON.parse(JSON.stringify(original.toState())))
    for (let i = 0; i < 100; i++) {
      const loss = stream.uniform()
      step(original, loss, i)
      step(restored, loss, i)
    }
    expect(JSON.stringify(restored.toState())).toBe(JSON.stringify(original.toState()))
    expect(restored.ofDomain('__proto__')).toEqual(original.ofDomain('__proto__'))
  })
  test('refuses bad input and is unchanged then', () => {
    const prequential = new Prequential()
    prequential.record(1, 1, 'prose')
    const before = JSON.stringify(prequential.toState())
    expect(() => prequential.record(Number.NaN, 1, 'prose')).toThrow(SignalError)
    expect(() => prequential.record(1, 0, 'prose')).toThrow(OptionError)
    expect(() => new Prequential({ fade: 0 })).toThrow(OptionError)
    expect(() => Prequential.fromState({ kind: 'reservoir' })).toThrow(StateError)
    expect(JSON.stringify(prequential.toState())).toBe(before)
  })
})

test('a uniform guess among 256 bytes costs 8 bits per byte', () => {
  expect(bitsPerByte(Math.log(256))).toBeCloseTo(8, 14)
})
