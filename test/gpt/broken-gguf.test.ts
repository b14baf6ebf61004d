/** GGUF files with damage of any kind: each is read as a model or refused with a typed error, and nothing else happens. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openGguf, PretrainedError, TokenizerError } from '@burgeon/gpt'
import type { ByteSource, RandomStream } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'
import { drawFrom } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'
import { pick } from './damage.ts'

const device = openReference()
const folder = join(import.meta.dirname, '../gold/gguf')
const files = readdirSync(folder).map((name) => new Uint8Array(readFileSync(join(folder, name))))

/** Where the numbers of a gold file begin, about: damage of what stands before is what matters. */
const headers = files.map((bytes) => Buffer.from(bytes).lastIndexOf('norm.weight') + 80)

const odd: readonly bigint[] = [
  0n,
  1n,
  2n,
  3n,
  31n,
  64n,
  255n,
  2n ** 16n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 40n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
]

/** Bytes with others in the place of some, cut, or with a stretch taken out, doubled or moved. */
function damaged(bytes: Uint8Array, header: number, random: RandomStream): Uint8Array {
  const own = bytes.slice()
  const view = new DataView(own.buffer)
  const at = random.below(random.below(8) === 0 ? bytes.length - 8 : header)
  switch (random.below(7)) {
    case 0:
      return bytes.slice(0, random.below(bytes.length + 1))
    case 1:
      view.setBigUint64(at, pick(random, odd), true)
      return own
    case 2:
      view.setUint32(at, Number(pick(random, odd) % 2n ** 32n), true)
      return own
    case 3: {
      const length = 1 + random.below(40)
      return new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(at + length)])
    }
    case 4:
      own.copyWithin(at, random.below(header), random.below(header))
      return own
    default:
      for (let i = 0; i <= random.below(3); i++) own[random.below(header)] = random.below(256)
      return own
  }
}

/** Bytes that nobody may ask more of than there are. */
function strict(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read(begin, end) {
      if (!(begin >= 0 && begin <= end && end <= bytes.length))
        throw new RangeError(`read ${begin} to ${end}`)
      return Promise.resolve(bytes.slice(begin, end))
    },
  }
}

/** The error of what is refused; undefined for what is read. */
async function errorOf(bytes: Uint8Array, i: number): Promise<Error | undefined> {
  try {
    const file = await openGguf(strict(bytes), { place: 'the file' })
    file.tokenizer()
    const model = await file.model({ device })
    model.dispose()
    return undefined
  } catch (error) {
    if (error instanceof PretrainedError || error instanceof TokenizerError) return error
    throw new Error(`case ${i}`, { cause: error })
  }
}

test('a damaged GGUF file is a model or a typed error that names it, and no buffer is left behind', async () => {
  const random = drawFrom(2027)
  const buffers = device.memory.buffers
  let refused = 0
  for (let i = 0; i < times(2500, 210_000); i++) {
    const which = i % files.length
    const error = await errorOf(damaged(files[which], headers[which], random), i)
    if (error === undefined) continue
    refused++
    if (!error.message.startsWith('the file: ')) {
      throw new Error(`case ${i}: ${error.message}`)
    }
  }
  expect(refused).toBeGreaterThan(times(1200, 100_000))
  expect(device.memory.buffers).toBe(buffers)
})

test('absurd counts and lengths are refused before anything is made for them', async () => {
  for (const [which, bytes] of files.entries()) {
    for (const value of odd.slice(7)) {
      for (const at of [8, 16, 24, headers[which] - 20]) {
        const own = bytes.slice()
        new DataView(own.buffer).setBigUint64(at, value, true)
        const before = process.memoryUsage().arrayBuffers
        await errorOf(own, at)
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24)
      }
    }
  }
})
