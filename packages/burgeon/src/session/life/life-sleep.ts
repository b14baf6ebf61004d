/** How a life sleeps: what it does then, and by what rows that is judged. */
import {
  consolidationJob,
  dreamJob,
  healthJob,
  heldBack,
  memoryJob,
  type Probes,
  rehearsalJob,
  type Sleep,
  sleep,
  type SleepJob,
  type Strategy,
  type Trigger,
} from '@burgeon/continual'
import type { LifeSettings } from './life-settings.ts'

/** Of what is read so much is held back; and at most so many rows are kept, and of one domain looked at. */
const [heldShare, heldRows, lookedAt] = [0.02, 128, 32]
/** More steps than any life has: rows that are held back are looked at asleep alone. */
const never = 1e15

/** Operations of a sleep, of those of the steps before it. */
export const sleptShare = 0.05

/** The parts of a life that sleeps, beside its others. */
export function sleepingParts(settings: LifeSettings, when: Trigger): Pick<Strategy, 'probes' | 'sleep'> {
  return { probes: ownProbes(settings), sleep: usualSleep(settings, when) }
}

/** The sleep of lives: a look at its health, and what its parts make possible. */
export function usualSleep(
  { memoryRows, protection, recall, labels = false }: LifeSettings,
  when: Trigger,
): Sleep {
  const jobs: readonly SleepJob[] = [
    healthJob(),
    ...(memoryRows > 0 ? [rehearsalJob()] : []),
    // What it dreamt would stand behind no label.
    ...(memoryRows > 0 && !labels ? [dreamJob()] : []),
    ...(protection > 0 ? [consolidationJob()] : []),
    ...(recall === undefined ? [] : [memoryJob()]),
  ]
  return sleep({ when, jobs, share: sleptShare })
}

const ownProbes = ({ seed }: LifeSettings): Probes =>
  heldBack({ share: heldShare, capacity: heldRows, rows: lookedAt, every: never, by: 'place', seed })
