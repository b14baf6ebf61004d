/**
 * `npm run bench -- unattended [--steps N]`: whether a life that nobody looks after finds what goes wrong, and loses
 * nothing by it.
 *
 * A tiny life on disk learns what its journal holds, 50,000 steps unless told otherwise, and sleeps 25 times. Eleven
 * faults come one after another, each with a sleep of its own: over the learner when it has woken, in the midst of its
 * work or before it sleeps, or on disk. Each has to be named by the step that meets it, by the look at its health in the sleep, or by `lifeHealth` at
 * that moment, and is mended as a supervisor would: what the learner has, by going back to the last sound checkpoint and
 * learning again out of the journal; what the disk has, by a copy, or by letting go of a checkpoint.
 *
 * Controls: the same life without faults, in which nothing may be found; and its weights, which are those of the life
 * with faults at the end, to the bit, where nothing was lost.
 */
import { atLeast, atMost, type Benchmark } from '../benchmark.ts'
import { faults } from './faults.ts'
import { type Lived, unattended } from './unattended-life.ts'

/** Sleeps of a life: two before the first fault, eleven with one, and the rest without. */
const sleeps = { whole: 25, quick: 14 }
const usualSteps = { whole: 50_000, quick: 1_400 }

export const unattendedLife: Benchmark = async ({ quick, steps, note, once }) => {
  const form = quick ? 'quick' : 'whole'
  const every = Math.max(20, Math.floor((steps ?? usualSteps[form]) / sleeps[form]))
  const size = { sleeps: sleeps[form], every }
  const live = async (name: string, own: typeof faults): Promise<Lived> => {
    const life = await once(`${name}, ${size.sleeps} sleeps, ${every} steps each`, () =>
      unattended(size, own),
    )
    note(`${name}: ${JSON.stringify(life)}`)
    return life
  }
  const control = await live('without faults', [])
  const faulty = await live('eleven faults', faults)
  return {
    rows: [
      ...faulty.faults.map(({ name, after, by }) => ({
        case: name,
        metric: `steps until it was named${by === '' ? '' : `, by ${by}`}`,
        value: after ?? Number.NaN,
        unit: '',
      })),
      ...[
        { about: 'without faults', life: control },
        { about: 'eleven faults', life: faulty },
      ].flatMap(({ about, life }) => [
        { case: about, metric: 'loss of the first tenth', value: life.first, unit: 'bits/byte' },
        { case: about, metric: 'loss of the last tenth', value: life.last, unit: 'bits/byte' },
        { case: about, metric: 'steps', value: life.steps, unit: '' },
        { case: about, metric: 'sleeps', value: life.sleeps, unit: '' },
      ]),
    ],
    checks: checksOf(control, faulty),
  }
}

/** The bounds of the two lives. */
export const checksOf = (control: Lived, faulty: Lived): Awaited<ReturnType<Benchmark>>['checks'] => [
  atLeast(
    'faults that were named within one sleep',
    faulty.faults.filter(({ after }) => after !== null).length,
    11,
  ),
  atMost('findings of the life without faults', control.strays.length, 0),
  atMost('findings in sleeps without a fault', faulty.strays.length, 0),
  atMost(
    'weights at the end that differ from those of the life without faults',
    Number(faulty.weights !== control.weights),
    0,
  ),
  atMost('loss of the last tenth, of the first', faulty.last / faulty.first, 0.9),
  atMost('checkpoints that cannot be read at the end', faulty.kept - faulty.read, 0),
  atMost('experiences that are missing', control.experiences - faulty.experiences, 0),
]
