/**
 * `npm run bench -- mnist --data DIR [--seeds N]`: how many digits of MNIST the program of `docs/mnist.md`
 * reads, as printed there, beside a linear model, and beside itself where the labels of the training set were
 * shuffled.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adamw, mean as meanOf, scope, tensor, type Tensor, valueAndGrad } from 'burgeon'
import { applyUpdates, warmUpCosine } from 'burgeon/optim'
import { argmax, crossEntropy, gather, keyFromSeed, linear, RandomStream, zeros } from 'burgeon/tensor'
import { programsIn } from '../../scripts/doc-programs.ts'
import { atLeast, atMost, type Benchmark, mean } from '../benchmark.ts'
import { mnistFiles, mnistFolder, readIdx, writeIdx } from './idx-files.ts'

const [pixels, classes] = [784, 10]

export const mnist: Benchmark = async ({ data, seeds, quick, note }) => {
  const folder = mnistFolder('mnist', data)
  const told = (what: string, accuracy: number): number => {
    note(`${what}: ${accuracy.toFixed(2)} %`)
    return accuracy
  }
  const tried = Array.from({ length: quick ? 1 : seeds }, (_, i) => i + 1)
  const read = tried.map((seed) => told(`seed ${seed}`, programAccuracy(folder, seed)))
  const linearRead = tried.map((seed) => told(`linear, seed ${seed}`, linearAccuracy(folder, seed)))
  const shuffled = await withShuffledLabels(folder, (other) => told('shuffled', programAccuracy(other, 1)))
  const about = { metric: 'test digits read', unit: '%' }
  return {
    rows: [
      { case: 'the program of docs/mnist.md', ...about, value: mean(read), values: read },
      { case: 'a linear model', ...about, value: mean(linearRead), values: linearRead },
      { case: 'the program, labels shuffled', ...about, value: shuffled },
    ],
    checks: [
      atLeast('test digits read, %, mean of the seeds', mean(read), 97.5),
      atLeast('points above a linear model', mean(read) - mean(linearRead), 3),
      atMost('test digits read after shuffled labels, %', shuffled, 20),
    ],
  }
}

/** The output of the program, run as printed in a process of its own. */
function programAccuracy(folder: string, seed: number): number {
  const [{ text }] = programsIn('docs/mnist.md')
  const flags = ['--conditions=@burgeon/source', '--input-type=module-typescript', '-']
  const printed = execFileSync(process.execPath, [...flags, folder, `${seed}`], {
    input: text,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [, accuracy] = /^([\d.]+) % of \d+ digits\n$/.exec(printed) ?? []
  if (accuracy === undefined) throw new RangeError(`the program of docs/mnist.md printed ${printed}`)
  return Number(accuracy)
}

/** Lets something see a copy of the data in which every training image has the label of another. */
async function withShuffledLabels<T>(folder: string, body: (other: string) => T): Promise<T> {
  const other = mkdtempSync(join(tmpdir(), 'burgeon-mnist-'))
  try {
    const { train, test } = mnistFiles
    for (const name of [train.images, test.images, test.labels])
      copyFileSync(join(folder, name), join(other, name))
    const { shape, bytes } = readIdx(join(folder, train.labels))
    const [random, labels] = [new RandomStream(keyFromSeed(7)), Uint8Array.from(bytes)]
    // Fisher and Yates (1938), from the end.
    for (let i = labels.length - 1; i > 0; i--) {
      const j = random.below(i + 1)
      ;[labels[i], labels[j]] = [labels[j], labels[i]]
    }
    writeIdx(join(other, train.labels), { shape, bytes: labels })
    return body(other)
  } finally {
    rmSync(other, { recursive: true, force: true })
  }
}

function setOf(folder: string, set: keyof typeof mnistFiles): { images: Tensor; labels: Int32Array } {
  const labels = Int32Array.from(readIdx(join(folder, mnistFiles[set].labels)).bytes)
  const { bytes } = readIdx(join(folder, mnistFiles[set].images))
  const numbers = Float32Array.from(bytes, (brightness) => brightness / 255)
  return { labels, images: tensor(numbers, { shape: [labels.length, pixels] }) }
}

/** A model without a hidden layer, trained as long and in the same way. */
function linearAccuracy(folder: string, seed: number): number {
  return scope(() => {
    const [train, test] = [setOf(folder, 'train'), setOf(folder, 'test')]
    const random = new RandomStream(keyFromSeed(seed))
    const weights = { w: zeros([pixels, classes]), b: zeros([classes]) }
    const logits = (images: Tensor, { w, b }: typeof weights): Tensor => linear(images, w, b)
    const [epochs, rows] = [10, 128]
    const steps = epochs * Math.floor(train.labels.length / rows)
    const learningRate = warmUpCosine({ warmup: 20, total: steps, peak: 2e-3, final: 0 })
    const optimizer = adamw({ learningRate, weightDecay: 0.01 })
    for (let step = 0; step < steps; step++) {
      scope(() => {
        const batch = Int32Array.from({ length: rows }, () => random.below(train.labels.length))
        const images = gather(train.images, tensor(batch))
        const labels = tensor(batch.map((i) => train.labels[i]))
        const loss = (w: typeof weights): Tensor => meanOf(crossEntropy(logits(images, w), labels))
        const { gradient } = valueAndGrad(loss)(weights)
        applyUpdates(weights, optimizer.transform(gradient, { parameters: weights, step }))
      })
    }
    const read = argmax(logits(test.images, weights)).readSync()
    const right = test.labels.filter((label, i) => label === read[i]).length
    return (100 * right) / read.length
  })
}
