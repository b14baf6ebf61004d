/** A growth policy of your own: ten lines, one pure function. Run with `node --conditions=@burgeon/source examples/your-own-growth-policy.ts`. */
import { adamw, Gpt, type GrowthPolicy, Learner } from 'burgeon'

/** Widens the last block by half whenever the last ten losses are no better than the ten before. */
const whenStuck: GrowthPolicy<null> = {
  name: 'when stuck',
  initial: null,
  decide({ losses, stepsSinceGrowth, config }) {
    const mean = (from: number, to: number): number =>
      losses.slice(from, to).reduce((a, b) => a + b, 0) / (to - from)
    const stuck =
      losses.length >= 20 && stepsSinceGrowth >= 20 && mean(-10, losses.length) > 0.98 * mean(-20, -10)
    const { id, mlpHidden } = config.blocks[config.blocks.length - 1]
    const request = stuck ? ({ kind: 'widenMlp', block: id, to: Math.ceil(mlpHidden * 1.5) } as const) : null
    return { request, reason: 'ten losses no better than the ten before', state: null }
  },
}

const model = Gpt.create({ context: 32, embed: 32, heads: 4, layers: 2, mlpHidden: 16 })
const learner = new Learner({
  model,
  optimizer: adamw({ learningRate: 3e-3 }),
  strategy: { growth: whenStuck },
  budget: { parameters: 30_000 },
})
for (let i = 0; i < 120; i++) {
  const { step, events } = await learner.observe(
    `Line ${i % 7} of a short song that is sung again and again. `,
  )
  for (const event of events) {
    if (event.kind === 'growth')
      console.log(`step ${step}: ${event.data.record.summary} (${event.data.reason})`)
    if (event.kind === 'growth refused') console.log(`step ${step}: refused. ${event.data.reason}`)
  }
}
console.log(`${model.parameters.size} parameters, budget ${learner.budget.parameters}`)
