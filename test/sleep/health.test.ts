/** The health of a learner: each injury is found and named, awake and asleep, and a healthy one is called so. */
import { adamw } from '@burgeon/autograd/optim'
import {
  checkHealth,
  classifier,
  type DriftDetector,
  everySteps,
  type HealthFinding,
  type HealthRecord,
  healthJob,
  heldBack,
  Learner,
  pageHinkley,
  type Replay,
  reservoirReplay,
  sleep,
  type Strategy,
} from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { multiply, OptionError, scope } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { examples } from '../models/linear-model.ts'
import { learnerOf, live, type Parts, partsWith, resumedFrom, sleepsIn, wasm } from './sleepers.ts'

const parts = (more: Strategy = {}): Parts => ({
  ...partsWith({ detector: pageHinkley(), ...more }),
  optimizer: adamw({ learningRate: 1e-3 }),
})
const wrongIn = (findings: readonly HealthFinding[]): string[] => [
  ...new Set(findings.filter(({ ok }) => !ok).map(({ name, where }) => `${name} of ${where}`)),
]

/** Multiplies all parameters whose path is meant by numbers, one for each place. */
function scaled({ parameters, device }: Gpt, isMeant: RegExp, factorAt: (i: number) => number): void {
  for (const { path, tensor } of parameters) {
    if (!isMeant.test(path)) continue
    const factors = Float32Array.from({ length: tensor.size }, (_, i) => factorAt(i))
    scope(() => {
      const all = device.tensor(factors, { shape: tensor.shape, dtype: 'f32' })
      parameters.replace(path, multiply(tensor, all))
    })
  }
}

/** Has all hidden units read the same. */
async function alike({ parameters, device }: Gpt): Promise<void> {
  for (const { path, tensor } of parameters) {
    if (!path.includes('mlp.up.')) continue
    const { shape } = tensor
    const units = shape[shape.length - 1]
    const own = await tensor.read()
    const same = Float32Array.from(own, (_, i) => own[i - (i % units)])
    parameters.replace(path, device.tensor(same, { shape, dtype: 'f32' }))
  }
}

/** Feels nothing. */
function stuck(): DriftDetector {
  const own = pageHinkley()
  return {
    name: 'stuck',
    update: () => ({ drift: false, warning: false, direction: null, estimate: 0 }),
    reset: () => {},
    toState: () => own.toState(),
    restore: (state) => own.restore(state),
  }
}
/** Remembers nothing. */
const emptied = (): Replay => ({ ...reservoirReplay({ capacity: 20 }), remember: () => {} })
const overfull = (): Replay => ({
  ...reservoirReplay({ capacity: 20 }),
  room: { used: 21, most: 20 },
})

/** What is done to a life after its tenth step, or what it is made of; and how that is called. */
const injuries: Readonly<
  Record<string, { readonly harm?: (learner: Learner) => unknown; readonly strategy?: () => Strategy }>
> = {
  'finite weights of blocks.b0.attention.key.weight': {
    harm: ({ model }) => scaled(model, /attention\.key\.weight/, (i) => (i === 3 ? Number.NaN : 1)),
  },
  'size of weights of blocks.b0': { harm: ({ model }) => scaled(model, /^blocks\.b0/, () => 10) },
  'dormant units of blocks.b0.mlp': {
    harm: ({ model }) => scaled(model, /mlp\.up\./, (i) => (i % 8 < 3 ? 0 : 1)),
  },
  'effective rank of blocks.b0.mlp': { harm: ({ model }) => alike(model) },
  'remembered rows of replay 20 rows, share 1': { strategy: () => ({ rehearsal: emptied() }) },
  'room in memory of replay 20 rows, share 1': { strategy: () => ({ rehearsal: overfull() }) },
  'rows that are held back of held back 1e-9 of what comes, 256 rows': {
    strategy: () => ({ probes: heldBack({ share: 1e-9 }) }),
  },
  'detector of detector 0: stuck': { strategy: () => ({ detector: stuck() }) },
}

