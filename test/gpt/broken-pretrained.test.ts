/** Pretrained folders with damage of any kind: each is read as a model or refused with a typed error, and nothing else happens. */
import { readPretrained } from '@burgeon/gpt'
import { BurgeonError, type RandomStream } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'
import { drawFrom } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'
import { type Files, folderOf, goldFiles } from './memory-folder.ts'

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

const pick = <T>(random: RandomStream, list: readonly T[]): T => list[random.below(list.length)]

/** Another value somewhere in a JSON tree, or one key less. */
function changed(value: unknown, random: RandomStream): unknown {
  if (typeof value !== 'object' || value === null || random.below(4) === 0) return pick(random, odd)
  const entries = Object.entries(value)
  if (entries.length === 0) return pick(random, odd)
  const at = random.below(entries.length)
  const own = entries.flatMap(([key, old], i): (readonly [string, unknown])[] => {
    if (i !== at) return [[key, old]]
    return random.below(4) === 0 ? [] : [[key, changed(old, random)]]
  })
  return Array.isArray(value) ? own.map(([, old]) => old) : Object.fromEntries(own)
}

/** Bytes with some others in the place of some, or cut; of weights mostly in the header. */
function damaged(bytes: Uint8Array, random: RandomStream): Uint8Array {
  const end = random.below(3) === 0 ? bytes.length : Math.min(bytes.length, 400)
  if (random.below(4) === 0) return bytes.slice(0, random.below(bytes.length + 1))
  const own = bytes.slice()
  for (let i = 0; i <= random.below(3); i++) own[random.below(end)] = random.below(256)
  return own
}

function broken(files: Files, random: RandomStream): Files {
  const name = pick(random, [...files.keys()])
  const bytes = files.get(name) as Uint8Array
  if (!name.endsWith('.json') || random.below(5) === 0)
    return new Map(files).set(name, damaged(bytes, random))
  const tree: unknown = JSON.parse(new TextDecoder().decode(bytes))
  return new Map(files).set(name, new TextEncoder().encode(JSON.stringify(changed(tree, random))))
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
