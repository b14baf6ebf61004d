/** Machines that take every step together: the bits of one machine with all their rows. */
import { accumulate, adamw, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { ClusterError, memoryBlobs, memoryLog, sharedGradients } from '@burgeon/cluster'
import {
  batchOfTokens,
  type GradientExchange,
  gradientParts,
  growOnPlateau,
  heldBack,
  l2ToInitial,
  Learner,
  reservoirReplay,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { NonFiniteError, OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const [rows, length, steps] = [8, 12, 6]

const madeWith = (exchange?: GradientExchange): Learner =>
  new Learner({
    model: Gpt.create({ vocabulary: 256, context: 16, embed: 16, heads: 2, layers: 2 }, { seed: 4 }),
    optimizer: chain(clipByGlobalNorm(0.5), adamw({ learningRate: 3e-3 })),
    ...(exchange && { exchange }),
  })

/** The rows of a step that one machine of several takes; the last ones end before the others. */
function rowsOf(step: number, from: number, to: number): TokenBatch {
  const tokens = Array.from({ length: (to - from) * (length + 1) }, (_, i) => {
    const [row, at] = [from + Math.floor(i / (length + 1)), i % (length + 1)]
    if (row === rows - 1 && at > 4) return -1
    return (step * 31 + row * 17 + at * (row + 3)) % 256
  })
  return {
    rows: to - from,
    length,
    tokens: Int32Array.from(tokens),
    domains: Array.from({ length: to - from }, () => 'text'),
  }
}

const weightsOf = async ({ model }: Learner): Promise<unknown> => (await model.toState()).weights

/** Machines that learn together: their learners after all steps. */
async function together(count: number, until: number = steps): Promise<Learner[]> {
  const place = { log: memoryLog(), blobs: memoryBlobs() }
  const members = Array.from({ length: count }, (_, i) => `m${i}`)
  const each = rows / count
  const learners = members.map((name) => madeWith(sharedGradients({ ...place, name, members })))
  for (let step = 0; step < until; step++) {
    await Promise.all(learners.map((learner, i) => learner.observe(rowsOf(step, i * each, (i + 1) * each))))
  }
  return learners
}

async function alone(exchange?: GradientExchange): Promise<Learner> {
  const learner = madeWith(exchange)
  for (let step = 0; step < steps; step++) await learner.observe(rowsOf(step, 0, rows))
  return learner
}

test.each([1, 2, 4, 8])(
  '%i machines learn the bits of one that takes the same parts one after another',
  async (count) => {
    const learners = await together(count)
    const one = await weightsOf(await alone(gradientParts(count)))
    for (const learner of learners) expect(await weightsOf(learner)).toEqual(one)
  },
)

test('parts differ from the whole by rounding alone, and from other rows by more', async () => {
  const [whole, parts] = [await alone(), await alone(gradientParts(4))]
  const far = await farthest(whole, parts)
  expect(far).toBeLessThan(1e-5)
  expect(await farthest(whole, madeWith())).toBeGreaterThan(1e-3)
  // In parts the mean of the losses is that of all rows, the short one included.
  const [a, b] = [await whole.observe(rowsOf(9, 0, rows)), await parts.observe(rowsOf(9, 0, rows))]
  expect(b.loss).toBeCloseTo(a.loss, 5)
  expect(b.gradientNorm).toBeCloseTo(a.gradientNorm, 4)
  expect(b.rowLosses).toHaveLength(rows)
  expect(b.tokens).toBe(a.tokens)
})

async function farthest(a: Learner, b: Learner): Promise<number> {
  const [one, other] = [(await a.model.toState()).weights, (await b.model.toState()).weights]
  return Math.max(
    ...Object.keys(one).map((path) =>
      Math.max(...Array.from(one[path].data, (x, i) => Math.abs(x - other[path].data[i]))),
    ),
  )
}

test('accumulating equal parts comes near; what counts predictions does not depend on how rows are dealt', async () => {
  const learner = new Learner({
    model: Gpt.create({ vocabulary: 256, context: 16, embed: 16, heads: 2, layers: 2 }, { seed: 4 }),
    optimizer: accumulate(2, chain(clipByGlobalNorm(0.5), adamw({ learningRate: 3e-3 }))),
  })
  for (let step = 0; step < steps; step++) {
    for (const half of [0, 4]) await learner.observe(rowsOf(step, half, half + 4))
  }
  expect(await farthest(learner, await alone())).toBeGreaterThan(
    await farthest(await alone(gradientParts(2)), await alone()),
  )
})

test('a machine that has other weights is told so, and nothing is learnt', async () => {
  const place = { log: memoryLog(), blobs: memoryBlobs() }
  const members = ['a', 'b']
  const [a, b] = members.map((name) => madeWith(sharedGradients({ ...place, name, members })))
  await Promise.all([a, b].map((learner, i) => learner.observe(rowsOf(0, 4 * i, 4 * i + 4))))
  b.model.parameters.replace(
    'embed.token.weight',
    Gpt.create({ vocabulary: 256, context: 16, embed: 16, heads: 2, layers: 2 }).parameters.get(
      'embed.token.weight',
    ).tensor,
  )
  const before = await weightsOf(a)
  const tried = await Promise.allSettled(
    [a, b].map((learner, i) => learner.observe(rowsOf(1, 4 * i, 4 * i + 4))),
  )
  expect(tried.map((each) => each.status === 'rejected' && each.reason instanceof ClusterError)).toEqual([
    true,
    true,
  ])
  expect(await weightsOf(a)).toEqual(before)
})

test('a machine whose step was given up takes it again, and comes to the same bits', async () => {
  const undisturbed = await together(2, 2)
  const place = { log: memoryLog(), blobs: memoryBlobs() }
  const members = ['m0', 'm1']
  const given = new AbortController()
  const made = (name: string, until?: AbortSignal): Learner =>
    madeWith(sharedGradients({ ...place, name, members, ...(until && { until }) }))
  const [one, other] = [made('m0', given.signal), made('m1')]
  const waiting = one.observe(rowsOf(0, 0, 4))
  while ((await place.log.last()) < 1) await new Promise((resolve) => setTimeout(resolve, 1))
  given.abort()
  await expect(waiting).rejects.toThrow('m1 had sent gradients')
  // It begins again as a new process would; the gradients that it had sent count.
  const again = made('m0')
  for (const step of [0, 1]) {
    await Promise.all([again.observe(rowsOf(step, 0, 4)), other.observe(rowsOf(step, 4, 8))])
  }
  expect(await weightsOf(again)).toEqual(await weightsOf(undisturbed[0]))
  expect(await place.log.last()).toBe(4)
})

test('gradients that are not finite stop all machines, and none learns', async () => {
  const place = { log: memoryLog(), blobs: memoryBlobs() }
  const members = ['a', 'b']
  const learners = members.map((name) => {
    const shared = sharedGradients({ ...place, name, members })
    // What one machine works out is spoilt on its way.
    const spoilt: GradientExchange = {
      name: 'spoilt',
      exchange([{ gradients, counted }], context) {
        gradients['embed.token.weight'][7] = Number.NaN
        return shared.exchange([{ gradients, counted }], context)
      },
    }
    return madeWith(name === 'b' ? spoilt : shared)
  })
  const before = await weightsOf(learners[0])
  const tried = await Promise.allSettled(learners.map((own, i) => own.observe(rowsOf(0, 4 * i, 4 * i + 4))))
  expect(tried.map((each) => each.status === 'rejected' && each.reason instanceof NonFiniteError)).toEqual([
    true,
    true,
  ])
  for (const learner of learners) expect(await weightsOf(learner)).toEqual(before)
})

test.each([
  ['probes', { probes: heldBack() }],
  ['a penalty', { penalties: [l2ToInitial({ strength: 1 })] }],
  ['growth', { growth: growOnPlateau({ window: 8, patience: 2 }) }],
] as const)('%s beside an exchange is refused: machines would part ways', (_, strategy) => {
  const model = Gpt.create({ vocabulary: 256, context: 16, embed: 16, heads: 2, layers: 1 })
  const options = { model, optimizer: adamw({ learningRate: 1e-3 }), strategy }
  expect(() => new Learner({ ...options, exchange: gradientParts(2) })).toThrow(OptionError)
  expect(() => new Learner(options)).not.toThrow()
})

test('rehearsed rows are taken apart with the others', async () => {
  const learner = new Learner({
    model: Gpt.create({ vocabulary: 256, context: 16, embed: 16, heads: 2, layers: 1 }),
    optimizer: adamw({ learningRate: 1e-3 }),
    strategy: { rehearsal: reservoirReplay({ capacity: 20 }) },
    exchange: gradientParts(3),
  })
  await learner.observe(
    batchOfTokens(
      Array.from({ length: 41 }, (_, i) => i),
      10,
      'text',
    ),
  )
  const { rehearsedRows, rowLosses } = await learner.observe(
    batchOfTokens(
      Array.from({ length: 41 }, (_, i) => i + 50),
      10,
      'text',
    ),
  )
  expect(rehearsedRows).toBeGreaterThan(0)
  expect(rowLosses).toHaveLength(4)
})
