// Reaches inside: what is tested here is a part of its package, not an entry point.
import {
  type Disk,
  hasCheckpoint,
  CheckpointError,
  keepCheckpoint,
  readCheckpoint,
  restoreCheckpoint,
  writeCheckpoint,
} from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { keyFromSeed, OptionError, RandomStream, readSafetensors, StateError } from '@burgeon/tensor'
import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  type Fault,
  type MemoryDisk,
  memoryDisk,
  PowerCutError,
} from '../../packages/gpt/src/testing/index.ts'

/** Two parts with tensors and plain data; different in every place for every `age`. */
const partsOf = (age: number): Record<string, unknown> => ({
  model: {
    config: { layers: age, name: `model ${age}` },
    weights: {
      'a.weight': { shape: [2, 2], data: Float32Array.of(age, 0.1, -0, Infinity) },
      'b.bias': { shape: [3], data: Float64Array.of(age / 3, Number.NaN, 1e-300) },
    },
  },
  learner: {
    step: age,
    best: -Infinity,
    seen: Int32Array.of(age, -1),
    bits: Uint32Array.of(2 ** 32 - 1, age),
    bytes: Uint8Array.of(age),
    list: [null, true, 'x', { nested: Float32Array.of(age) }],
  },
})
const filesOf = (sequence: number): string[] => [
  'checkpoint.json',
  ...['learner', 'model'].map((name) => `${name}-${String(sequence).padStart(6, '0')}.safetensors`),
]

async function diskWith(age: number, fault?: Fault): Promise<MemoryDisk> {
  const disk = memoryDisk()
  await writeCheckpoint(disk, partsOf(age))
  return memoryDisk(fault, disk.files)
}

