/** Reaches inside: disks that are full, tear a write or fail at any call, while a model or an adapter is saved. What stood before stays, and nothing else is left. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Gpt, LoraAdapter, PretrainedError, writePretrained } from '@burgeon/gpt'
import { fromPretrained, loadAdapter, saveAdapter, saveGguf, savePretrained } from '@burgeon/gpt/node'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, onTestFinished, test } from 'vitest'
import { replaceFiles } from '../../packages/gpt/src/pretrained/files/replace-files.ts'
import { type Fault, memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { temporaryFolder } from '../docs/programs.ts'
import { printed } from '../front-door/small-life.ts'

const device = openReference()
const llama = { norm: 'rms', positions: 'rotary', activation: 'swiglu', biases: [] } as const
const born = (seed: number, embed = 16): Gpt =>
  Gpt.create(
    { vocabulary: 40, context: 16, embed, heads: 2, layers: 2, mlpHidden: 24, ...llama },
    { device, seed },
  )

/** The files of a folder, but for those that tests put there. */
const filesIn = (place: string): Record<string, Buffer> =>
  Object.fromEntries(
    readdirSync(place)
      .toSorted()
      .map((name) => [name, readFileSync(join(place, name))]),
  )

function folder(): string {
  const place = mkdtempSync(join(tmpdir(), 'burgeon-full-'))
  onTestFinished(() => rmSync(place, { recursive: true }))
  return place
}

describe('a folder whose disk fails at one call', async () => {
  const [old, fresh] = [await writePretrained(born(1)), await writePretrained(born(2, 20))]
  const others = new Map([['tokenizer.json', new Uint8Array(5)]])
  const whole = memoryDisk(undefined, new Map([...old, ...others]))
  await replaceFiles('savePretrained', whole, fresh)
  const { calls } = whole

  test('holds the new files and its others after a save', () => {
    expect(whole.files).toEqual(new Map([...others, ...fresh]))
    expect(calls).toBeGreaterThan(3 * fresh.size)
  })

  const ways = (['before', 'torn', 'after'] as const).flatMap((how) =>
    Array.from({ length: calls - fresh.size }, (_, at): [string, Fault] => [
      `${how} at call ${at}`,
      { at, how, power: 'stays' },
    ]),
  )
  test.each(ways)('is as it was, to the byte: %s', async (_, fault) => {
    for (const before of [new Map([...old, ...others]), others]) {
      const disk = memoryDisk(fault, before)
      const saving = replaceFiles('savePretrained', disk, fresh)
      // With fewer files from before there are fewer calls, and the fault may come too late to matter.
      const error: unknown = await saving.catch((caught: unknown) => caught)
      if (error === undefined) expect(disk.files).toEqual(new Map([...before, ...fresh]))
      else {
        expect(error).toBeInstanceOf(PretrainedError)
        expect((error as Error).message).toMatch(/^savePretrained: cannot write memory.* as it was\./)
        expect(disk.files).toEqual(before)
      }
    }
  })

  test('holds whole files after a power cut at any call, old ones or new', async () => {
    for (let at = 0; at < calls; at++) {
      const disk = memoryDisk({ at, how: 'torn', power: 'cut' }, old)
      await replaceFiles('savePretrained', disk, fresh).catch(() => undefined)
      for (const survives of [() => true, () => false, (change: number) => change % 2 === 0]) {
        const found = disk.afterPowerCut(survives).files
        for (const name of fresh.keys()) {
          const bytes = found.get(name) ?? found.get(`${name}.before`)
          expect([old.get(name), fresh.get(name)]).toContainEqual(bytes)
        }
      }
    }
  })
})

const full = '/dev/full'
describe.skipIf(!existsSync(full))(`on a full disk (${full}; skipped where there is none)`, () => {
  test('savePretrained leaves the folder as it was', async () => {
    const place = folder()
    await savePretrained(born(1), place)
    const before = filesIn(place)
    symlinkSync(full, join(place, 'model.safetensors.part'))
    const saving = savePretrained(born(2, 20), place)
    await expect(saving).rejects.toThrow(PretrainedError)
    await expect(saving).rejects.toThrow(/^savePretrained: cannot write .*model\.safetensors \(ENOSPC\)/)
    expect(filesIn(place)).toEqual(before)
    expect((await fromPretrained(place, { device })).config.embed).toBe(16)
  })

  test('saveAdapter leaves the folder as it was', async () => {
    const place = folder()
    const model = born(1)
    const adapter = (rank: number): LoraAdapter => LoraAdapter.create(model, { rank }, { seed: rank })
    await saveAdapter(adapter(2), model, place)
    const before = filesIn(place)
    symlinkSync(full, join(place, 'adapter_model.safetensors.part'))
    const saving = saveAdapter(adapter(3), model, place)
    await expect(saving).rejects.toThrow(PretrainedError)
    await expect(saving).rejects.toThrow(/^saveAdapter: cannot write .*adapter_model\.safetensors \(ENOSPC\)/)
    expect(filesIn(place)).toEqual(before)
    expect((await loadAdapter(model, place)).config.modules[0].rank).toBe(2)
  })

  test('saveGguf leaves the file as it was, also where its name cannot be given', async () => {
    const place = folder()
    const at = join(place, 'a.gguf')
    await saveGguf(born(1), at)
    const before = filesIn(place)
    symlinkSync(full, `${at}.part`)
    const saving = saveGguf(born(2), at)
    await expect(saving).rejects.toThrow(PretrainedError)
    await expect(saving).rejects.toThrow(/^saveGguf: cannot write .*a\.gguf \(ENOSPC\)/)
    expect(filesIn(place)).toEqual(before)
    expect((await fromPretrained(at, { device })).config.embed).toBe(16)
    mkdirSync(join(place, 'b.gguf'))
    await expect(saveGguf(born(2), join(place, 'b.gguf'))).rejects.toThrow(/^saveGguf: cannot write/)
    expect(readdirSync(place)).toEqual(['a.gguf', 'b.gguf'])
  })

  test('convert leaves nothing, and says it in a line', async () => {
    const small = join(import.meta.dirname, '../gold/small-llama')
    const place = temporaryFolder()
    for (const [name, partial] of [
      ['folder', `folder.part-${process.pid}/model.safetensors.part`],
      ['a.gguf', `a.gguf.part-${process.pid}.part`],
    ] as const) {
      const at = join(place, partial)
      if (name === 'folder') mkdirSync(join(at, '..'))
      symlinkSync(full, at)
      const model = join(import.meta.dirname, '../gold/gguf/llama.gguf')
      const args = name === 'folder' ? [small, '--to', 'folder'] : [model]
      const converting = printed('convert', args[0], join(place, name), ...args.slice(1))
      await expect(converting).rejects.toThrow(/^convert: cannot write [^\n]+ \(ENOSPC\)\.$/)
      expect(readdirSync(place)).toEqual([])
    }
  })
})
