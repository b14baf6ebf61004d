/**
 * A child process that saves checkpoints of ages FROM, FROM + 1, … into a folder, as often and as fast as it can, and writes a line after
 * each. `node saver.ts FOLDER FROM COUNT [hold]`; with `hold` it takes the folder for a session first and never lets go.
 */
import { writeCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'

/** Different in every place for every `age`, and large enough that a save takes a while. */
export const partsOf = (age: number): Record<string, unknown> => ({
  model: { weights: { 'a.weight': { shape: [4096], data: new Float32Array(4096).fill(age) } } },
  learner: { step: age, seen: new Int32Array(300).fill(age) },
})

if (process.argv[1] === import.meta.filename) {
  const [folder, from, count, hold] = process.argv.slice(2)
  const disk = nodeDisk(folder)
  if (hold !== undefined) await disk.lock('session')
  process.stdout.write('ready\n')
  for (let i = 0; i < Number(count); i++) {
    await writeCheckpoint(disk, partsOf(Number(from) + i))
    process.stdout.write(`${Number(from) + i}\n`)
  }
}
