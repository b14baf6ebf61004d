/** A model's own text and the rehearsal beside it, each told what is its own. */
import {
  type Batch,
  darkReplay,
  feedbackMemory,
  joinBatches,
  ownTextReplay,
  padding,
  type Rehearsal,
  reservoirReplay,
  type StepContext,
  type TokenBatch,
} from '@burgeon/continual'
import { OptionError, StateError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { stepOf } from '../continual/step-of.ts'
import { numbered } from './offered.ts'

/** Rows `first`, `first + 1`, … of a domain. */
const rowsFrom = (first: number, count: number, domain: string): TokenBatch =>
  joinBatches(Array.from({ length: count }, (_, i) => numbered(first + i, domain)))

/** A rehearsal that gives back what it is set to, and remembers what it was told. */
interface Scripted extends Rehearsal {
  next: Batch | null
  readonly told: StepContext[]
  readonly asked: number[]
  readonly done: string[]
}

function scripted(): Scripted {
  return {
    name: 'scripted',
    next: null,
    told: [],
    asked: [],
    done: [],
    recall() {
      return this.next
    },
    remember(context) {
      this.told.push(context)
    },
    sample(count) {
      this.asked.push(count)
      return count === 0 ? null : rowsFrom(200, count, 'beside')
    },
    mark() {
      this.done.push('mark')
      return () => this.done.push('back')
    },
    recode() {
      this.done.push('recode')
    },
    toState: () => ({ of: 'beside' }),
    restore(state) {
      if ((state as { of?: string }).of !== 'beside') throw new StateError('scripted: not my state.')
      this.done.push('restore')
    },
  }
}

const own = { text: rowsFrom(0, 3, 'own'), rows: 3 }
const domainsOf = (batch: Batch | null): readonly string[] | undefined => batch?.domains
const fresh = numbered(100, 'new')

describe('own text beside a rehearsal', () => {
  test('comes first in a batch, and alone where nothing else is recalled', async () => {
    const beside = scripted()
    const rehearsal = ownTextReplay({ ...own, share: 2, beside })
    expect(domainsOf(await rehearsal.recall(stepOf(fresh)))).toEqual(['own', 'own'])
    beside.next = rowsFrom(50, 1, 'old')
    expect(domainsOf(await rehearsal.recall(stepOf(fresh)))).toEqual(['own', 'own', 'old'])
  })
  test('is nothing before there is any, and the rehearsal beside it is as it would be alone', async () => {
    const beside = scripted()
    const rehearsal = ownTextReplay({ rows: 3, beside })
    expect(await rehearsal.recall(stepOf(fresh))).toBe(null)
    beside.next = rowsFrom(50, 2, 'old')
    const old = await rehearsal.recall(stepOf(fresh))
    expect(old).toEqual(beside.next)
    rehearsal.remember({ ...stepOf(fresh), old, oldLosses: [4, 5] })
    expect(beside.told[0]).toMatchObject({ old: beside.next, oldLosses: [4, 5] })
    expect(domainsOf(rehearsal.sample(4))).toEqual(new Array(4).fill('beside'))
    expect(beside.asked).toEqual([4])
  })
  test('keeps its own rows and losses from the rehearsal beside it', async () => {
    const beside = scripted()
    const rehearsal = ownTextReplay({ ...own, share: 2, beside })
    beside.next = rowsFrom(50, 2, 'old')
    const old = await rehearsal.recall(stepOf(fresh))
    rehearsal.remember({ ...stepOf(fresh), old, oldLosses: [1, 2, 3, 4] })
    rehearsal.remember({ ...stepOf(fresh), old: beside.next, oldLosses: null })
    beside.next = null
    const alone = await rehearsal.recall(stepOf(fresh))
    rehearsal.remember({ ...stepOf(fresh), old: alone, oldLosses: [1, 2] })
    const told = beside.told.map(({ old: rows, oldLosses }) => ({ domains: domainsOf(rows), oldLosses }))
    expect(told).toEqual([
      { domains: ['old', 'old'], oldLosses: [3, 4] },
      { domains: ['old', 'old'], oldLosses: null },
      { domains: undefined, oldLosses: null },
    ])
    expect(beside.told.every((context) => context.fresh === fresh)).toBe(true)
  })
  test('makes half of a sample, and the rehearsal beside it the rest', () => {
    const beside = scripted()
    const rehearsal = ownTextReplay({ ...own, beside })
    expect(domainsOf(rehearsal.sample(5))).toEqual(['own', 'own', 'own', 'beside', 'beside'])
    expect(domainsOf(rehearsal.sample(1))).toEqual(['own'])
    // No more than there are of its own.
    expect(domainsOf(rehearsal.sample(10))).toEqual([
      ...new Array(3).fill('own'),
      ...new Array(7).fill('beside'),
    ])
    expect(beside.asked).toEqual([2, 0, 7])
    const none = { ...scripted(), sample: () => null }
    expect(ownTextReplay({ rows: 3, beside: none }).sample(2)).toBe(null)
  })
  test('takes back its draws and those of the other', async () => {
    const beside = scripted()
    const rehearsal = ownTextReplay({ text: rowsFrom(0, 40, 'own'), rows: 40, beside })
    const takeBack = rehearsal.mark?.()
    const drawn = []
    for (let i = 0; i < 5; i++) drawn.push(await rehearsal.recall(stepOf(fresh)))
    takeBack?.()
    expect(beside.done).toEqual(['mark', 'back'])
    for (const rows of drawn) expect(await rehearsal.recall(stepOf(fresh))).toEqual(rows)
    expect(new Set(drawn.map((batch) => String((batch as TokenBatch).tokens))).size).toBeGreaterThan(1)
  })
  test('writes both in other tokens', () => {
    const beside = scripted()
    const rehearsal = ownTextReplay({ ...own, beside })
    const before = (rehearsal.sample(1) as TokenBatch).tokens
    rehearsal.recode?.((row) => row.map((token) => (token === padding ? token : token + 3)))
    expect(beside.done).toEqual(['recode'])
    const kept = (rehearsal.sample(6) as TokenBatch).tokens.slice(0, 3 * before.length)
    const text = own.text.tokens.map((token) => token + 3)
    expect(kept.toSorted()).toEqual(text.toSorted())
  })
  test('can do no more than the rehearsal beside it', () => {
    const { mark: _mark, recode: _recode, ...plain } = scripted()
    const rehearsal = ownTextReplay({ ...own, beside: plain })
    expect(rehearsal.mark).toBeUndefined()
    expect(rehearsal.recode).toBeUndefined()
  })
  test('comes back from a state with the other, and stays as it was where either is refused', async () => {
    const text = rowsFrom(0, 40, 'own')
    const rehearsal = ownTextReplay({ text, rows: 40, beside: scripted() })
    await rehearsal.recall(stepOf(fresh))
    const state = structuredClone(rehearsal.toState()) as { own: unknown; beside: unknown }
    const beside = scripted()
    const other = ownTextReplay({ rows: 40, seed: 5, beside })
    const damaged = { own: state.own, beside: { of: 'another' } }
    expect(() => other.restore(damaged)).toThrow('scripted: not my state')
    expect(await other.recall(stepOf(fresh))).toBe(null)
    expect(() => other.restore({ own: {}, beside: state.beside })).toThrow(StateError)
    expect(() => other.restore({ beside: state.beside })).toThrow('own text replay')
    expect(beside.done).toEqual([])
    other.restore(state)
    expect(beside.done).toEqual(['restore'])
    for (let i = 0; i < 5; i++) {
      expect(await other.recall(stepOf(fresh))).toEqual(await rehearsal.recall(stepOf(fresh)))
    }
  })
  test('is refused beside one with a loss of its own, which would be left out', () => {
    expect(() => ownTextReplay({ rows: 2, beside: darkReplay({ capacity: 3 }) })).toThrow('a loss of its own')
    expect(() => feedbackMemory({ capacity: 2, beside: darkReplay({ capacity: 3 }) })).toThrow(OptionError)
  })
  test('says what it is, and is refused with options that are none', () => {
    const beside = reservoirReplay({ capacity: 3 })
    expect(ownTextReplay({ rows: 2, beside }).name).toBe(`own text, 2 rows, share 1, beside ${beside.name}`)
    for (const wrong of [{ rows: 0 }, { rows: 1.5 }, { rows: 2, share: 0 }, { rows: 2, share: -1 }]) {
      expect(() => ownTextReplay({ beside, ...wrong })).toThrow(OptionError)
      expect(() => ownTextReplay({ beside, ...wrong })).toThrow('ownTextReplay: got')
    }
  })
})
