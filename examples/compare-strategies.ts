/**
 * Three ways to learn Split-MNIST, the accuracy on every task after each, and a CSV of it. The argument is a
 * folder with the four files of MNIST. Run with
 * `node --conditions=@burgeon/source examples/compare-strategies.ts DIR`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { Learner, onlineEwc, reservoirReplay, sgd } from 'burgeon'
import { classifier, DomainMatrix, evaluateExamples, splitTasks, taskEnds } from 'burgeon/continual'

const [folder = '.'] = process.argv.slice(2)
// An idx file: four bytes, of which the last counts the axes, four for the size of each, then the numbers.
const idx = (name: string): Uint8Array => {
  const file = gunzipSync(readFileSync(`${folder}/${name}-ubyte.gz`))
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
const [train, test] = [digits('train'), digits('t10k')]
const tasks = [0, 2, 4, 6, 8].map((digit) => [digit, digit + 1])
const stream = splitTasks(train, { tasks, rows: 10, seed: 1 })
const names = stream.tasks.map(({ name }) => name)

const csv = [['strategy', 'after', ...names].join()]
for (const [name, learningRate, strategy] of [
  ['nothing', 0.03, {}],
  ['EWC', 0.03, { penalties: [onlineEwc({ strength: 90 })], consolidateWhen: taskEnds(stream) }],
  ['replay of 200', 0.01, { rehearsal: reservoirReplay({ capacity: 200 }) }],
] as const) {
  const model = classifier({ inputs: 784, hidden: [100, 100], classes: 10, seed: 1 })
  const learner = new Learner({ model, optimizer: sgd(learningRate), strategy })
  const matrix = new DomainMatrix(names, { better: 'higher' })
  for await (const batch of stream) {
    const { step } = await learner.observe(batch)
    const ended = stream.tasks.at(stream.boundaries.indexOf(step))
    if (!stream.boundaries.includes(step) || ended === undefined) continue
    const found: number[] = []
    for (const task of stream.tasks) {
      const { accuracy } = await evaluateExamples(model, stream.examplesOf(task, test))
      matrix.record(ended.name, task.name, accuracy ?? 0)
      found.push(accuracy ?? 0)
    }
    csv.push([name, ended.name, ...found.map((share) => share.toFixed(4))].join())
  }
  console.log(
    `${name}: ${((matrix.finalMean() ?? 0) * 100).toFixed(1)} % of all, forgetting ${matrix.forgetting('bestEver')?.toFixed(3)}`,
  )
}
writeFileSync('strategies.csv', `${csv.join('\n')}\n`)
console.log(csv.join('\n'))
