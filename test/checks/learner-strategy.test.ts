/** A strategy whose parts could never do anything is refused when the learner is built, however it was put together. */
import { adamw } from '@burgeon/autograd/optim'
import {
  afterDrift,
  anyOf,
  budgeted,
  compose,
  type Controller,
  everySteps,
  firstOf,
  growingVocabulary,
  forgetAtMost,
  growOnConflict,
  growOnDrift,
  heldBack,
  onApproval,
  growOnPlateau,
  Learner,
  neverTrigger,
  onDrift,
  onlineEwc,
  pageHinkley,
  reservoirReplay,
  type Strategy,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'

const device = openReference()
const sizes = { context: 8, embed: 8, heads: 2, layers: 1 }
const learnerOf = (strategy: Strategy): Learner =>
  new Learner({
    model: Gpt.create(sizes, { device, seed: 1 }),
    optimizer: adamw({ learningRate: 1e-3 }),
    strategy,
  })
const ewc = (): Strategy => ({ penalties: [onlineEwc({ strength: 5 })] })
const calm: Controller<null> = {
  name: 'calm',
  initial: null,
  decide: () => ({ knobs: {}, reason: null, state: null }),
}
const onPlateau = growOnPlateau({ window: 8, patience: 8 })

describe('a learner', () => {
  test.each<[string, () => Strategy, string]>([
    ['EWC that nothing consolidates', ewc, 'consolidateWhen'],
    [
      'the same beside replay',
      () => compose({ rehearsal: reservoirReplay({ capacity: 9 }) }, ewc()),
      'consolidateWhen',
    ],
    [
      'EWC consolidated on drift, without a detector',
      () => ({ ...ewc(), consolidateWhen: onDrift }),
      'detector',
    ],
    ['EWC some steps after drift', () => compose(ewc(), { consolidateWhen: afterDrift(3) }), 'detector'],
    [
      'either of two such triggers',
      () => ({ ...ewc(), consolidateWhen: anyOf(onDrift, afterDrift(3)) }),
      'detector',
    ],
    ['growth on drift', () => ({ growth: growOnDrift({ patience: 5 }) }), 'no detector'],
    [
      'growth on drift within limits',
      () => ({ growth: budgeted(growOnDrift({ patience: 5 }), { growths: 1 }) }),
      'no detector',
    ],
    [
      'growth on drift among others',
      () => ({ growth: firstOf(onPlateau, growOnDrift({ patience: 5 })) }),
      'no detector',
    ],
    ['growth on conflict', () => ({ growth: growOnConflict() }), 'no such controller'],
    [
      'growth on conflict within limits, beside a controller that is never at its stop',
      () => ({ growth: budgeted(growOnConflict(), { growths: 1 }), controller: calm }),
      'no such controller',
    ],
    [
      'growth on conflict among others, on approval',
      () => ({ growth: onApproval(firstOf(onPlateau, growOnConflict())) }),
      'no such controller',
    ],
    [
      'words on drift',
      () => ({ vocabulary: growingVocabulary({ tokens: 300, growWhen: onDrift }) }),
      'no detector',
    ],
  ])('refuses %s', (_, strategy, hint) => {
    expect(() => learnerOf(strategy())).toThrow(OptionError)
    expect(() => learnerOf(strategy())).toThrow(hint)
  })

  test.each<[string, () => Strategy]>([
    ['EWC with a detector', () => ({ ...ewc(), detector: pageHinkley() })],
    ['EWC by steps', () => compose(ewc(), { consolidateWhen: everySteps(5) })],
    ['EWC by steps or on drift', () => ({ ...ewc(), consolidateWhen: anyOf(onDrift, everySteps(5)) })],
    ['EWC that is told never to consolidate', () => ({ ...ewc(), consolidateWhen: neverTrigger })],
    [
      'growth on drift with a detector',
      () => ({ growth: growOnDrift({ patience: 5 }), detector: pageHinkley() }),
    ],
    [
      'growth on conflict beside a bound on forgetting',
      () => ({ growth: growOnConflict(), controller: forgetAtMost(), probes: heldBack() }),
    ],
    ['no part at all', () => ({})],
  ])('takes %s', (_, strategy) => {
    expect(() => learnerOf(strategy())).not.toThrow()
  })

  test('with the example of compose consolidates', async () => {
    const strategy = compose(
      { rehearsal: reservoirReplay({ capacity: 9 }) },
      { ...ewc(), consolidateWhen: everySteps(2) },
    )
    const learner = learnerOf(strategy)
    for (let i = 0; i < 4; i++) await learner.observe('some text')
    expect(learner.journal.filter(({ kind }) => kind === 'consolidation')).toHaveLength(2)
  })

  test.each<[unknown, string]>([
    [{ penalty: [] }, "did you mean 'penalties'?"],
    [{ rehersal: reservoirReplay({ capacity: 9 }) }, "did you mean 'rehearsal'?"],
    [{ rehearsal: 500 }, 'a rehearsal'],
    [{ penalties: onlineEwc({ strength: 1 }) }, 'a list of penalties'],
    [{ detector: {} }, 'a drift detector'],
    [null, 'strategy null'],
  ])('and compose refuse the strategy %j', (strategy, hint) => {
    expect(() => learnerOf(strategy as Strategy)).toThrow(hint)
    expect(() => compose(strategy as Strategy)).toThrow(OptionError)
  })
})
