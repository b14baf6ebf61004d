/** A learner in a child process: it saves after every step, and halts in a state that its parent has named. */
import { Learner, type LearnerOptions, type LearnerState, type TokenBatch } from '@burgeon/continual'
import { Gpt, hasCheckpoint, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { haltAt, haltingDisk, type Passing } from './halt-at.ts'

/** What such a life is made of. */
interface Lived {
  readonly sizes: Parameters<typeof Gpt.create>[0]
  readonly parts: () => Omit<LearnerOptions, 'model'>
  readonly batchAt: (step: number) => TokenBatch
  readonly steps: number
}

/** A life whose parts may pass states of their own. */
export interface ChildLife {
  readonly pass: Passing
  /** Where the life is, for the names of states. */
  about(): string
  /** Begins it or goes on, to its last step. */
  live(lived: Lived): Promise<void>
}

/** The life in the folder, and with the state, that the command line names. */
export function childLife(): ChildLife {
  const [folder, wanted] = process.argv.slice(2)
  const pass = haltAt(wanted)
  let step = 0
  const about = (): string => `step ${step}:`
  return {
    pass,
    about,
    async live({ sizes, parts, batchAt, steps }) {
      const disk = haltingDisk(nodeDisk(folder), pass, about, wanted)
      pass('awake')
      const learner = (await hasCheckpoint(disk))
        ? Learner.fromState((await readCheckpoint(disk)).learner as LearnerState, parts())
        : new Learner({ model: Gpt.create(sizes, { seed: 5 }), ...parts() })
      while (learner.step < steps) {
        step = learner.step + 1
        await learner.observe(batchAt(learner.step))
        pass(`${about()} learnt`)
        await writeCheckpoint(disk, { learner: await learner.toState() })
      }
      process.stdout.write('lived\n')
    },
  }
}
