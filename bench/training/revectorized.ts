/** `node revectorized.ts CASE STEPS`: our steps with V8's revectorisation, in a process of its own, for the switch is process-wide. */
import { openWasm } from '@burgeon/tensor/wasm'
import { ourTrainer } from './our-trainer.ts'
import { baby, gpt2Small, tiny } from './sizes.ts'

const [name, steps] = process.argv.slice(2)
const sizes = [tiny, baby, gpt2Small].find((one) => one.name === name)
if (sizes === undefined) throw new RangeError(`revectorized: got case ${name}.`)
const trainer = ourTrainer(sizes, openWasm({ revectorize: true }))
const { losses, milliseconds } = await trainer.run(0, Number(steps))
console.log(JSON.stringify({ losses, milliseconds }))
