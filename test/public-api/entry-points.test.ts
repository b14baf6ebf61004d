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

/** Paths of the package burgeon that hand on what others export, each with all that it hands on. */
const doors: Readonly<Record<string, readonly string[]>> = {
  'burgeon/tensor': ['@burgeon/tensor'],
  'burgeon/autograd': ['@burgeon/autograd'],
  'burgeon/optim': ['@burgeon/autograd/optim'],
  'burgeon/gpt': ['@burgeon/gpt'],
  'burgeon/growth': ['@burgeon/gpt/growth'],
  'burgeon/continual': ['@burgeon/continual'],
  'burgeon/testing': ['@burgeon/autograd/testing', '@burgeon/continual/testing', '@burgeon/tensor/testing'],
}

type Exports = Readonly<Record<string, unknown>>
const exportsOf = async (entry: string): Promise<Exports> => (await import(entry)) as Exports

test('every entry point has a table but burgeon and the paths that only hand on what has one', () => {
  const own = entryPoints.filter((name) => name !== 'burgeon' && !Object.hasOwn(doors, name))
  expect(Object.keys(entries).toSorted()).toEqual(own.toSorted())
})

test.each(Object.entries(doors))('%s hands on all of %s', async (door, origins) => {
  const handedOn = await Promise.all(origins.map(exportsOf))
  expect({ ...(await exportsOf(door)) }).toEqual(Object.assign({}, ...handedOn))
})

test.each(Object.keys(entries))('the table of %s has every export but error classes', async (entry) => {
  const exported = Object.entries(await exportsOf(entry))
  const named = exported.filter(([, value]) => !isErrorClass(value)).map(([name]) => name)
  expect(Object.keys(entries[entry]).toSorted()).toEqual(named.toSorted())
})

test('burgeon exports what the entry points do, and error classes', async () => {
  const known = new Set<unknown>()
  for (const entry of Object.keys(entries)) {
    for (const value of Object.values(await exportsOf(entry))) known.add(value)
  }
  const own = Object.entries(burgeon).filter(([, value]) => !known.has(value))
  expect(own.filter(([, value]) => !isErrorClass(value)).map(([name]) => name)).toEqual([])
})

function isErrorClass(value: unknown): boolean {
  return value === BurgeonError || (typeof value === 'function' && value.prototype instanceof BurgeonError)
}
