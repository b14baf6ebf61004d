/** A tokenizer of a pre-trained model that goes on learning. */
import { Gpt, MergeLearner, PretrainedTokenizer, TokenizerError } from '@burgeon/gpt'
import { Template } from '@huggingface/jinja'
import { adamw } from '@burgeon/autograd/optim'
import { everySteps, growingVocabulary, Learner, type LearnerOptions } from '@burgeon/continual'
import { OptionError, UnsupportedError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { shapes, tokenizerConfig } from './tokenizer-shapes.ts'

const of = (name: string): PretrainedTokenizer => new PretrainedTokenizer(shapes[name](), tokenizerConfig)
const text = 'Zyzzyva weevils, zyzzyva weevils: many zyzzyvas eat 日本 weevils. '.repeat(20)

/** Learns merges of a text. */
function taught(tokenizer: PretrainedTokenizer, count: number): PretrainedTokenizer {
  const learner = new MergeLearner({ tokenizer })
  learner.observe(text)
  tokenizer.add(learner.propose(tokenizer, count).map(({ merge }) => merge))
  return tokenizer
}

describe.each(Object.keys(shapes))('a tokenizer of %s that learns', (name) => {
  test('has new tokens after all others, and uses them', () => {
    const [before, after] = [of(name), taught(of(name), 15)]
    expect(after.vocabulary).toBe(before.vocabulary + 15)
    const [long, short] = [before, after].map((tokenizer) => tokenizer.encode(text))
    expect(short.length).toBeLessThan(0.8 * long.length)
    expect(Math.max(...short)).toBeGreaterThanOrEqual(before.vocabulary)
    expect(after.decode(short)).toBe(before.decode(long))
    expect(after.decode(long)).toBe(before.decode(long))
    const words = 'tokens that it knew'
    expect(after.decode(before.encode(words))).toBe(before.decode(before.encode(words)))
  })
  test('goes on from its state, and no byte is lost', () => {
    const tokenizer = taught(of(name), 15)
    const again = PretrainedTokenizer.fromState(JSON.parse(JSON.stringify(tokenizer.toState())))
    expect(again.encode(text)).toEqual(tokenizer.encode(text))
    expect(again.merges).toEqual(tokenizer.merges)
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.string({ unit: 'grapheme' }).map((some) => new TextEncoder().encode(text.slice(0, 30) + some)),
    )
    fc.assert(
      fc.property(bytes, (some) => {
        expect([...tokenizer.decodeBytes(tokenizer.encodeBytes(some))]).toEqual([...some])
      }),
    )
  })
  test('decodes one by one as all at once', () => {
    const tokenizer = taught(of(name), 15)
    fc.assert(
      fc.property(fc.array(fc.nat({ max: tokenizer.vocabulary - 1 })), (ids) => {
        const stream = tokenizer.decodeStream()
        expect(ids.map((id) => stream.step(id)).join('') + stream.end()).toBe(tokenizer.decode(ids))
      }),
    )
  })
  test('refuses a merge of what is not there, of an added token, or that exists; nothing is added then', () => {
    const tokenizer = of(name)
    const { vocabulary } = tokenizer
    const special = tokenizer.encode('<s><|endoftext|><|eot_id|>', { addSpecialTokens: false })
    const isAdded = special.find((id) => tokenizer.bytesOf(id).length === 0) as number
    const [a, b] = tokenizer.encodeBytes(Uint8Array.of(0xff, 0xfe))
    for (const wrong of [
      [a, vocabulary + 1],
      [isAdded, a],
      [a, 10 ** 6],
    ] as const) {
      expect(() => tokenizer.add([[a, b], wrong])).toThrow(OptionError)
    }
    expect(() =>
      tokenizer.add([
        [a, b],
        [a, b],
      ]),
    ).toThrow('expected a new pair of two earlier tokens')
    expect(tokenizer.vocabulary).toBe(vocabulary)
  })
})

test('new tokens begin after the rows of the model', () => {
  const tokenizer = new PretrainedTokenizer(shapes.gpt2(), {}, { vocabulary: 600 })
  tokenizer.add([[0, 1]])
  expect([tokenizer.vocabulary, tokenizer.decode([600])]).toEqual([601, '!"'])
  expect(tokenizer.decode([599])).toBe('')
  expect(() => new PretrainedTokenizer(shapes.gpt2(), {}, { vocabulary: 100 })).toThrow(OptionError)
})

