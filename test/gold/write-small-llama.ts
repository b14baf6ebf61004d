/**
 * `node --conditions=@burgeon/source test/gold/write-small-llama.ts` writes `small-llama/`: a folder in the form of Hugging Face
 * with a tokenizer, small enough to be kept here, for tests and for the documents that load a pre-trained model. It has read
 * this repository's documents for a minute, so that it predicts English better than chance.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fixedVocabulary } from '@burgeon/continual'
import { savePretrained } from '@burgeon/gpt/node'
import { adamw, Gpt, Learner } from 'burgeon'
import { PretrainedTokenizer } from 'burgeon/gpt'

const root = join(import.meta.dirname, '../..')
const folder = join(import.meta.dirname, 'small-llama')
const text = ['docs/growing.md', 'docs/getting-started.md', 'docs/continual-learning.md', 'README.md']
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n')
  .replace(/[^\n -~]/g, '')

/** The most frequent pair of words' characters, again and again. */
function merges(count: number): [string, string][] {
  const words = (text.replaceAll(' ', '▁').match(/▁?[^▁\n]+/g) ?? []).map((word) => Array.from(word))
  return Array.from({ length: count }, () => {
    const times = new Map<string, number>()
    for (const word of words) {
      for (let i = 0; i + 1 < word.length; i++) {
        const pair = `${word[i]} ${word[i + 1]}`
        times.set(pair, (times.get(pair) ?? 0) + 1)
      }
    }
    const [best] = [...times].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))[0]
    const [left, right] = best.split(' ') as [string, string]
    for (const word of words) {
      for (let i = 0; i + 1 < word.length; i++) {
        if (word[i] === left && word[i + 1] === right) word.splice(i, 2, left + right)
      }
    }
    return [left, right]
  })
}

const pairs = merges(64)
const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)
const letters = ['▁', ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))]
const tokens = ['<unk>', '<s>', '</s>', ...bytes, ...letters, ...pairs.map((pair) => pair.join(''))]
const special = (id: number) => ({
  id,
  content: tokens[id],
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
})
const tokenizerJson = {
  version: '1.0',
  added_tokens: [0, 1, 2].map(special),
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ],
  },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
  },
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  },
  model: {
    type: 'BPE',
    unk_token: '<unk>',
    byte_fallback: true,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges: pairs.map((pair) => pair.join(' ')),
  },
}
const chat_template =
  '{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}'
const tokenizerConfig = {
  tokenizer_class: 'LlamaTokenizer',
  ...{ add_bos_token: true, bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' },
  chat_template,
}
const tokenizer = new PretrainedTokenizer(tokenizerJson, tokenizerConfig)
const model = Gpt.create(
  {
    ...{ vocabulary: tokenizer.vocabulary, context: 64, embed: 24, heads: 4, kvHeads: 2, layers: 2 },
    ...{ mlpHidden: 32, positions: 'rotary', activation: 'swiglu', biases: [] },
  },
  { seed: 1 },
)
const vocabulary = fixedVocabulary(tokenizer)
const learner = new Learner({ model, optimizer: adamw({ learningRate: 3e-3 }), strategy: { vocabulary } })
for (let at = 0, step = 0; step < 600; step++, at = (at + 700) % (text.length - 800)) {
  const { bitsPerByte } = await learner.observe(text.slice(at, at + 800))
  if (step % 100 === 0) console.log(step, bitsPerByte.toFixed(2))
}
await savePretrained(model, folder)
for (const [name, json] of [
  ['tokenizer.json', tokenizerJson],
  ['tokenizer_config.json', tokenizerConfig],
] as const) {
  writeFileSync(join(folder, name), `${JSON.stringify(json)}\n`)
}