describe('a checkpoint', () => {
  test('is read as it was written', async () => {
    const disk = await diskWith(1)
    expect(await readCheckpoint(disk)).toEqual(partsOf(1))
  })
  test('takes the place of the one before, whose files are removed', async () => {
    const disk = await diskWith(1)
    await writeCheckpoint(disk, partsOf(2))
    expect(await readCheckpoint(disk)).toEqual(partsOf(2))
    expect([...disk.files.keys()].toSorted()).toEqual(filesOf(2))
  })
  test('may change its parts', async () => {
    const disk = await diskWith(1)
    await writeCheckpoint(disk, { other: { x: 1 } })
    expect(await readCheckpoint(disk)).toEqual({ other: { x: 1 } })
    expect([...disk.files.keys()].toSorted()).toEqual(['checkpoint.json', 'other-000002.safetensors'])
  })
  test('removes only files that it has named itself: others may have any name', async () => {
    const foreign = ['notes.txt', 'lora-1.safetensors', 'model-000002.safetensors', 'model-7.safetensors']
    const other = ['learner-000001-00001-of-00002.safetensors', 'kept-1.txt', 'checkpoint.json.bak']
    const disk = await diskWith(1)
    for (const name of [...foreign, ...other]) await disk.write(name, Uint8Array.of(1))
    for (const age of [2, 3, 4]) await writeCheckpoint(disk, partsOf(age))
    for (const name of [...foreign, ...other]) expect(disk.files.get(name)).toEqual(Uint8Array.of(1))
    expect(await readCheckpoint(disk)).toEqual(partsOf(4))
    expect(disk.files.size).toBe(foreign.length + other.length + 3)
  })
  test('that an earlier version wrote takes its files with it, kept ones as well', async () => {
    const disk = await diskWith(1)
    await keepCheckpoint(disk)
    await writeCheckpoint(disk, partsOf(2))
    for (const name of ['checkpoint.json', 'kept-000001.json']) {
      const {
        sha256: _,
        owned: __,
        ...old
      } = JSON.parse(new TextDecoder().decode(disk.files.get(name))) as Record<string, unknown>
      const digest = createHash('sha256').update(JSON.stringify(old)).digest('hex')
      disk.damage(name, new TextEncoder().encode(JSON.stringify({ sha256: digest, ...old })))
    }
    await writeCheckpoint(disk, partsOf(3))
    await disk.remove('kept-000001.json')
    await writeCheckpoint(disk, partsOf(4))
    expect([...disk.files.keys()].toSorted()).toEqual(filesOf(4))
  })
  test('deals its tensors out to several files where one would be too large', async () => {
    for (const fileBytes of [1, 20, 40, 1e9]) {
      const disk = await diskWith(1)
      await writeCheckpoint(disk, partsOf(2), { fileBytes })
      const names = [...disk.files.keys()].filter((name) => name.startsWith('learner-'))
      expect(names).toHaveLength({ 1: 4, 20: 2, 40: 1 }[fileBytes] ?? 1)
      if (names.length > 1) expect(names[0]).toMatch(/^learner-000002-00001-of-0000\d\.safetensors$/)
      expect(await readCheckpoint(disk)).toEqual(partsOf(2))
      await keepCheckpoint(disk)
      await writeCheckpoint(disk, partsOf(3), { fileBytes })
      expect(await readCheckpoint(disk, { kept: 2 })).toEqual(partsOf(2))
      const to = memoryDisk()
      await restoreCheckpoint(disk, to, { kept: 2 })
      expect(await readCheckpoint(to)).toEqual(partsOf(2))
      await writeCheckpoint(to, partsOf(4))
      expect(to.files.size).toBe(3)
    }
    await expect(writeCheckpoint(memoryDisk(), partsOf(1), { fileBytes: 0 })).rejects.toThrow(OptionError)
  })
  test('cuts a tensor that is larger than a file may be, and puts it together again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        async (piece, file) => {
          const sizes = { pieceBytes: piece, fileBytes: file }
          const disk = await diskWith(1)
          await writeCheckpoint(disk, partsOf(2), sizes)
          expect(await readCheckpoint(disk)).toEqual(partsOf(2))
          for (const [name, bytes] of disk.files) {
            if (!name.endsWith('.safetensors')) continue
            for (const tensor of readSafetensors(bytes).tensors.values())
              expect(tensor.bytes.length).toBeLessThanOrEqual(Math.max(piece, 8))
          }
          await keepCheckpoint(disk)
          const to = memoryDisk()
          await restoreCheckpoint(disk, to, { kept: 2 })
          expect(await readCheckpoint(to)).toEqual(partsOf(2))
        },
      ),
      { numRuns: 40 },
    )
    await expect(writeCheckpoint(memoryDisk(), partsOf(1), { pieceBytes: 0 })).rejects.toThrow(OptionError)
  })
  test('with a piece too few, too many or of another tensor is damaged', async () => {
    const disk = await diskWith(1)
    await writeCheckpoint(
      disk,
      { part: { w: Float32Array.of(1, 2, 3), v: Float32Array.of(4, 5, 6) } },
      { pieceBytes: 4 },
    )
    type Files = { file: string }[]
    const withFiles = async (change: (files: Files) => Files): Promise<Record<string, unknown>> => {
      const { sha256: _, ...content } = JSON.parse(
        new TextDecoder().decode(disk.files.get('checkpoint.json')),
      ) as { sha256: string; parts: { part: { files: Files } } }
      content.parts.part.files = change(content.parts.part.files)
      const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex')
      const other = memoryDisk(undefined, disk.files)
      other.damage(
        'checkpoint.json',
        new TextEncoder().encode(JSON.stringify({ sha256: digest, ...content })),
      )
      return readCheckpoint(other)
    }
    expect(await withFiles((files) => files)).toEqual({
      part: { w: Float32Array.of(1, 2, 3), v: Float32Array.of(4, 5, 6) },
    })
    const bad: ((files: Files) => Files)[] = [
      (files) => files.slice(0, -1),
      (files) => files.slice(1),
      (files) => [...files, files[5]],
      ([a, b, c, ...others]) => [b, a, c, ...others],
      ([a, _b, c, ...others]) => [a, c, ...others],
    ]
    for (const change of bad) await expect(withFiles(change)).rejects.toThrow(CheckpointError)
  })
  test('is there or is not', async () => {
    expect(await hasCheckpoint(memoryDisk())).toBe(false)
    expect(await hasCheckpoint(await diskWith(1))).toBe(true)
    await expect(readCheckpoint(memoryDisk())).rejects.toThrow(CheckpointError)
    await expect(readCheckpoint(memoryDisk())).rejects.toThrow(
      'memory: there is no checkpoint here (no checkpoint.json).',
    )
  })
  test('holds any state made of plain data and typed arrays', async () => {
    const key = fc
      .string({ maxLength: 4 })
      .filter((k) => !/^\$|^__proto__$|^__metadata__$|\./.test(k) && k !== '')
    const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, Number.NaN, Infinity, -Infinity))
    const array = fc.oneof(
      fc.float32Array(),
      fc.float64Array(),
      fc.int32Array(),
      fc.uint8Array(),
      fc.uint32Array(),
    )
    const tensor = fc.float32Array().map((data) => ({ shape: [data.length, 1], data }))
    const { state } = fc.letrec((tie) => ({
      state: fc.oneof(
        { maxDepth: 3 },
        fc.oneof(fc.constant(null), fc.boolean(), fc.string(), number, array, tensor),
        fc.array(tie('state'), { maxLength: 3 }),
        fc.dictionary(key, tie('state'), { maxKeys: 3, noNullPrototype: true }),
      ),
    }))
    await fc.assert(
      fc.asyncProperty(state, async (value) => {
        const disk = memoryDisk()
        await writeCheckpoint(disk, { part: value })
        expect(await readCheckpoint(disk)).toEqual({ part: value })
      }),
      { numRuns: 200 },
    )
  })
})

