/**
 * A model that begins too small and grows while it learns, by a schedule of its own and within limits. Run with
 * `node --conditions=@burgeon/source examples/grow-while-learning.ts`.
 */
import { adamw, budgeted, Gpt, growOnSchedule, Learner } from 'burgeon'

const model = Gpt.create({ context: 32, embed: 16, heads: 2, layers: 1, positions: 'rotary' })
const growth = budgeted(
  growOnSchedule([
    { step: 40, request: { kind: 'widenEmbed', to: 32 } },
    { step: 60, request: { kind: 'addHeads', block: 'b0', to: 4 } },
    { step: 80, request: ({ blocks }) => ({ kind: 'addLayer', at: blocks.length, how: 'copy' }) },
    { step: 100, request: { kind: 'widenMlp', block: 'b0', to: 10_000 } },
  ]),
  { parameters: 50_000 },
)
const learner = new Learner({
  model,
  // What is newLife warms up on its own, however old the rest is.
  optimizer: adamw({ learningRate: 5e-3, warmUp: 10 }),
  strategy: { growth },
})

const verse = [
  'Tyger Tyger, burning bright, ',
  'In the forests of the night; ',
  'What immortal hand or eye, ',
]
for (let i = 0; i < 120; i++) {
  const { step, bitsPerByte, parameters, events } = await learner.observe(verse[i % verse.length])
  for (const event of events)
    if (event.kind === 'growth') console.log(`step ${step}: ${event.data.record.summary}`)
  if (step % 30 === 0)
    console.log(`step ${step}: ${bitsPerByte.toFixed(2)} bits per byte, ${parameters} parameters`)
}
