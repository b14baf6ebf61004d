/** The tokenizer of a pre-trained model, read from Hugging Face's tokenizer.json. */
import { checkArgument, checkOptions, checks, OptionError, shown, UnsupportedError } from '@burgeon/tensor'
import { type ChatMessage, type ChatTemplateOptions, chatTemplatesIn, renderChat } from './chat-template.ts'
import { joinBytes } from '../join-bytes.ts'
import { DecodeStream } from './decode-stream.ts'
import { type BytePairMerge, type GrowingTokenizer, someMerges } from './growing-tokenizer.ts'
import type { JsonPart } from './json/json-part.ts'
import { TokenizerFile } from './pretrained/tokenizer-file.ts'
import { LearntTokens } from './learnt-tokens.ts'
import type {
  DecodeOptions,
  EncodeOptions,
  PretrainedTokenizerOptions,
  PretrainedTokenizerState,
} from './pretrained-options.ts'
import { textRuns } from './text-runs.ts'

const aFile = checks.either(checks.text, checks.object<object>('an object, the JSON of a file'))
const maxPiece = 64

/**
 * Encodes and decodes as Hugging Face's `tokenizers` does: byte-level BPE (GPT-2, Llama 3, Qwen) and BPE in
 * the manner of SentencePiece (Llama 2, Mistral). What burgeon does not know is refused by name when the file
 * is read.
 *
 * A text of n bytes takes O(n log n) steps, also if it is one word; a lone surrogate becomes U+FFFD. It can
 * learn merges, which become tokens after all others.
 *
 * @example
 * ```ts
 * const model = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2, '<s>': 3 }, merges: ['a b'] }
 * const added_tokens = [{ id: 3, content: '<s>', special: true }]
 * const tokenizer = new PretrainedTokenizer({ model, added_tokens })
 * console.log([...tokenizer.encode('<s>abba')]) // → [ 3, 2, 1, 0 ]
 * ```
 */
export class PretrainedTokenizer implements GrowingTokenizer {
  readonly #file: TokenizerFile
  readonly #learnt: LearntTokens

