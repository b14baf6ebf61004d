/**
 * A process that holds one stage of a model and answers its leader over its pipes 3 and 4. It refuses to hold more
 * learnt numbers than its limit. What it is to hold comes as JSON in its first argument.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { adamw } from '@burgeon/autograd/optim'
import { ModelStage, SavedStages, splitStages, StageWorker } from '@burgeon/cluster'
import { answerStream } from '@burgeon/cluster/node'
import { type GptSizes, gptConfig } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { setDefaultDevice } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'

/** What such a process is told. */
export interface StageTask {
  readonly sizes: GptSizes
  readonly seed: number
  readonly index: number
  /** Learnt numbers that a process may hold. */
  readonly maxParameters: number
  readonly folder: string
  /** Whether it goes on from the checkpoint of the folder. */
  readonly resumes: boolean
}

const task = JSON.parse(process.argv[2]) as StageTask
setDefaultDevice(openWasm())
const disk = nodeDisk(task.folder)
const optimizer = adamw({ learningRate: 0.01 })
const config = gptConfig(task.sizes)
const share = splitStages(config, { maxParameters: task.maxParameters })[task.index]
const saved = task.resumes ? await (await SavedStages.open(disk)).stage(share) : undefined
const stage = saved?.stage ?? ModelStage.create(config, share, { seed: task.seed })
if (stage.parameters.size > task.maxParameters) throw new Error(`holds ${stage.parameters.size}`)
const worker = new StageWorker(stage, { optimizer, disk })
if (saved) worker.restore(saved.learning)
await answerStream(worker, createReadStream('', { fd: 3 }), createWriteStream('', { fd: 4 }))
