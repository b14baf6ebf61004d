/** What a new op costs: the tables that it must be entered in, so that nobody adds another one unnoticed. */
import { expect, it } from 'vitest'
import { type OpName, opTable } from '@burgeon/tensor'
import { codeOf, readSources } from './read-sources.ts'

const ops = Object.keys(opTable) as OpName[]

/** The library's files with their strings, but for what belongs to one op, which is in its own folder. */
const shared = readSources('packages/tensor/src', 'packages/autograd/src')
  .filter(({ path }) => !path.startsWith('packages/tensor/src/ops/'))
  .map(({ path, text }) => ({ path: path.replace('packages/', ''), code: codeOf(text, true) }))

/** Ops that stand in a file as a key or as a word in a list; a call such as `runOp('gather', …)` and a type are no entries. */
function entriesOf(code: string): readonly OpName[] {
  return ops.filter((op) => {
    const isKey = new RegExp(`^\\s+${op}: `, 'm').test(code)
    return isKey || new RegExp(`(?<!\\brunOp\\(|=== |!== |<)'${op}'`).test(code)
  })
}

const tables = shared
  .map(({ path, code }) => ({ path, entries: entriesOf(code) }))
  .filter(({ entries }) => entries.length >= 4)

const tablesOf = (op: OpName): readonly string[] =>
  tables.filter(({ entries }) => entries.includes(op)).map(({ path }) => path)

const primitive = [
  'autograd/src/rules/rule-table.ts',
  'tensor/src/backends/reference/kernels.ts',
  'tensor/src/backends/wasm/kernels.ts',
  'tensor/src/backends/webgpu/kernels.ts',
  'tensor/src/op-table.ts',
  'tensor/src/testing/cases/op-cases.ts',
]
const differentiable = ['autograd/src/per-example/example-rules.ts']
const fused = primitive.filter((path) => !path.includes('reference'))
const rounded = ['tensor/src/testing/rounding-bounds.ts']

const sorted = (...lists: readonly (readonly string[])[]): readonly string[] => lists.flat().toSorted()

it('ops are listed in eight tables and nowhere else', () => {
  expect(sorted(tables.map(({ path }) => path))).toEqual(sorted(primitive, differentiable, rounded))
})

it('a primitive is entered in six tables, one with a gradient in seven; whose results are rounded in one more', () => {
  expect(sorted(tablesOf('argmax'))).toEqual(sorted(primitive))
  expect(sorted(tablesOf('iota'))).toEqual(sorted(primitive))
  expect(sorted(tablesOf('pad'))).toEqual(sorted(primitive, differentiable))
  expect(sorted(tablesOf('gather'))).toEqual(sorted(primitive, differentiable, rounded))
})

it('a fused op needs no reference kernel, and its gradient no rules', () => {
  expect(sorted(tablesOf('rmsNorm'))).toEqual(sorted(fused, differentiable))
  expect(sorted(tablesOf('rmsNormGrad'))).toEqual(sorted(fused))
  expect(sorted(tablesOf('adamw'))).toEqual(sorted(fused))
})
