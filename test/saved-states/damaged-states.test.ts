/** Whatever is wrong with a saved state: it is refused by a typed error and changes nothing, or it is one that can be gone on with. */
import * as autograd from '@burgeon/autograd'
import * as optim from '@burgeon/autograd/optim'
import * as continual from '@burgeon/continual'
import * as gpt from '@burgeon/gpt'
import * as tensor from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { type Part, parts } from './parts.ts'
import { stateless } from './stateless.ts'

type Place = readonly (string | number)[]

/** Where the values of a state are: all fields, and of long lists the first entries. */
function placesIn(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [at]
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value)
  return [at, ...keys.slice(0, 12).flatMap((key) => placesIn(Reflect.get(value, key), [...at, key]))]
}

const resized = (value: unknown, length: number): unknown =>
  value instanceof Float64Array || value instanceof Int32Array || value instanceof Float32Array
    ? Reflect.construct(value.constructor, [Array.from({ length }, () => 1)])
    : Array.isArray(value)
      ? Array.from({ length }, (_, i): unknown => value[i % Math.max(1, value.length)])
      : length

/** What becomes of a value; undefined is no value at all. */
const damages: readonly ((value: unknown) => unknown)[] = [
  () => undefined,
  () => null,
  () => Number.NaN,
  () => Infinity,
  () => -1,
  () => 0,
  () => 1.5,
  () => 2 ** 31,
  () => 1e300,
  () => true,
  () => 'text',
  () => 7n,
  () => [],
  () => ({}),
  () => Object.create(null) as object,
  // JSON can say it, and no message can be made of it by String.
  () => ({ toString: 1, valueOf: null }),
  () => [null],
  () => new Float32Array(3),
  () => new Uint8Array(1),
  (value) => [value],
  (value) => ({ value }),
  (value) => [value, value],
  (value) => resized(value, 0),
  (value) => resized(value, 1),
  (value) => resized(value, 5),
  (value) => (Array.isArray(value) ? value.toReversed() : String(value)),
  (value) => (typeof value === 'object' ? { ...value } : value),
]

function damaged(state: unknown, place: Place, damage: (value: unknown) => unknown): unknown {
  if (place.length === 0) return damage(state)
  const copy = structuredClone(state) as object
  const holder = place.slice(0, -1).reduce<object>((at, key) => Reflect.get(at, key) as object, copy)
  const key = place.at(-1) as string | number
  const value = damage(Reflect.get(holder, key))
  if (value === undefined && Array.isArray(holder)) holder.splice(Number(key), 1)
  else if (value === undefined) Reflect.deleteProperty(holder, key)
  else Reflect.set(holder, key, value)
  return copy
}

async function judged(make: Part, damage: (state: unknown) => unknown): Promise<void> {
  const old = await make(3)
  const state = damage(await old.toState())
  const part = await make(1)
  const before = await part.toState()
  try {
    part.restore(state)
  } catch (error) {
    expect(error).toBeInstanceOf(tensor.BurgeonError)
    expect(await part.toState()).toEqual(before)
    return
  }
  const taken = await part.toState()
  ;(await make(1)).restore(taken)
  await part.goOn()
}

const slow = new Set([
  ...['Learner', 'fineTune', 'Gpt', 'freezeConverged'],
  ...['ewc', 'l2ToInitial', 'l2ToPrevious', 'learningWithoutForgetting', 'memoryAwareSynapses', 'onlineEwc'],
  ...['synapticIntelligence', 'aGem', 'gem', 'orthogonalGradientDescent'],
])

describe.each(Object.entries(parts))('a saved state of %s', (name, make) => {
  test('that is whole is taken', async () => {
    const state = await (await make(3)).toState()
    const part = await make(0)
    part.restore(structuredClone(state))
    expect(await part.toState()).toEqual(state)
    await part.goOn()
  })
  test('that is damaged anywhere is refused and changes nothing, or can be gone on with', async () => {
    const places = placesIn(await (await make(3)).toState())
    const damage = fc.record({ place: fc.constantFrom(...places), how: fc.nat(damages.length - 1) })
    const property = fc.asyncProperty(damage, ({ place, how }) =>
      judged(make, (state) => damaged(state, place, damages[how])),
    )
    await fc.assert(property, { numRuns: slow.has(name) ? times(20, 60) : times(100, 300), seed: 1 })
  })
})

test('every exported part that keeps state has a row', () => {
  const all = { ...tensor, ...gpt, ...autograd, ...optim, ...continual }
  const isPart = (value: unknown): boolean => {
    if (typeof value !== 'function') return false
    const { prototype = {} } = value as { prototype?: object }
    return 'fromState' in value || 'restore' in prototype || 'toState' in prototype
  }
  const classes = Object.entries(all).flatMap(([name, value]) => (isPart(value) ? [name] : []))
  const makers = Object.entries({ ...autograd, ...optim, ...continual }).flatMap(([name, value]) =>
    typeof value === 'function' && /^[a-z]/.test(name) ? [name] : [],
  )
  const expected = [...classes, ...makers.filter((name) => !stateless.includes(name))]
  expect(Object.keys(parts).toSorted()).toEqual(expected.toSorted())
})
