/** No entry point is left out: what packages export has a table of right calls. */
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as burgeon from 'burgeon'
import { BurgeonError } from '@burgeon/tensor'
import { expect, test } from 'vitest'
import { entries } from './entries.ts'

const packages = resolve(import.meta.dirname, '../../packages')

/** `@burgeon/tensor/wasm`, and so on. */
const entryPoints = readdirSync(packages).flatMap((folder) => {
  const manifest = JSON.parse(readFileSync(resolve(packages, folder, 'package.json'), 'utf8')) as {
    readonly name: string
    readonly exports: Readonly<Record<string, unknown>>
  }
  return Object.keys(manifest.exports).map((path) => `${manifest.name}${path.slice(1)}`)
})

test('every entry point has a table but burgeon, which only hands on what has one', () => {
  expect(Object.keys(entries).toSorted()).toEqual(entryPoints.filter((name) => name !== 'burgeon').toSorted())
})

test.each(Object.keys(entries))('the table of %s has every export but error classes', async (entry) => {
  const exported = Object.entries((await import(entry)) as Readonly<Record<string, unknown>>)
  const named = exported.filter(([, value]) => !isErrorClass(value)).map(([name]) => name)
  expect(Object.keys(entries[entry]).toSorted()).toEqual(named.toSorted())
})

test('burgeon exports what the entry points do, and error classes', async () => {
  const known = new Set<unknown>()
  for (const entry of Object.keys(entries)) {
    for (const value of Object.values((await import(entry)) as object)) known.add(value)
  }
  const own = Object.entries(burgeon).filter(([, value]) => !known.has(value))
  expect(own.filter(([, value]) => !isErrorClass(value)).map(([name]) => name)).toEqual([])
})

function isErrorClass(value: unknown): boolean {
  return value === BurgeonError || (typeof value === 'function' && value.prototype instanceof BurgeonError)
}