test('without a token for every byte nothing is learnt', () => {
  const tokenizer = new PretrainedTokenizer({ model: { vocab: { a: 0, b: 1 }, merges: [] } })
  expect(() => tokenizer.add([[0, 1]])).toThrow(UnsupportedError)
})

test.each(['gpt2', 'llama2'])(
  'a model grows with the vocabulary of %s, and lives on after a restart',
  async (name) => {
    const partsOf = (tokenizer: PretrainedTokenizer): LearnerOptions => ({
      model: Gpt.create(
        { context: 32, embed: 8, heads: 2, layers: 1, mlpHidden: 8, vocabulary: tokenizer.vocabulary },
        { seed: 1, device: openReference() },
      ),
      optimizer: adamw({ learningRate: 1e-3 }),
      strategy: {
        vocabulary: growingVocabulary({
          tokenizer,
          tokens: 2000,
          tokensAtOnce: 8,
          minCount: 3,
          growWhen: everySteps(2),
        }),
      },
      seed: 1,
    })
    const tokenizer = of(name)
    const born = tokenizer.vocabulary
    const learner = new Learner(partsOf(tokenizer))
    for (let i = 0; i < 3; i++) await learner.observe(text.slice(0, 400))
    expect(learner.model.config.vocabulary).toBe(born + 8)
    expect(tokenizer.vocabulary).toBe(born + 8)
    expect(Math.max(...tokenizer.encode('zyzzyva weevils'))).toBeGreaterThanOrEqual(born)
    const saved = structuredClone(await learner.toState())
    const again = of(name)
    const { model: _, seed: __, ...parts } = partsOf(again)
    const resumed = Learner.fromState(saved, { ...parts, device: openReference() })
    expect(again.merges).toEqual(tokenizer.merges)
    const next = text.slice(400, 700)
    const [went, goes] = [await learner.observe(next), await resumed.observe(next)]
    expect(goes).toEqual(went)
    expect(again.encode(text)).toEqual(tokenizer.encode(text))
  },
)

test.each(Object.keys(shapes))(
  'special tokens of %s stand for no bytes, and stay where tokens are encoded anew',
  (name) => {
    const tokenizer = of(name)
    const ids = tokenizer.encode('<s>ab <|endoftext|> ab<|eot_id|>')
    expect(ids.some((id) => tokenizer.bytesOf(id).length === 0)).toBe(true)
    expect([...tokenizer.encodeAnew(ids)]).toEqual([...ids])
  },
)

describe('chat templates', () => {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hi <|im_end|>' },
  ]
  const chatml =
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
  const llama =
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% elif m.role == 'tool' %}{{ raise_exception('No tools here') }}{% endif %}{% endfor %}{{ tools | tojson if tools }}"
  const templates = [
    { name: 'default', template: chatml },
    { name: 'plain', template: llama },
  ]
  const tokenizer = new PretrainedTokenizer(shapes.qwen(), { ...tokenizerConfig, chat_template: templates })

  test('a conversation becomes the text that the template says', async () => {
    expect(await tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true })).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi <|im_end|><|im_end|>\n<|im_start|>assistant\n',
    )
    const options = { chatTemplate: 'plain', tools: [{ name: '<f>' }] }
    expect(await tokenizer.applyChatTemplate(messages, options)).toBe(
      '<s>[INST] Hi <|im_end|> [/INST][{"name": "<f>"}]',
    )
    expect(await tokenizer.applyChatTemplate(messages, { chatTemplate: '{{ messages | length }}' })).toBe('2')
  })
  test('is what the package makes of the same template', async () => {
    const rendered = new Template(llama).render({ messages, bos_token: '<s>', tools: null })
    expect(await tokenizer.applyChatTemplate(messages, { chatTemplate: 'plain' })).toBe(rendered)
  })
  test('what the template refuses, or cannot be read, is a typed error', async () => {
    const call = { role: 'tool', content: '' }
    await expect(tokenizer.applyChatTemplate([call], { chatTemplate: 'plain' })).rejects.toThrow(
      /No tools here/,
    )
    await expect(tokenizer.applyChatTemplate([call], { chatTemplate: '{% for %}' })).rejects.toThrow(
      TokenizerError,
    )
    await expect(tokenizer.applyChatTemplate([call], { chatTemplate: 'other' })).rejects.toThrow(
      'one of default, plain',
    )
    await expect(of('gpt2').applyChatTemplate([call])).rejects.toThrow('has no chat_template')
  })
})
