/** Whoever catches BurgeonError catches everything that burgeon throws on purpose, and can tell the kinds apart. */
import { BurgeonError } from '@burgeon/tensor'
import { describe, expect, it } from 'vitest'
import { entryPoints } from './read-packages.ts'
import { readSources } from './read-sources.ts'

/** A disk that fails for tests throws as disks do: what comes from outside is no error of burgeon's. */
const standsForOutside = 'packages/gpt/src/testing/memory-disk.ts'
/** A list of causes is carried by another error and never thrown itself; commander turns its own into a line of usage. */
const allowed = ['AggregateError', 'InvalidArgumentError']

const sources = readSources('packages/*/src').filter(({ path }) => path !== standsForOutside)

type ErrorClass = new (...args: readonly string[]) => Error

const isErrorClass = (value: unknown): value is ErrorClass =>
  typeof value === 'function' && (value.prototype instanceof Error || value === Error)

/** By package folder, the error classes of its entry points. */
async function offered(): Promise<ReadonlyMap<string, ReadonlyMap<string, ErrorClass>>> {
  const byFolder = new Map<string, Map<string, ErrorClass>>()
  for (const [name, path] of entryPoints) {
    const folder = path.split('/')[1]
    const found = byFolder.get(folder) ?? new Map<string, ErrorClass>()
    byFolder.set(folder, found)
    const entry = (await import(name)) as Readonly<Record<string, unknown>>
    for (const [key, value] of Object.entries(entry)) if (isErrorClass(value)) found.set(key, value)
  }
  return byFolder
}

const offers = await offered()
const classes = new Map([...offers.values()].flatMap((byName) => [...byName]))

describe('every error class', () => {
  it.each([...classes])('%s is a BurgeonError that says its name', (name, Class) => {
    expect(Class === BurgeonError || Class.prototype instanceof BurgeonError).toBe(true)
    expect(new Class('a', 'b').name).toBe(name)
  })

  it('is offered by an entry point of its package', () => {
    const hidden = sources.flatMap(({ path, code }) =>
      [...code.matchAll(/\bclass\s+(\w*Error)\b/g)]
        .filter(([, name]) => offers.get(path.split('/')[1])?.has(name) !== true)
        .map(([, name]) => `${path}: ${name}`),
    )
    expect(hidden).toEqual([])
  })

  it('exists once', () => {
    const names = sources.flatMap(({ code }) =>
      [...code.matchAll(/\bclass\s+(\w*Error)\b/g)].map(([, name]) => name),
    )
    expect(names.toSorted()).toEqual([...new Set(names)].toSorted())
    expect(names.length).toBeGreaterThan(15)
  })

  it('comes with the package burgeon, by one of its paths, or with one that is installed by itself', () => {
    const reached = ['burgeon', 'senses', 'cluster', 'server'].flatMap((folder) => [
      ...(offers.get(folder)?.keys() ?? []),
    ])
    expect([...classes.keys()].filter((name) => !reached.includes(name))).toEqual([])
  })
})

describe('every throw', () => {
  it('makes an error that is a BurgeonError', () => {
    const foreign = sources.flatMap(({ path, code }) =>
      [...code.matchAll(/\bnew\s+(\w*(?:Error|Exception))\b/g)]
        .filter(([, name]) => !classes.has(name) && !allowed.includes(name))
        .map(([, name]) => `${path}: ${name}`),
    )
    expect(foreign).toEqual([])
  })

  it('throws such an error, what a function returned as one, or what was caught', () => {
    const made = /^new\s+\w+Error\b/
    const others = sources.flatMap(({ path, code }) => {
      const returned = [...code.matchAll(/\bfunction\s+(\w+)\(([^)]*)\):\s*(\w+)/g)]
        .filter(([, , taken, type]) => classes.has(type) || (type === 'unknown' && /\bcause:/.test(taken)))
        .map(([, name]) => name)
      return [...code.matchAll(/\bthrow\s+([^\n;]+)/g)]
        .map(([, thrown]) => thrown.trim())
        .filter((thrown) => !made.test(thrown) && !/^[\w.]+$/.test(thrown))
        .filter((thrown) => !returned.some((name) => thrown.startsWith(`${name}(`)))
        .map((thrown) => `${path}: throw ${thrown}`)
    })
    expect(others).toEqual([])
  })
})
