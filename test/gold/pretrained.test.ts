/** Folders of pretrained models and their logits in plain PyTorch. See `write-pretrained.py`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromPretrained, savePretrained } from '@burgeon/gpt/node'
import type { Device } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { afterAll, describe, expect, it } from 'vitest'
import { distances, folder, goldOf, json, logitsOf, names } from './pretrained-gold.ts'

const devices: readonly (readonly [string, () => Device])[] = [
  ['the reference', openReference],
  ['wasm', openWasm],
]
const made = mkdtempSync(join(tmpdir(), 'burgeon-pretrained-'))
afterAll(() => rmSync(made, { recursive: true }))

describe.each(devices)('on %s', (_, open) => {
  it.each(names)('%s has the logits of PyTorch, cached and uncached alike', async (name) => {
    for (const far of await distances(name, open())) expect(far).toBeLessThan(1e-4)
  })
})

it.each(names)('%s is written back as it was read', async (name) => {
  const device = openWasm()
  const model = await fromPretrained(join(folder, name), { device })
  const place = join(made, name)
  await savePretrained(model, place)
  const again = await fromPretrained(place, { device })
  const { tokens } = goldOf(name)
  expect(await logitsOf(again, tokens)).toEqual(await logitsOf(model, tokens))
  const [before, after] = [folder, made].map((at) => json(at, name, 'config.json') as Record<string, unknown>)
  for (const [key, value] of Object.entries(before)) {
    const isFresh = ['torch_dtype', 'dtype', 'n_inner', 'head_dim'].includes(key)
    if (!isFresh) expect([key, after[key]]).toEqual([key, value])
  }
  model.dispose()
  again.dispose()
})
