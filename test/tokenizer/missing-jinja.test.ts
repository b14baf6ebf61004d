/** What is said where the optional package of chat templates is not installed. */
import { PretrainedTokenizer } from '@burgeon/gpt'
import { UnsupportedError } from '@burgeon/tensor'
import { expect, test, vi } from 'vitest'
import { shapes } from './tokenizer-shapes.ts'

vi.mock('@huggingface/jinja', () => {
  throw new Error("Cannot find package '@huggingface/jinja'")
})

test('a chat template without its package is a typed error that says what to install', async () => {
  const tokenizer = new PretrainedTokenizer(shapes.qwen(), { chat_template: '{{ messages }}' })
  const rendered = tokenizer.applyChatTemplate([{ role: 'user', content: 'Hi' }])
  await expect(rendered).rejects.toThrow(UnsupportedError)
  await expect(rendered).rejects.toThrow('npm i @huggingface/jinja@0.5.11')
})
