import { infiniteSchedule, reWarmedCosine, warmUpCosine } from '@burgeon/autograd/optim'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'

describe('the infinite schedule', () => {
  const shape = { warmup: 4, constantFrom: 14, peak: 8, constant: 2 }
  test('rises, cools down on half a cosine, and stays', () => {
    const rate = infiniteSchedule(shape)
    expect([0, 1, 3, 4].map(rate)).toEqual([2, 4, 8, 8])
    expect(rate(9)).toBeCloseTo(5, 12)
    expect([14, 15, 1e6, 1e12].map(rate)).toEqual([2, 2, 2, 2])
    for (let step = 4; step < 14; step++) expect(rate(step + 1)).toBeLessThan(rate(step))
  })
  test('anneals by an equal factor at every step once it is to end', () => {
    const anneal = { from: 20, total: 30, final: 0.5 }
    const [rate, endless] = [infiniteSchedule({ ...shape, anneal }), infiniteSchedule(shape)]
    for (let step = 0; step <= 20; step++) expect(rate(step)).toBe(endless(step))
    for (let step = 20; step < 30; step++) expect(rate(step + 1) / rate(step)).toBeCloseTo(0.25 ** 0.1, 12)
    expect(rate(25)).toBeCloseTo(1, 12)
    expect([30, 31, 1e9].map(rate)).toEqual([0.5, 0.5, 0.5])
  })
  test('may do without warm-up and without cool-down', () => {
    expect([0, 1, 5].map(infiniteSchedule({ ...shape, warmup: 0, constantFrom: 0 }))).toEqual([2, 2, 2])
  })
  test('refuses steps out of order and rates that a power cannot lead to', () => {
    for (const bad of [
      { warmup: -1 },
      { constantFrom: 3 },
      { constant: 0 },
      { anneal: { from: 13, total: 20, final: 1 } },
      { anneal: { from: 20, total: 20, final: 1 } },
      { anneal: { from: 20, total: 30, final: 0 } },
    ]) {
      expect(() => infiniteSchedule({ ...shape, ...bad })).toThrow(OptionError)
    }
  })
})

describe('re-warming', () => {
  const shape = { warmup: 4, total: 14, peak: 8, final: 2 }
  test('is one cosine while no new data have come', () => {
    const [rate, plain] = [reWarmedCosine({ ...shape, restarts: [] }), warmUpCosine(shape)]
    for (let step = 0; step < 30; step++) expect(rate(step)).toBe(plain(step))
  })
  test('rises from where it stands to the peak in equal steps, and falls again', () => {
    const rate = reWarmedCosine({ ...shape, restarts: [20] })
    expect([19, 20, 21, 22, 23, 24].map(rate)).toEqual([2, 3.5, 5, 6.5, 8, 8])
    expect(rate(29)).toBeCloseTo(5, 12)
    expect([34, 1e9].map(rate)).toEqual([2, 2])
  })
  test('does not jump where new data come early, even in a warm-up', () => {
    const rate = reWarmedCosine({ ...shape, restarts: [9, 11] })
    const [at8, at10] = [rate(8), rate(10)]
    expect(rate(9)).toBeCloseTo(at8 + (8 - at8) / 4, 12)
    expect(at10).toBeCloseTo(at8 + (8 - at8) / 2, 12)
    expect(rate(11)).toBeCloseTo(at10 + (8 - at10) / 4, 12)
    expect(rate(14)).toBe(8)
  })
  test('restarts at once without a warm-up', () => {
    expect([19, 20].map(reWarmedCosine({ ...shape, warmup: 0, restarts: [20] }))).toEqual([2, 8])
  })
  test('refuses steps out of order', () => {
    for (const bad of [
      { restarts: [0] },
      { restarts: [5, 5] },
      { restarts: [1.5] },
      { total: 4 },
      { warmup: -1 },
    ]) {
      expect(() => reWarmedCosine({ ...shape, restarts: [], ...bad })).toThrow(OptionError)
    }
  })
})
