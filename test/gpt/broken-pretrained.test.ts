/** Pretrained folders with damage of any kind: each is read as a model or refused with a typed error, and nothing else happens. */
import { readPretrained } from '@burgeon/gpt'
import { BurgeonError, type RandomStream } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'
import { drawFrom } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'
import { type Files, folderOf, goldFiles } from './memory-folder.ts'
import { changed, damaged, pick } from './damage.ts'

const device = openReference()
const names = [
  'gpt2',
  'gpt2-untied-shards',
  'llama-yarn',
  'llama-longrope',
  'mistral-bf16-shards',
  'qwen3-windows',
  'smollm3-list',
]
const folders = names.map(goldFiles)

const odd: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1, 2, 3, 0.5, 1e9, 2 ** 53, -0, 1e-300, 1e300, '', 'gelu', 'NaN', '../x'],
  ...[
    [],
    {},
    [1],
    [null],
    { rope_type: 'yarn' },
    { type: 'llama3', factor: 8 },
    ['sliding_attention'],
    '__proto__',
  ],
]

function broken(files: Files, random: RandomStream): Files {
  const name = pick(random, [...files.keys()])
  const bytes = files.get(name) as Uint8Array
  if (!name.endsWith('.json') || random.below(5) === 0)
    return new Map(files).set(name, damaged(bytes, 400, random))
  const tree: unknown = JSON.parse(new TextDecoder().decode(bytes))
  return new Map(files).set(name, new TextEncoder().encode(JSON.stringify(changed(tree, odd, random))))
}

test('a damaged folder is a model or a typed error, and no buffer is left behind', async () => {
  const random = drawFrom(2026)
  const buffers = device.memory.buffers
  let refused = 0
  for (let i = 0; i < times(1500, 200_000); i++) {
    const files = broken(folders[i % folders.length], random)
    try {
      const model = await readPretrained(folderOf(files), { device })
      model.dispose()
    } catch (error) {
      if (!(error instanceof BurgeonError)) throw new Error(`case ${i}`, { cause: error })
      refused++
    }
  }
  expect(refused).toBeGreaterThan(times(500, 60_000))
  expect(device.memory.buffers).toBe(buffers)
})
