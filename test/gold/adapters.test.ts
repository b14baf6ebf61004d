/** Adapters in the form of peft beside small folders, and their logits in plain PyTorch. See `write-adapters.py`. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AppliedAdapter, type Gpt, KeyValueCache, mergeLora } from '@burgeon/gpt'
import { fromPretrained, loadAdapter, saveAdapter } from '@burgeon/gpt/node'
import { type Device, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { afterAll, describe, expect, it } from 'vitest'

interface Gold {
  readonly base: string
  readonly tokens: readonly number[]
  readonly logits: readonly number[]
}

const folder = join(import.meta.dirname, 'adapters')
const names = readdirSync(folder).toSorted()
const json = (...at: readonly string[]): unknown => JSON.parse(readFileSync(join(...at), 'utf8'))
const goldOf = (name: string): Gold => json(folder, name, 'gold.json') as Gold
const baseOf = ({ base }: Gold, device: Device): Promise<Gpt> =>
  fromPretrained(join(import.meta.dirname, 'pretrained', base), { device })

/** The logits after each token, read in pieces of these lengths with a cache, or at once without. */
function logitsOf(
  model: Gpt,
  tokens: readonly number[],
  adapters?: AppliedAdapter,
  pieces?: readonly number[],
): number[] {
  return scope(() => {
    using cache = pieces && new KeyValueCache(model.config, model.device)
    let at = 0
    const options = { ...(cache && { cache }), ...(adapters && { adapters }) }
    return (pieces ?? [tokens.length]).flatMap((length) => {
      const spec = { shape: [1, length], dtype: 'i32' } as const
      const piece = model.device.tensor(tokens.slice(at, (at += length)), spec)
      return [...model.forward(piece, undefined, options).readSync()]
    })
  })
}

const furthest = (ours: readonly number[], theirs: readonly number[]): number =>
  Math.max(Math.abs(ours.length - theirs.length), ...theirs.map((x, i) => Math.abs(ours[i] - x)))

const devices: readonly (readonly [string, () => Device])[] = [
  ['the reference', openReference],
  ['wasm', openWasm],
]
const made = mkdtempSync(join(tmpdir(), 'burgeon-adapters-'))
afterAll(() => rmSync(made, { recursive: true }))

describe.each(devices)('on %s', (_, open) => {
  it.each(names)(
    '%s has the logits of PyTorch, cached and uncached, beside its model and merged',
    async (name) => {
      const gold = goldOf(name)
      const model = await baseOf(gold, open())
      const adapter = await loadAdapter(model, join(folder, name))
      const { tokens, logits } = gold
      expect(furthest(logitsOf(model, tokens), logits)).toBeGreaterThan(0.1)
      expect(furthest(logitsOf(model, tokens, adapter), logits)).toBeLessThan(1e-4)
      expect(furthest(logitsOf(model, tokens, adapter, [5, 1, 4, 2]), logits)).toBeLessThan(1e-4)
      using _merged = mergeLora(model, adapter)
      expect(furthest(logitsOf(model, tokens), logits)).toBeLessThan(1e-4)
    },
  )
})

it.each(names)('%s is written back so that it is read as it was, bit by bit', async (name) => {
  const model = await baseOf(goldOf(name), openWasm())
  const adapter = await loadAdapter(model, join(folder, name))
  const place = join(made, name)
  await saveAdapter(adapter, model, place)
  const again = await loadAdapter(model, place)
  const [before, after] = [await adapter.toState(), await again.toState()]
  expect(after.weights).toEqual(before.weights)
  expect({ ...after.config, peft: null }).toEqual({ ...before.config, peft: null })
  const [theirs, ours] = [folder, made].map((at) => json(at, name, 'adapter_config.json') as object)
  const own = ['target_modules', 'rank_pattern', 'alpha_pattern', 'layers_to_transform', 'fan_in_fan_out']
  for (const [key, value] of Object.entries(theirs)) {
    if (!own.includes(key)) expect([key, Reflect.get(ours, key)]).toEqual([key, value])
  }
  expect(Reflect.get(ours, 'fan_in_fan_out')).toBe(name.startsWith('gpt2'))
})