describe('what cannot be stored is refused, and the checkpoint before stays', () => {
  class Special {}
  const twice = { 'a.b': Float32Array.of(1), a: { b: Float32Array.of(2) } }
  const bad: readonly [string, Record<string, unknown>, string][] = [
    [
      'a function',
      { part: { deep: [() => 1] } },
      'state: deep.0 is a function; expected plain data or typed arrays.',
    ],
    ['a class instance', { part: new Special() }, 'state: the top is a Special'],
    ['a map', { part: { m: new Map() } }, 'state: m is a Map'],
    ['undefined in a list', { part: [undefined] }, 'state: 0 is a undefined'],
    ['a big integer', { part: { n: 1n } }, 'state: n is a bigint'],
    [
      'a reserved key',
      { part: { x: { $array: 1 } } },
      'state: x has the key $array; keys of that form are reserved.',
    ],
    ['another reserved key', { part: JSON.parse('{"__proto__": 1}') as unknown }, 'has the key __proto__'],
    ['tensors that would share a name', { part: twice }, 'state: two tensors would be stored as a.b.'],
  ]
  test.each(bad)('%s', async (_, parts, message) => {
    const disk = await diskWith(1)
    await expect(writeCheckpoint(disk, parts)).rejects.toThrow(StateError)
    await expect(writeCheckpoint(disk, parts)).rejects.toThrow(message)
    expect(await readCheckpoint(disk)).toEqual(partsOf(1))
  })
  test.each(['Model', 'a/b', '../x', 'x1', ''])('a part named "%s"', async (name) => {
    const disk = await diskWith(1)
    await expect(writeCheckpoint(disk, { [name]: {} })).rejects.toThrow(OptionError)
    expect(await readCheckpoint(disk)).toEqual(partsOf(1))
  })
})

describe('whatever happens in the middle of a save', () => {
  /** How many calls a save makes after another. */
  const callsOfSave = async (): Promise<number> => {
    const disk = await diskWith(1)
    await writeCheckpoint(disk, partsOf(2))
    return disk.calls
  }
  const isAge = async (disk: Disk): Promise<unknown> => {
    const parts = await readCheckpoint(disk)
    const { step } = parts.learner as { step: number }
    expect(parts).toEqual(partsOf(step))
    return step
  }

  test('a power cut leaves the old or the new checkpoint whole, whatever it keeps of the names, and no leftovers later', async () => {
    const calls = await callsOfSave()
    expect(calls).toBeGreaterThan(8)
    const found = new Set<unknown>()
    for (let at = 0; at <= calls; at++) {
      for (const how of ['before', 'torn', 'after'] as const) {
        const disk = await diskWith(1, { at, how, power: 'cut' })
        const save = writeCheckpoint(disk, partsOf(2))
        if (at < calls) await expect(save).rejects.toThrow(PowerCutError)
        else await save
        for (let seed = 0; seed < 12; seed++) {
          const random = new RandomStream(keyFromSeed(seed))
          const share = [0, 1][seed] ?? 0.5
          const restarted = disk.afterPowerCut(() => random.uniform() < share)
          const age = await isAge(restarted)
          found.add(age)
          // What was acknowledged is durable.
          if (at === calls) expect(age).toBe(2)
          await writeCheckpoint(restarted, partsOf(3))
          expect(await isAge(restarted)).toBe(3)
          expect(restarted.files.size).toBe(3)
        }
      }
    }
    expect(found).toEqual(new Set([1, 2]))
  })
  test('a call that fails while the process lives on leaves the old or the new checkpoint, and the next save works', async () => {
    const calls = await callsOfSave()
    for (let at = 0; at < calls; at++) {
      for (const how of ['before', 'torn', 'after'] as const) {
        const disk = await diskWith(1, { at, how, power: 'stays' })
        await writeCheckpoint(disk, partsOf(2)).catch(() => {})
        expect([1, 2]).toContain(await isAge(disk))
        await writeCheckpoint(disk, partsOf(3))
        expect(await isAge(disk)).toBe(3)
        expect(disk.files.size).toBe(3)
      }
    }
  })
  test('a save that fails for want of room gives back what it took', async () => {
    const calls = await callsOfSave()
    for (let at = 0; at < calls; at++) {
      const disk = await diskWith(1, { at, how: 'torn', power: 'stays' })
      await writeCheckpoint(disk, partsOf(2)).catch(() => {})
      const large = [...disk.files.keys()].filter((name) => name.endsWith('.safetensors'))
      // Once the new one is in its place, removing the old files is all that is left to do.
      if ((await isAge(disk)) === 1) expect(large.toSorted()).toEqual(filesOf(1).slice(1))
      else expect(at).toBeGreaterThan(6)
    }
  })
  test('a first save leaves nothing or all', async () => {
    const disk = memoryDisk()
    await writeCheckpoint(disk, partsOf(1))
    const calls = disk.calls
    for (let at = 0; at < calls; at++) {
      for (const how of ['before', 'torn', 'after'] as const) {
        const disk = memoryDisk({ at, how, power: 'cut' })
        await writeCheckpoint(disk, partsOf(1)).catch(() => {})
        for (const keep of [true, false]) {
          const restarted = disk.afterPowerCut(() => keep)
          if (await hasCheckpoint(restarted)) expect(await isAge(restarted)).toBe(1)
          await writeCheckpoint(restarted, partsOf(2))
          expect(await isAge(restarted)).toBe(2)
        }
      }
    }
  })
})

