/**
 * Three ways to learn Split-MNIST: how much is known of all tasks in the end, and a table for each with the
 * accuracy on every task after each. The argument is a folder with the four files of MNIST. Run with
 * `node --conditions=@burgeon/source examples/compare-strategies.ts DIR`.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { Learner, onlineEwc, reservoirReplay, sgd } from 'burgeon'
import { classifier, csvSink, learnTasks, splitTasks, taskEnds } from 'burgeon/continual'

// An idx file: four bytes, of which the last counts the axes, four for the size of each, then the numbers.
const idx = (name: string): Uint8Array => {
  const file = gunzipSync(readFileSync(`${process.argv[2] ?? '.'}/${name}-ubyte.gz`))
  return file.subarray(4 + 4 * file[3])
}
const digits = (set: string) => {
  const targets = Float32Array.from(idx(`${set}-labels-idx1`))
  return {
    rows: targets.length,
    inputs: Float32Array.from(idx(`${set}-images-idx3`), (x) => x / 255),
    targets,
  }
}
const stream = splitTasks(digits('train'), {
  tasks: [0, 2, 4, 6, 8].map((d) => [d, d + 1]),
  rows: 10,
  seed: 1,
})
const strategies = [
  { name: 'nothing', rate: 0.03, strategy: {} },
  {
    name: 'EWC',
    rate: 0.03,
    strategy: { penalties: [onlineEwc({ strength: 90 })], consolidateWhen: taskEnds(stream) },
  },
  { name: 'replay', rate: 0.01, strategy: { rehearsal: reservoirReplay({ capacity: 200 }) } },
]
for (const { name, rate, strategy } of strategies) {
  const model = classifier({ inputs: 784, hidden: [100, 100], classes: 10, seed: 1 })
  const learner = new Learner({ model, optimizer: sgd(rate), strategy })
  const sink = csvSink({ write: (bytes) => appendFileSync(`${name}.csv`, bytes) })
  const matrix = await learnTasks(learner, stream, digits('t10k'), { sink })
  const [known, lost] = [matrix.finalMean() ?? 0, matrix.forgetting('bestEver') ?? 0]
  console.log(`${name}: ${(known * 100).toFixed(1)} % of all, forgetting ${(lost * 100).toFixed(1)} points`)
}
