/** A model that fits no process of a small limit learns and writes in two, as it would as a whole; a stage that is killed costs the step at hand. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { adamw } from '@burgeon/autograd/optim'
import { SavedStages, ShardedModel, splitStages } from '@burgeon/cluster'
import { streamLink } from '@burgeon/cluster/node'
import { Gpt, type GptSizes, gptConfig } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { OptionError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { afterEach, describe, expect, test } from 'vitest'
import { drawFrom } from '../../growth/tiny-model.ts'
import type { StageTask } from './stage-process.ts'
import { rowsOf, wholeStep } from './sharded.ts'

const program = join(import.meta.dirname, 'stage-process.ts')
const sizes: GptSizes = {
  vocabulary: 64,
  context: 16,
  embed: 32,
  heads: 4,
  layers: 4,
  positions: 'rotary',
  untiedHead: true,
}
const config = gptConfig(sizes)
const seed = 7
const whole = Gpt.create(sizes, { seed, device: openWasm() })
/** Two thirds of the model. */
const maxParameters = Math.ceil((2 / 3) * whole.parameters.size)

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function start(
  task: Partial<StageTask> & Pick<StageTask, 'index' | 'folder'>,
  errors: 'inherit' | 'ignore' = 'inherit',
) {
  const told: StageTask = { sizes, seed, maxParameters, resumes: false, ...task }
  const child = spawn(process.execPath, ['--conditions=@burgeon/source', program, JSON.stringify(told)], {
    stdio: ['ignore', 'inherit', errors, 'pipe', 'pipe'],
  })
  children.push(child)
  const [, , , output, input] = child.stdio as unknown as [null, null, null, Writable, Readable]
  return { child, link: streamLink(input, output) }
}

async function startBoth(folder: string, resumes = false) {
  const processes = [0, 1].map((index) => start({ index, folder, resumes }))
  const model = await ShardedModel.connect(
    processes.map(({ link }) => link),
    { microBatches: 2 },
  )
  return { processes, model }
}

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'stages-'))

describe('a model that no process may hold', () => {
  test('learns and writes in two as the whole one does', async () => {
    expect(whole.parameters.size).toBeGreaterThan(maxParameters)
    expect(() => splitStages(config, { maxParameters: maxParameters / 4 })).toThrow(OptionError)
    const shares = splitStages(config, { maxParameters })
    expect(shares).toHaveLength(2)
    const folder = newFolder()
    const { model } = await startBoth(folder)
    const optimizer = adamw({ learningRate: 0.01 })
    const random = drawFrom(1)
    for (let step = 0; step < 4; step++) {
      const batch = rowsOf(whole, random, 4)
      const expected = wholeStep(whole, optimizer, step, batch, { parts: 2 })
      const { loss, losses } = await model.learn(batch)
      expect(Array.from(losses)).toEqual(expected.losses)
      expect(Math.abs(loss / expected.loss - 1)).toBeLessThan(1e-6)
    }
    const options = { tokens: 24, seed: 3, logProbabilities: 0 }
    expect(await model.generate([1, 2, 3], options)).toEqual(await whole.generate([1, 2, 3], options))
    // What both of them have saved is the whole model, bit for bit.
    await model.save(nodeDisk(folder))
    const saved = await SavedStages.open(nodeDisk(folder))
    const { stage } = await saved.stage(saved.split({ stages: 1 })[0], openWasm())
    for (const { path, tensor } of whole.parameters) {
      expect([...(await stage.parameters.get(path).tensor.read())], path).toEqual([...tensor.readSync()])
    }
  })
  test('of which a block is too much for a process: it does not start, and the leader is told', async () => {
    const tooFew = Math.ceil(whole.parameters.size / 8)
    const { link } = start({ index: 0, folder: newFolder(), maxParameters: tooFew }, 'ignore')
    await expect(ShardedModel.connect([link])).rejects.toThrow('stage 0 cannot be reached')
  })
})

test('a stage that is killed: the step is refused, and all go on from the checkpoint with the same bits', async () => {
  const [folder, other] = [newFolder(), newFolder()]
  const [{ model, processes }, undisturbed] = [await startBoth(folder), await startBoth(other)]
  const batch = (at: number) => rowsOf(whole, drawFrom(at), 4)
  for (const at of [1, 2]) for (const each of [model, undisturbed.model]) await each.learn(batch(at))
  await model.save(nodeDisk(folder))
  const step = model.learn(batch(3))
  processes[1].child.kill('SIGKILL')
  await expect(step).rejects.toThrow('stage 1 cannot be reached')
  await expect(Promise.resolve(model.generate([1], { tokens: 2 }))).rejects.toThrow('has gone')
  const resumed = await startBoth(folder, true)
  expect(resumed.model.step).toBe(2)
  for (const at of [3, 4]) {
    const [a, b] = [await resumed.model.learn(batch(at)), await undisturbed.model.learn(batch(at))]
    expect(a).toEqual(b)
  }
})
