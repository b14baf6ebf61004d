/** Folders of pretrained models and their logits in plain PyTorch. See `write-pretrained.py`. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Gpt, KeyValueCache } from '@burgeon/gpt'
import { fromPretrained, savePretrained } from '@burgeon/gpt/node'
import { type Device, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { afterAll, describe, expect, it } from 'vitest'

interface Gold {
  readonly tokens: readonly number[]
  readonly logits: readonly number[]
}

const folder = join(import.meta.dirname, 'pretrained')
const names = readdirSync(folder).toSorted()
const json = (...at: readonly string[]): unknown => JSON.parse(readFileSync(join(...at), 'utf8'))
const goldOf = (name: string): Gold => json(folder, name, 'gold.json') as Gold

/** The logits after each token, read in pieces of these lengths with a cache, or at once without. */
function logitsOf(model: Gpt, tokens: readonly number[], pieces?: readonly number[]): number[] {
  return scope(() => {
    using cache = pieces && new KeyValueCache(model.config, model.device)
    let at = 0
    return (pieces ?? [tokens.length]).flatMap((length) => {
      const piece = model.device.tensor(tokens.slice(at, (at += length)), {
        shape: [1, length],
        dtype: 'i32',
      })
      return [...model.forward(piece, undefined, cache && { cache }).readSync()]
    })
  })
}

const furthest = (ours: readonly number[], theirs: readonly number[]): number =>
  Math.max(Math.abs(ours.length - theirs.length), ...theirs.map((x, i) => Math.abs(ours[i] - x)))

const devices: readonly (readonly [string, () => Device])[] = [
  ['the reference', openReference],
  ['wasm', openWasm],
]
const made = mkdtempSync(join(tmpdir(), 'burgeon-pretrained-'))
afterAll(() => rmSync(made, { recursive: true }))

describe.each(devices)('on %s', (_, open) => {
  it.each(names)('%s has the logits of PyTorch, cached and uncached alike', async (name) => {
    const model = await fromPretrained(join(folder, name), { device: open() })
    const { tokens, logits } = goldOf(name)
    expect(furthest(logitsOf(model, tokens), logits)).toBeLessThan(1e-4)
    expect(furthest(logitsOf(model, tokens, [5, 1, 4, 2]), logits)).toBeLessThan(1e-4)
    expect(
      furthest(
        logitsOf(
          model,
          tokens,
          tokens.map(() => 1),
        ),
        logits,
      ),
    ).toBeLessThan(1e-4)
    model.dispose()
  })
})

it.each(names)('%s is written back as it was read', async (name) => {
  const device = openWasm()
  const model = await fromPretrained(join(folder, name), { device })
  const place = join(made, name)
  await savePretrained(model, place)
  const again = await fromPretrained(place, { device })
  const { tokens } = goldOf(name)
  expect(logitsOf(again, tokens)).toEqual(logitsOf(model, tokens))
  const [before, after] = [folder, made].map((at) => json(at, name, 'config.json') as Record<string, unknown>)
  for (const [key, value] of Object.entries(before)) {
    const isFresh = ['torch_dtype', 'dtype', 'n_inner', 'head_dim'].includes(key)
    if (!isFresh) expect([key, after[key]]).toEqual([key, value])
  }
  model.dispose()
  again.dispose()
})
