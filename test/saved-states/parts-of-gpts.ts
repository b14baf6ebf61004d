/** Parts whose states belong to a GPT, and how they get them. */
import * as continual from '@burgeon/continual'
import { multiply, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { stepOf } from '../continual/step-of.ts'
import { rowsOf, tinyModel } from '../continual/tiny-learner.ts'
import type { Part } from './parts.ts'

const device = openReference()
const batch = () => rowsOf([1, 2, 3, 4, 5], [3, 4, 5, 6, 7])

/** Labels: one more with every step. */
export const labels: Part = (steps) => {
  const model = tinyModel(device)
  const part = continual.contextLabels()
  const goOn = () => {
    const token = part.labels.length
    const rows = rowsOf([1, 2, 3, 4, 5])
    const named = { ...rows, domains: [`domain ${token}`] }
    part.add(part.newIn(named), token)
    part.note(named)
    return part.contextsOf()
  }
  for (let i = 0; i < steps; i++) goOn()
  return { toState: () => part.toState(), restore: (state) => part.restore(state, model.parameters), goOn }
}

/** An average of weights that change with every step. */
export const averages: Part = (steps) => {
  const model = tinyModel(device)
  const part = continual.averagedWeights()
  const goOn = () => {
    const [{ path, tensor }] = model.parameters
    scope(() => model.parameters.replace(path, multiply(tensor, 1.5)))
    part.update(model)
  }
  for (let i = 0; i < steps; i++) goOn()
  return { toState: () => part.toState(), restore: (state) => part.restore(state, model.parameters), goOn }
}

/** A freezing that measures in every step. */
export const freezing: Part = async (steps) => {
  const model = tinyModel(device)
  const part = continual.freezeConverged({ every: 1, patience: 2 })
  let step = 0
  const goOn = () => part.afterStep({ ...stepOf(batch(), model), step: ++step })
  for (let i = 0; i < steps; i++) await goOn()
  return { toState: () => part.toState(), restore: (state) => part.restore(state), goOn }
}

/** A memory of feedback of every kind; it hears more with every step. */
export const told: Part = (steps) => {
  const memory = continual.feedbackMemory({
    capacity: 9,
    beside: continual.reservoirReplay({ capacity: 3 }),
  })
  const answer = { prompt: [1, 2], tokens: [3, 4], text: 'an answer', logProbability: -3 }
  memory.correct({ ...answer, tokens: [4, 3] }, answer, { weight: 0.5 })
  memory.reject({ ...answer, tokens: [3] }, { source: 'a reader' })
  let heard = 0
  const goOn = () => {
    memory.accept({ ...answer, tokens: [5 + heard++] })
    memory.reward(answer, heard)
    memory.remember(stepOf(batch()))
  }
  for (let i = 0; i < steps; i++) goOn()
  return { toState: () => memory.toState(), restore: (state) => memory.restore(state), goOn }
}

/** A job in sleeps after ever more steps. */
const asleep =
  (make: () => continual.SleepJob): Part =>
  async (steps) => {
    const model = tinyModel(device)
    const part = make()
    const parts: continual.SleepParts = {
      ...{
        model,
        penalties: [],
        projections: [],
        mirrors: [],
        budget: { parameters: Infinity },
        key: [0, 1],
        rehearsal: continual.reservoirReplay({ capacity: 2 }),
      },
      ...{ hasVocabulary: false, hasLabels: false, maySaturate: false },
    }
    part.begin?.(parts)
    let step = 0
    const goOn = () => {
      const between = (rows: continual.Batch): continual.StepContext => ({
        ...stepOf(rows as continual.TokenBatch, model),
        step: ++step,
      })
      const learnt = () => Promise.resolve(null)
      return part.run({
        ...{ ...parts, step, left: 0, pay: () => false, between, sample: batch },
        ...{
          rehearse: learnt,
          learn: learnt,
          measure: () => Promise.resolve([{ domain: 'a', bits: 2 }]),
          states: () => Promise.resolve([]),
        },
        attempt: (work) => work(),
      })
    }
    for (let i = 0; i < steps; i++) await goOn()
    return { toState: () => part.toState?.(), restore: (state) => part.restore?.(state), goOn }
  }

/** A growth policy that is asked. */
export const growthAsleep = asleep(() => continual.growthJob(continual.pruneDormant({ every: 1, looks: 2 })))

/** Faults of a learner. */
export const repairAsleep = asleep(() => continual.repairJob())

/** A look at what a learner is. */
export const healthAsleep = asleep(() => continual.healthJob())