describe('from outside', () => {
  test('a healthy life is called so, twice, and is not changed', async () => {
    const learner = learnerOf(parts())
    await live(learner, 10)
    const before = structuredClone(await learner.toState())
    const first = await checkHealth(learner)
    expect(wrongIn(first.findings)).toEqual([])
    expect(await learner.toState()).toEqual(before)
    await live(learner, 14, 10)
    const { findings } = await checkHealth(learner, { record: first.record })
    expect(wrongIn(findings)).toEqual([])
    // By the record there is more to say.
    expect(findings.length).toBeGreaterThan(first.findings.length)
  })
  test.each(Object.entries(injuries))('%s', async (name, { harm, strategy = () => ({}) }) => {
    const learner = learnerOf(parts(strategy()))
    await live(learner, 10)
    const { record } = await checkHealth(learner)
    if (!harm) await live(learner, 11, 10)
    await harm?.(learner)
    const { findings } = await checkHealth(learner, { record })
    expect(wrongIn(findings)).toEqual([name])
  })
  test('moments that are none', async () => {
    const learner = learnerOf(parts())
    await live(learner, 4)
    const state = structuredClone(await learner.toState())
    for (const own of state.parts) if (own.role === 'optimizer') spoil(own.state)
    const { findings } = await checkHealth(resumedFrom(state, parts()))
    expect(wrongIn(findings)).toEqual([expect.stringMatching(/^finite moments of .*adamw/i)])
  })
  test('of a classifier', async () => {
    const learner = new Learner({
      model: classifier({ inputs: 3, hidden: [4], classes: 2, seed: 1, device: wasm }),
      optimizer: adamw({ learningRate: 1e-2 }),
      strategy: { rehearsal: reservoirReplay({ capacity: 20 }), probes: heldBack({ share: 0.3 }) },
    })
    for (let step = 0; step < 4; step++) await learner.observe(examples(8 * step, 8 * step + 8))
    const { findings } = await checkHealth(learner)
    expect(findings.map(({ name }) => name)).toContain('dormant units')
    expect(findings.map(({ name }) => name)).toContain('remembered rows')
  })
  test('what is no learner, or no record, is refused', async () => {
    await expect(checkHealth(3 as never)).rejects.toThrow(OptionError)
    const record = { step: -1, weights: {}, detectors: {} }
    await expect(checkHealth(learnerOf(parts()), { record })).rejects.toThrow(OptionError)
  })
})

/** Puts NaN into the first numbers that are found. */
function spoil(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof Float32Array && value.length > 0) {
    value[0] = Number.NaN
    return true
  }
  return Object.values(value).some(spoil)
}

describe('asleep', () => {
  const sleeping = (strategy: Strategy): Parts =>
    parts({ ...strategy, sleep: sleep({ when: everySteps(10), jobs: [healthJob()] }) })
  test.each(Object.entries(injuries))('%s is named in the next sleep', async (name, { harm, strategy }) => {
    const learner = learnerOf(sleeping(strategy?.() ?? {}))
    await live(learner, 10)
    const own = harm ? [] : [name].filter((each) => !each.startsWith('detector'))
    const [first] = sleepsIn(learner.journal)
    expect(wrongIn(first.jobs[0].findings ?? [])).toEqual(own)
    await harm?.(learner)
    // What is not finite cannot be learnt from, but slept on.
    const isFinite = !name.startsWith('finite')
    if (isFinite) await live(learner, 19, 10)
    if (harm && isFinite) await harm(learner)
    if (isFinite && !harm) await live(learner, 20, 19)
    else await learner.sleep()
    const [job] = sleepsIn(learner.journal).at(-1)?.jobs ?? []
    expect(wrongIn(job.findings ?? [])).toContain(name)
    expect(job).toMatchObject({ job: 'health', kept: true })
    expect(job.after).toBeGreaterThan(0)
    expect(job.reason).toContain(name)
  })
  test('the record goes on in a resumed life', async () => {
    const whole = learnerOf(sleeping({}))
    await live(whole, 20)
    const first = learnerOf(sleeping({}))
    await live(first, 13)
    const resumed = resumedFrom(await first.toState(), sleeping({}))
    await live(resumed, 20, 13)
    expect(await resumed.toState()).toEqual(await whole.toState())
    expect(sleepsIn(whole.journal)[1].jobs[0].reason).toMatch(/^\d+ checks hold$/)
    const { parts: states } = await whole.toState()
    const [{ jobs }] = states.flatMap(({ role, state }) =>
      role === 'sleep' ? [state as { readonly jobs: readonly { readonly record: HealthRecord }[] }] : [],
    )
    expect(jobs[0].record.step).toBe(20)
  })
})