describe('a damaged checkpoint', () => {
  const files = ['checkpoint.json', 'model-000001.safetensors', 'learner-000001.safetensors']
  test.each(files)('is refused when a byte of %s has changed', async (name) => {
    const bytes = (await diskWith(1)).files.get(name) as Uint8Array
    for (let at = 0; at < bytes.length; at++) {
      const disk = await diskWith(1)
      disk.damage(name, bytes.with(at, bytes[at] ^ (1 << (at % 8))))
      await expect(readCheckpoint(disk)).rejects.toThrow(CheckpointError)
    }
  })
  test.each(files)('is refused when %s is cut short, empty or longer', async (name) => {
    const bytes = (await diskWith(1)).files.get(name) as Uint8Array
    for (const other of [bytes.subarray(0, -1), new Uint8Array(), Uint8Array.of(...bytes, 0)]) {
      const disk = await diskWith(1)
      disk.damage(name, other)
      await expect(readCheckpoint(disk)).rejects.toThrow(CheckpointError)
    }
  })
  test('is refused with the name of the file that is missing', async () => {
    const disk = await diskWith(1)
    await disk.remove('model-000001.safetensors')
    await expect(readCheckpoint(disk)).rejects.toThrow(CheckpointError)
    await expect(readCheckpoint(disk)).rejects.toThrow('memory: cannot read model-000001.safetensors')
  })
  test('is refused when it is not one, or of another version', async () => {
    const withManifest = async (text: string): Promise<Disk> => {
      const disk = await diskWith(1)
      disk.damage('checkpoint.json', new TextEncoder().encode(text))
      return disk
    }
    const odd = '{"format": "burgeon checkpoint", "version": {"toString": 1}}'
    for (const text of ['', 'null', '[]', '{"format": "other"}', '{', odd]) {
      await expect(readCheckpoint(await withManifest(text))).rejects.toThrow(CheckpointError)
    }
    const newer = await withManifest('{"format": "burgeon checkpoint", "version": 2}')
    await expect(readCheckpoint(newer)).rejects.toThrow(
      'this checkpoint has version 2; this burgeon reads version 1.',
    )
  })
  test('can be saved over, with names that were never used', async () => {
    const disk = await diskWith(1)
    disk.damage('checkpoint.json', Uint8Array.of(1))
    await writeCheckpoint(disk, partsOf(2))
    expect(await readCheckpoint(disk)).toEqual(partsOf(2))
    // Whose the old files are, nobody knows any more; so they stay, and may help to repair what was lost.
    const expected = [...new Set([...filesOf(1), ...filesOf(2)])].toSorted()
    expect([...disk.files.keys()].toSorted()).toEqual(expected)
  })
})

test('a folder of the file system serves as a disk', async () => {
  const place = join(await mkdtemp(join(tmpdir(), 'burgeon-')), 'not yet there')
  try {
    const disk = nodeDisk(place)
    expect(await disk.list()).toEqual([])
    expect(await hasCheckpoint(disk)).toBe(false)
    await writeCheckpoint(disk, partsOf(1))
    await writeCheckpoint(disk, partsOf(2))
    expect(await readCheckpoint(nodeDisk(place))).toEqual(partsOf(2))
    expect((await readdir(place)).toSorted()).toEqual(filesOf(2))
    await expect(disk.create('checkpoint.json', Uint8Array.of(1))).rejects.toThrow('EEXIST')
    expect(await readCheckpoint(disk)).toEqual(partsOf(2))
    await expect(disk.read('nothing')).rejects.toThrow()
    await disk.remove('nothing')
  } finally {
    await rm(place, { recursive: true, force: true })
  }
})