  /**
   * @param tokenizerJson What tokenizer.json holds, as text or parsed.
   * @param tokenizerConfig What tokenizer_config.json holds: names of special tokens and chat templates.
   * @throws TokenizerError for a file that is damaged or asks for what burgeon lacks; OptionError for fewer
   *   rows than tokens.
   */
  constructor(
    tokenizerJson: string | object,
    tokenizerConfig: string | object = {},
    options: PretrainedTokenizerOptions = {},
  ) {
    checkArgument('PretrainedTokenizer', 'tokenizerJson', tokenizerJson, aFile)
    checkArgument('PretrainedTokenizer', 'tokenizerConfig', tokenizerConfig, aFile)
    checkOptions('PretrainedTokenizer', options, { vocabulary: checks.integer({ from: 1, to: 2 ** 26 }) })
    this.#file = new TokenizerFile(tokenizerJson, tokenizerConfig)
    const { vocabulary } = this.#file
    this.#learnt = new LearntTokens(options.vocabulary ?? vocabulary)
    if (this.#learnt.first >= vocabulary) return
    throw new OptionError(
      `PretrainedTokenizer: got vocabulary ${options.vocabulary}; expected at least ${vocabulary}, as many as there are tokens.`,
    )
  }

  /** @throws OptionError for what `toState` did not return; TokenizerError as the constructor. */
  static fromState(state: PretrainedTokenizerState): PretrainedTokenizer {
    const who = 'PretrainedTokenizer.fromState'
    checkArgument(
      who,
      'state',
      state,
      checks.role<PretrainedTokenizerState>('a state', 'tokenizerJson', 'merges'),
    )
    const { tokenizerJson, tokenizerConfig, vocabulary, merges } = state
    const tokenizer = new PretrainedTokenizer(tokenizerJson, tokenizerConfig, { vocabulary })
    tokenizer.add(merges)
    return tokenizer
  }

  /** One more than the highest token. */
  get vocabulary(): number {
    return this.#learnt.vocabulary
  }

  /** What was learnt since the file was read. */
  get merges(): readonly BytePairMerge[] {
    return this.#learnt.merges
  }

  /** The token that stands for the beginning of a text, if the configuration names one; so of the others. */
  get bosTokenId(): number | null {
    return this.#special('bos_token')
  }

  get eosTokenId(): number | null {
    return this.#special('eos_token')
  }

  get padTokenId(): number | null {
    return this.#special('pad_token')
  }

  /** Whether a chat template came with it. */
  get hasChatTemplate(): boolean {
    return !this.#file.config.get('chat_template').isMissing
  }

  /** The token of a text that is one, or null. */
  tokenToId(token: string): number | null {
    checkArgument('PretrainedTokenizer: tokenToId', 'token', token, checks.text)
    return this.#file.idOf(token) ?? null
  }

  encode(text: string, options: EncodeOptions = {}): Int32Array {
    checkArgument('PretrainedTokenizer: encode', 'text', text, checks.text)
    checkOptions('PretrainedTokenizer: encode', options, { addSpecialTokens: checks.boolean })
    return this.#file.encode(text, options.addSpecialTokens ?? true)
  }

  /** @throws OptionError for a token that does not exist. */
  decode(tokens: ArrayLike<number>, options: DecodeOptions = {}): string {
    checkArgument('PretrainedTokenizer: decode', 'tokens', tokens, checks.numbers)
    const stream = this.decodeStream(options)
    return Array.from(tokens, (token) => stream.step(token)).join('') + stream.end()
  }

  /** Decodes tokens that come one by one. */
  decodeStream(options: DecodeOptions = {}): DecodeStream {
    checkOptions('PretrainedTokenizer: decode', options, { skipSpecialTokens: checks.boolean })
    const skips = options.skipSpecialTokens ?? false
    return new DecodeStream(this.#file.decoder, (token) =>
      this.#learnt.partsOf(token).flatMap((part) => this.#file.textOf(part, skips) ?? []),
    )
  }

  /**
   * Adds a token for each pair, in order, after all merges there are. Nothing changes if one is refused.
   *
   * @throws OptionError for a pair that has a merge already, or that names a token which does not exist by
   *   then or was added to find it in texts; UnsupportedError if some byte has no token.
   */
  add(merges: readonly BytePairMerge[]): void {
    checkArgument('PretrainedTokenizer: add', 'merges', merges, someMerges)
    if (merges.length > 0) this.#needBytes()
    this.#learnt.check(merges, this.#file)
    for (const [left, right] of merges) {
      this.#file.merge(left, right, this.vocabulary)
      this.#learnt.merges.push([left, right])
    }
  }

  piecesOf(text: string): readonly string[] {
    checkArgument('PretrainedTokenizer: piecesOf', 'text', text, checks.text)
    return this.#file.piecesOf(text).flatMap((piece) => {
      const characters = piece.length > maxPiece ? Array.from(piece) : []
      if (characters.length === 0) return piece
      const count = Math.ceil(characters.length / maxPiece)
      return Array.from({ length: count }, (_, i) =>
        characters.slice(i * maxPiece, (i + 1) * maxPiece).join(''),
      )
    })
  }

  encodePiece(piece: string): readonly number[] {
    checkArgument('PretrainedTokenizer: encodePiece', 'piece', piece, checks.text)
    return this.#file.encodePiece(piece)
  }

  /**
   * The bytes that a token stands for, none of a special one. Throws OptionError if there is no such
   * token.
   */
  bytesOf(token: number): Uint8Array {
    return joinBytes(this.#learnt.partsOf(token).map((part) => this.#file.bytesOf(part)))
  }

  /**
   * The tokens of bytes as they are: no normalizer and no special token touches them, and those that are no
   * UTF-8 stay tokens of their own.
   *
   * @throws UnsupportedError if some byte has no token.
   */
  encodeBytes(bytes: Uint8Array): Int32Array {
    checkArgument('PretrainedTokenizer: encodeBytes', 'bytes', bytes, checks.instance('bytes', Uint8Array))
    this.#needBytes()
    const tokens: number[] = []
    for (const { from, to, isText } of textRuns(bytes)) {
      const run = bytes.subarray(from, to)
      if (!isText) for (const byte of run) tokens.push(this.#file.tokenOfByte(byte))
      else {
        for (const part of this.#file.literalParts(decoder.decode(run))) {
          if (typeof part === 'number') tokens.push(part)
          else for (const token of this.#file.encodePiece(part)) tokens.push(token)
        }
      }
    }
    return Int32Array.from(tokens)
  }

  /** @throws OptionError for a token that does not exist. */
  decodeBytes(tokens: ArrayLike<number>): Uint8Array {
    checkArgument('PretrainedTokenizer: decodeBytes', 'tokens', tokens, checks.numbers)
    return joinBytes(Array.from(tokens, (token) => this.bytesOf(token)))
  }

  /** @throws OptionError for a token that does not exist; UnsupportedError if some byte has no token. */
  encodeAnew(tokens: ArrayLike<number>): Int32Array {
    checkArgument('PretrainedTokenizer: encodeAnew', 'tokens', tokens, checks.numbers)
    const result: number[] = []
    let between: number[] = []
    const flush = (): void => {
      for (const token of this.encodeBytes(this.decodeBytes(between))) result.push(token)
      between = []
    }
    for (const token of Array.from(tokens)) {
      if (!this.#file.isAdded(token)) between.push(token)
      else {
        flush()
        result.push(token)
      }
    }
    flush()
    return Int32Array.from(result)
  }

  /**
   * A conversation as text, by the template that came with the model, with the optional package
   * `@huggingface/jinja`. The template writes the special tokens itself, so encode its text with
   * `addSpecialTokens: false`.
   *
   * @throws OptionError if there is no such template; UnsupportedError and TokenizerError as `renderChat`.
   */
  async applyChatTemplate(
    messages: readonly ChatMessage[],
    options: ChatTemplateOptions = {},
  ): Promise<string> {
    const who = 'PretrainedTokenizer: applyChatTemplate'
    checkArgument(who, 'messages', messages, checks.list('messages', checks.object('a message')))
    checkOptions(who, options, {
      addGenerationPrompt: checks.boolean,
      tools: checks.list('a list of tools', checks.object('a tool')),
      documents: checks.list('a list of documents', checks.object('a document')),
      chatTemplate: checks.text,
    })
    const { addGenerationPrompt = false, tools = null, documents = null, chatTemplate = 'default' } = options
    const { config } = this.#file
    const templates = chatTemplatesIn(config.get('chat_template'))
    const template = templates.get(chatTemplate) ?? (chatTemplate.includes('{') ? chatTemplate : undefined)
    if (template === undefined) {
      throw new OptionError(
        `${who}: got chatTemplate ${shown(chatTemplate)}; expected a template, or one of ` +
          `${[...templates.keys()].join(', ') || 'none, for tokenizer_config.json has no chat_template'}.`,
      )
    }
    const names = ['bos_token', 'eos_token', 'pad_token', 'unk_token']
    const specials = Object.fromEntries(names.map((name) => [name, contentIn(config.get(name)) ?? '']))
    return renderChat(template, {
      ...{ messages, tools, documents, add_generation_prompt: addGenerationPrompt },
      ...specials,
    })
  }

  /** Plain data, with everything that the files said. */
  toState(): PretrainedTokenizerState {
    return {
      ...this.#file.texts(),
      vocabulary: this.#learnt.first,
      merges: this.#learnt.merges.map(([left, right]) => [left, right]),
    }
  }

  #special(name: string): number | null {
    const content = contentIn(this.#file.config.get(name))
    return content === null ? null : (this.#file.idOf(content) ?? null)
  }

  #needBytes(): void {
    if (this.#file.hasEveryByte) return
    throw new UnsupportedError(
      'PretrainedTokenizer: its file has no token for some byte, so not every text could be learnt. ' +
        'Take a byte-level tokenizer or one with byte fallback.',
    )
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Special tokens are texts, or objects that hold one. */
function contentIn(part: JsonPart): string | null {
  if (part.isMissing) return null
  return typeof part.value === 'string' ? part.value : part.get('content').text()
}
