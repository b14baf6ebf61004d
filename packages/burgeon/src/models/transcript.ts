/** A talk with a model as the tokens it goes on from. */
import { type ChatMessage, type GrowingTokenizer, PretrainedTokenizer } from '@burgeon/gpt'
import { plainTranscript } from '../sources/documents/plain-transcript.ts'

/** How a talk becomes a prompt. */
export interface Transcript {
  /** Tokens that end where the answer begins. */
  promptOf(messages: readonly ChatMessage[]): Promise<Int32Array>
  /** Texts before which an answer ends. */
  readonly stopTexts: readonly string[]
}

/** The chat template that came with a tokenizer, with the optional package `@huggingface/jinja`. */
function templated(tokenizer: PretrainedTokenizer): Transcript {
  return {
    stopTexts: [],
    async promptOf(messages) {
      const text = await tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true })
      // The template writes special tokens itself.
      return tokenizer.encode(text, { addSpecialTokens: false })
    },
  }
}

/** Lines as people write talks down, for a model that was trained on none. */
function plain(tokenizer: GrowingTokenizer): Transcript {
  return {
    stopTexts: ['\nUser:', '\nAssistant:'],
    promptOf(messages) {
      return Promise.resolve(tokenizer.encode(`${plainTranscript(messages)}Assistant:`))
    },
  }
}

/** @param isPlain Whether a chat template is left aside. */
export function transcriptOf(tokenizer: GrowingTokenizer, isPlain: boolean): Transcript {
  const hasTemplate = tokenizer instanceof PretrainedTokenizer && tokenizer.hasChatTemplate
  return hasTemplate && !isPlain ? templated(tokenizer) : plain(tokenizer)
}
