/** The contract of a penalty, as statements to be checked in any test runner. */
import { valueAndGrad } from '@burgeon/autograd'
import { applyUpdates } from '@burgeon/autograd/optim'
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import {
  assign,
  checkArgument,
  checks,
  type Device,
  multiply,
  OptionError,
  scope,
  shown,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import {
  type CheckResult,
  complaintOf,
  copied,
  isSame,
  type Promised,
  statements,
  takenStatesAsync,
} from '@burgeon/tensor/testing'
import { aPenalty, type Penalty } from '../penalty/penalty.ts'
import { passOf } from '../model/pass.ts'
import { type Batch, batchOfTokens } from '../stream/batch.ts'

/**
 * Checks a penalty on a small model whose weights are consolidated, then moved, then consolidated again, the
 * same in every run.
 *
 * @param make Makes a fresh penalty. Each must be the same: random streams are seeded.
 * @throws OptionError if `make` does not return a penalty.
 * @example
 * ```ts
 * for (const { statement, holds, detail } of await checkPenalty(() => onlineEwc({ strength: 1 }))) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export async function checkPenalty(make: () => Penalty): Promise<CheckResult[]> {
  checkArgument('checkPenalty', 'make', make, checks.callback('a function that makes a penalty'))
  const made = (): Penalty => {
    const penalty = make()
    if (aPenalty.accepts(penalty)) return penalty
    throw new OptionError(`checkPenalty: got ${shown(penalty)} from make; expected a penalty.`)
  }
  const { name } = made()
  const device = openReference()
  const resumed = await complaintOf(() => resumes(made, device))
  const refused = await complaintOf(() => refuses(made, device))
  const grown = await complaintOf(() => grows(made, device))
  const protecting = await complaintOf(() => protectsNew(made(), device))
  const promises: Promised[] = [
    [
      'adds nothing, or a finite scalar from 0 on, before it was consolidated and after',
      () => addsWrongly(made(), device),
    ],
    ['pulls moved weights back: a step along its gradient makes it less', () => pullsWrongly(made(), device)],
    ['says truly whether it waits for a consolidation', () => waitsUntruly(made(), device)],
    ['changes no weight of the model', () => changesWeights(made(), device)],
    ['leaves no buffer behind but its mirrors', () => leavesBuffers(made(), device)],
    ['goes on to the bit after its state was saved and restored', () => resumed],
    ['follows growth that changes nothing: it adds as much as before', () => grown],
    [
      'has new weights cost something once it has judged them, and the others what they cost',
      () => protecting,
    ],
    ['refuses a state that is not its own, and stays unchanged', () => refused],
  ]
  return statements(name, promises)
}

const modelOn = (device: Device): Gpt =>
  Gpt.create({ vocabulary: 16, context: 4, embed: 8, heads: 2, layers: 2, mlpHidden: 8 }, { device, seed: 3 })

const sampleAt = (step: number): Batch =>
  batchOfTokens(
    Array.from({ length: 13 }, (_, i) => (i * (step + 3) + step) % 16),
    4,
    'stream',
  )

/**
 * Takes a step that moves every weight a little, in another direction each time, and shows it to penalties.
 * The gradients are such that it lowers the loss.
 */
function move(model: Gpt, step: number, ...penalties: readonly Penalty[]): void {
  const parameters = model.parameters.tensors()
  for (const penalty of penalties) scope(() => void lossOf(penalty, model))
  scope(() => {
    const updates: TensorsByPath = Object.fromEntries(
      Object.entries(parameters).map(([path, { device, shape, size }]) => {
        const change = Array.from({ length: size }, (_, i) => 0.05 * Math.sin(i + 7 * step + 1))
        return [path, device.tensor(change, { shape, dtype: 'f32' })]
      }),
    )
    const gradients = Object.fromEntries(
      Object.entries(updates).map(([path, update]) => [path, multiply(update, -3)]),
    )
    applyUpdates(parameters, updates)
    for (const penalty of penalties) penalty.afterUpdate?.({ step: step + 1, model, gradients, updates })
  })
}

/** Returns the penalty at the present weights. */
const added = (penalty: Penalty, model: Gpt): number | null =>
  scope(() => lossOf(penalty, model)?.readSync()[0] ?? null)

/** The rows of a step that the penalty is asked in. */
const stepAt = sampleAt(5)

/** What a penalty adds in a step of a model, as a learner asks for it. */
function lossOf(penalty: Penalty, model: Gpt, weights = model.parameters.tensors()): Tensor | null {
  return penalty.loss(weights, passOf(model, stepAt, weights))
}

function gradientOf(penalty: Penalty, model: Gpt): TensorsByPath {
  return valueAndGrad((w: TensorsByPath) => {
    const loss = lossOf(penalty, model, w)
    if (loss === null) throw new OptionError('it adds nothing, so it has no gradient')
    return loss
  })(model.parameters.tensors()).gradient
}

/** Makes a model that has learned, was protected, and has moved since. */
function moved(penalty: Penalty, device: Device): Gpt {
  const model = modelOn(device)
  move(model, 0, penalty)
  penalty.consolidate(model, sampleAt(0))
  move(model, 1, penalty)
  return model
}

function addsWrongly(penalty: Penalty, device: Device): string | null {
  const model = modelOn(device)
  for (const step of [0, 1, 2]) {
    const shape = scope(() => lossOf(penalty, model)?.shape)
    const loss = added(penalty, model)
    if (shape !== undefined && shape.length > 0) return `it added a tensor of shape [${shape.join(', ')}]`
    if (loss !== null && !(Number.isFinite(loss) && loss >= 0))
      return `after ${step} consolidations it added ${loss}`
    penalty.consolidate(model, sampleAt(step))
    move(model, step, penalty)
  }
  return null
}

function pullsWrongly(penalty: Penalty, device: Device): string | null {
  const model = moved(penalty, device)
  const before = added(penalty, model) ?? 0
  if (before === 0) return 'it adds nothing where all weights have moved'
  scope(() => {
    const weights = model.parameters.tensors()
    const gradient = gradientOf(penalty, model)
    const numbers = Object.values(gradient).flatMap((tensor) => [...tensor.readSync()])
    const square = numbers.reduce((sum, x) => sum + x * x, 0)
    if (!(square > 0 && Number.isFinite(square)))
      throw new OptionError(`its squared gradient norm is ${square}`)
    // A thousandth of the step that would make a linear function 0.
    const step = Object.entries(gradient).map(([path, g]) => [path, multiply(g, (-1e-3 * before) / square)])
    applyUpdates(weights, Object.fromEntries(step) as TensorsByPath)
  })
  const after = added(penalty, model) ?? 0
  return after < before ? null : `it added ${before}, and ${after} after the step`
}

function waitsUntruly(penalty: Penalty, device: Device): string | null {
  const model = modelOn(device)
  move(model, 1, penalty)
  const adds = (added(penalty, model) ?? 0) > 0
  return adds && penalty.waitsForConsolidation === true
    ? 'it says so, and adds to the loss of a new model'
    : null
}

function changesWeights(penalty: Penalty, device: Device): string | null {
  const model = modelOn(device)
  const numbers = (): number[][] => [...model.parameters].map(({ tensor }) => [...tensor.readSync()])
  const before = numbers()
  penalty.consolidate(model, sampleAt(0))
  added(penalty, model)
  return isSame(numbers(), before) ? null : 'weights are others after a consolidation'
}

function leavesBuffers(penalty: Penalty, device: Device): string | null {
  const model = moved(penalty, device)
  penalty.consolidate(model, sampleAt(1))
  added(penalty, model)
  const before = device.memory.buffers
  for (const step of [2, 3, 4]) {
    penalty.consolidate(model, sampleAt(step))
    added(penalty, model)
  }
  const more = device.memory.buffers - before
  return more === 0 ? null : `${more} buffers more after three consolidations`
}

async function resumes(make: () => Penalty, device: Device): Promise<string | null> {
  const [whole, other] = [make(), make()]
  const model = moved(whole, device)
  other.restore(copied(await whole.toState()), model.parameters)
  for (const step of [2, 3]) {
    if (added(other, model) !== added(whole, model)) return `in step ${step} it adds another number`
    for (const penalty of [whole, other]) penalty.consolidate(model, sampleAt(step))
    move(model, step, whole, other)
  }
  return isSame(await other.toState(), await whole.toState()) ? null : 'its state is another later'
}

async function refuses(make: () => Penalty, device: Device): Promise<string | null> {
  const penalty = make()
  const model = moved(penalty, device)
  return takenStatesAsync(
    (state) => penalty.restore(state, model.parameters),
    () => penalty.toState(),
  )
}

async function grows(make: () => Penalty, device: Device): Promise<string | null> {
  const penalty = make()
  const model = moved(penalty, device)
  const before = added(penalty, model) ?? 0
  using probe = device.tensor([1, 2, 3, 4], { shape: [1, 4], dtype: 'i32' })
  await grow(
    model,
    { kind: 'widenMlp', block: model.config.blocks[0].id, to: 12 },
    { mirrors: penalty.mirrors, probe, key: [1, 2] },
  )
  await grow(model, { kind: 'addLayer', at: 1 }, { mirrors: penalty.mirrors, probe, key: [3, 4] })
  const after = added(penalty, model) ?? 0
  if (!(Math.abs(after - before) <= 1e-6 * Math.max(1, before)))
    return `it added ${before}, and ${after} after growth`
  penalty.consolidate(model, sampleAt(4))
  move(model, 4, penalty)
  return (added(penalty, model) ?? 0) > 0 ? null : 'it adds nothing once the grown model was consolidated'
}

async function protectsNew(penalty: Penalty, device: Device): Promise<string | null> {
  if (penalty.afterGrowth === undefined) return null
  const model = moved(penalty, device)
  const [{ id, mlpHidden }] = model.config.blocks
  const { mirrors } = penalty
  await grow(model, { kind: 'widenMlp', block: id, to: 12 }, { mirrors, key: [1, 2] })
  const before = added(penalty, model) ?? 0
  penalty.afterGrowth(model, sampleAt(0))
  const after = added(penalty, model) ?? 0
  if (!(Math.abs(after - before) <= 1e-6 * Math.max(1, before)))
    return `it added ${before}, and ${after} once it had judged what is new`
  scope(() => {
    const { tensor } = model.parameters.get(`blocks.${id}.mlp.down.weight`)
    const known = mlpHidden * model.config.embed
    const numbers = [...tensor.readSync()].map((x, i) => (i < known ? x : x + 0.5))
    assign(tensor, device.tensor(numbers, { shape: tensor.shape, dtype: 'f32' }))
  })
  return (added(penalty, model) ?? 0) > after ? null : 'new weights that have moved cost nothing'
}
