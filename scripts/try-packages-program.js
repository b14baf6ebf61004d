/** What `try-packages.ts` runs in a stranger's project: `node program.js ENTRY…` imports every entry and trains. */
import assert from 'node:assert/strict'
import { byteTokenizer, generate, Gpt, Learner } from 'burgeon'
import { adamw, chain, clipByGlobalNorm } from 'burgeon/optim'

const entries = new Map()
for (const name of process.argv.slice(2)) entries.set(name, await import(name))
console.log(`imported: ${[...entries.keys()].join(', ')}`)

// The paths of the front door offer everything that the four main entries do, and the same things, not copies. What has
// no path there is imported by its own name.
const byThemselves = ['@burgeon/senses', '@burgeon/cluster', '@burgeon/server']
for (const [name, entry] of entries) {
  if (!/^@burgeon\/\w+$/.test(name)) continue
  assert.ok(Object.keys(entry).length > 0, `${name} exports nothing`)
  if (byThemselves.includes(name)) continue
  const door = entries.get(name.slice(1))
  for (const [key, value] of Object.entries(entry))
    assert.equal(door[key], value, `${name.slice(1)} lacks ${key} of ${name}`)
}

const model = Gpt.create({ context: 16, embed: 16, heads: 2, layers: 1 }, { seed: 1 })
const learner = new Learner({ model, optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: 1e-2 })) })
const losses = []
for (let i = 0; i < 3; i++) losses.push((await learner.observe('All work and no play. ')).loss)
console.log(
  `losses of three steps on ${model.device.name}: ${losses.map((loss) => loss.toFixed(4)).join(', ')}`,
)
assert.ok(losses.every(Number.isFinite) && losses[2] < losses[0], 'the model does not learn')

const written = []
for await (const token of generate(model, byteTokenizer.encode('All'), { tokens: 5 })) written.push(token)
assert.equal(written.length, 5)
