/** Two adapters over one model: each learns a text, and rows of one batch are written by one, the other, or none. Run with `node --conditions=@burgeon/source examples/adapters.ts`. */
import { adamw, byteTokenizer, Gpt, Learner } from 'burgeon'
import { fineTune } from 'burgeon/continual'
import { type LoraAdapter, mergeLora } from 'burgeon/gpt'

const [general, sea, wood] = ['the day is long and ', 'the sea is wide and ', 'the wood is old and ']
const model = Gpt.create({ context: 20, embed: 32, heads: 4, layers: 2, mlpHidden: 64 }, { seed: 1 })
const learner = new Learner({ model, optimizer: adamw({ learningRate: 4e-3 }) })
for (let i = 0; i < 120; i++) await learner.observe(general.repeat(2))

async function taught(text: string): Promise<LoraAdapter> {
  const adapter = { rank: 8, alpha: 16, targets: ['query', 'value', 'up', 'down'] } as const
  const tuning = fineTune(model, { adapter, optimizer: adamw({ learningRate: 1e-2 }) })
  for (let i = 0; i < 120; i++) await tuning.observe(text.repeat(2))
  tuning.dispose()
  return tuning.adapter
}

const adapters = [null, await taught(sea), await taught(wood)]
const options = { tokens: 16, temperature: 0, tokenizer: byteTokenizer }
const rows = await model.generate(['the ', 'the ', 'the '], { ...options, adapters })
for (const { text } of rows) console.log(JSON.stringify(text))
// → "day is long and "
// → "sea is wide and "
// → "wood is old and "

// Merged, the model alone writes as with the adapter; unmerged, it is what it was, byte for byte.
const merged = mergeLora(model, adapters[1] as LoraAdapter)
console.log((await model.generate('the ', options)).text === rows[1].text) // → true
await merged.unmerge()
console.log((await model.generate('the ', options)).text === rows[0].text) // → true
