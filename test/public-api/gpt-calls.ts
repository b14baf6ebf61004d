/** Right calls of `@burgeon/gpt` and `@burgeon/gpt/growth`. Reaches inside for a disk in memory, which no entry point offers. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as api from '@burgeon/gpt'
import * as growth from '@burgeon/gpt/growth'
import { type ByteSource, keyFromSeed, RandomStream, type Tensor, tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import type { CallsOf } from './call.ts'
import { inferenceCalls } from './inference-calls.ts'

const device = openReference()
const sizes = { context: 4, embed: 4, heads: 2, layers: 1, vocabulary: 8, mlpHidden: 4 }
const config = api.gptConfig(sizes)
const born = api.Gpt.create(sizes, { device, seed: 1 })
const state = await born.toState()
const modelOf = (): api.Gpt => api.Gpt.fromState(state, device)
const i32 = (numbers: readonly number[], shape: readonly number[]): Tensor =>
  tensor(numbers, { shape, dtype: 'i32', device })
const tokens = (): Tensor => i32([1, 2, 3], [1, 3])
const w = (): Record<string, Tensor> => born.parameters.tensors()
const random = (): RandomStream => new RandomStream(keyFromSeed(1))
const merges = [[1, 2]] as const
const wider = { kind: 'widenMlp', block: 'b0', to: 6 } as const
const sampling = { temperature: 1, topK: 1, topP: 1, minP: 0.1 }
const penalties = { repetitionPenalty: 1, frequencyPenalty: 0, presencePenalty: 0 }
const textTokenizer = {
  vocabulary: 8,
  encode: (text: string) => Int32Array.from(text, () => 1),
  decode: (read: ArrayLike<number>) => Array.from(read, String).join(''),
}
const generating = () => ({
  ...{
    ...sampling,
    ...penalties,
    tokens: 1,
    seed: 1,
    onContextFull: 'stop',
    weights: 'live',
    cacheFormat: 'f16',
  },
  ...{ tokenizer: textTokenizer, stopTokens: [7], stopTexts: ['77'], logProbabilities: 1 },
  ...{
    adapters: lora(),
    allowedTokens: () => [1, 2],
    logitsProcessor: (logits: ArrayLike<number>) => logits,
    signal: new AbortController().signal,
    draft: born,
    draftTokens: 2,
  },
})
const lora = (): api.LoraAdapter => api.LoraAdapter.create(born, { rank: 1 })
const loraState = await lora().toState()
const loraOptions = {
  ...{ rank: 2, alpha: 1, useRslora: true, dropout: 0.1 },
  targets: ['query', 'up'],
} as const satisfies api.LoraOptions
const lossOptions = {
  checkpointBlocks: false,
  observe: () => {},
  replace: () => undefined,
  adapters: lora(),
}
const stream = (): Tensor => tensor([1, 2, 3, 4], { shape: [1, 4], device })
const generatingTakes = { 'options.adapters': ['object', 'array'] } as const
const forwardOptions = { ...lossOptions, lastOnly: true }
const saved = memoryDisk()
await api.writeCheckpoint(saved, { model: { a: 1 } })
const disk = () => memoryDisk(undefined, saved.files)
const kept = { kept: 1 }
const pairs = (): api.BytePairTokenizer => new api.BytePairTokenizer({ merges })
const learner = (): api.MergeLearner => {
  const made = new api.MergeLearner()
  made.observe('to be or not to be')
  return made
}
const anything = ['anything'] as const
const tokenizerJson = JSON.stringify({
  model: {
    ...{ type: 'BPE', byte_fallback: true, merges: [] },
    vocab: Object.fromEntries(
      Array.from({ length: 256 }, (_, byte) => [
        `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
        byte,
      ]),
    ),
  },
})
const pretrained = (): api.PretrainedTokenizer => new api.PretrainedTokenizer(tokenizerJson)
const file = { takes: { tokenizerJson: ['string', 'object'], tokenizerConfig: anything } } as const
const ones = ({ shape }: api.ParameterSpec): Promise<Float32Array> =>
  Promise.resolve(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1))
const llamaSizes = { norm: 'rms', positions: 'rotary', activation: 'swiglu', biases: [] } as const
const llama = (): api.Gpt => api.Gpt.create({ ...sizes, ...llamaSizes }, { device, seed: 1 })
const files = await api.writePretrained(llama())
const ggufBytes = readFileSync(join(import.meta.dirname, '../gold/gguf/llama.gguf'))
const ggufSource: ByteSource = {
  size: ggufBytes.length,
  read: (begin, end) => Promise.resolve(Uint8Array.from(ggufBytes.subarray(begin, end))),
}
const folderOf = (of: ReadonlyMap<string, Uint8Array>): api.PretrainedFolder => ({
  place: 'memory',
  open(name) {
    const bytes = of.get(name)
    return Promise.resolve(
      bytes && { size: bytes.length, read: (a, b) => Promise.resolve(bytes.slice(a, b)) },
    )
  },
})
const pretrainedFolder = folderOf(files)
const llamaLora = (): api.LoraAdapter => api.LoraAdapter.create(llama(), { rank: 1 })
const peftFolder = folderOf(await api.writeAdapter(llamaLora(), llama()))

const inRow = () => ({ config: modelOf().config, row: [1, 2, 3] })
const anyRow = { row: ['empty'] } as const

/** By export. */
export const gptCalls: CallsOf<typeof api> = {
  tokensWithin: [() => ({ args: { ...inRow(), context: 2 }, run: api.tokensWithin, takes: anyRow })],
  endWithin: [() => ({ args: { ...inRow(), context: 2 }, run: api.endWithin, takes: anyRow })],
  piecesIn: [() => ({ args: inRow(), run: api.piecesIn, takes: anyRow })],
  describeCheckpoint: [
    () => ({ args: { disk: disk(), options: {} }, run: api.describeCheckpoint, says: ['memory'] }),
  ],
  readCheckpoint: [
    () => ({ args: { disk: disk(), options: {} }, run: api.readCheckpoint, says: ['memory'] }),
  ],
  parametersOf: [() => ({ args: { config: llama().config }, run: api.parametersOf })],
  hasCheckpoint: [() => ({ args: { disk: disk() }, run: api.hasCheckpoint })],
  writeCheckpoint: [
    () => ({
      args: { disk: disk(), parts: { model: { a: 1 } }, options: { fileBytes: 1e6 } },
      run: api.writeCheckpoint,
      takes: { 'parts.model': anything },
    }),
  ],
  keepCheckpoint: [() => ({ args: { disk: disk() }, run: api.keepCheckpoint })],
  forgetCheckpoint: [() => ({ args: { disk: disk(), kept: 1 }, run: api.forgetCheckpoint })],
  keptCheckpoints: [() => ({ args: { disk: disk() }, run: api.keptCheckpoints })],
  restoreCheckpoint: [
    () => ({
      args: { from: disk(), to: memoryDisk(), options: {} },
      run: api.restoreCheckpoint,
      says: ['memory'],
    }),
    async () => {
      const from = disk()
      await api.keepCheckpoint(from)
      return { args: { from, to: memoryDisk(), options: kept }, run: api.restoreCheckpoint, says: ['memory'] }
    },
  ],
  ...inferenceCalls,
  flopsPerToken: [() => ({ args: { config, length: 3 }, run: api.flopsPerToken })],
  forward: [
    () => ({
      args: { config, w: w(), tokens: tokens(), options: forwardOptions },
      run: api.forward,
      takes: generatingTakes,
    }),
  ],
  readout: [() => ({ args: { config, w: w(), x: stream() }, run: api.readout })],
  partialReadout: [
    () => ({ args: { config, w: w(), x: stream(), part: stream() }, run: api.partialReadout }),
  ],
  GenerationPool: [
    () => ({ args: { model: modelOf() }, run: (own: api.Gpt) => new api.GenerationPool(own) }),
    () => ({
      args: { prompts: ['a'], options: { tokens: 1, seed: 1, tokenizer: api.byteTokenizer } },
      run: (prompts: string[], options: api.PooledOptions) =>
        new api.GenerationPool(modelOf()).begin(prompts, options),
      says: ['generate'],
    }),
  ],
  generate: [
    () => ({
      args: {
        model: modelOf(),
        prompt: [1, 2],
        options: generating(),
      },
      run: api.generate,
      takes: generatingTakes,
    }),
    () => ({
      args: { model: modelOf(), prompt: [[1, 2], [1]], options: { tokens: 1, onContextFull: 'stop' } },
      run: (...args: Parameters<typeof api.generate>) => api.generate(...args),
      takes: generatingTakes,
    }),
  ],
  Generation: [
    () => ({
      args: { prompt: [1, 2], options: generating() },
      run: (prompt: number[], o: api.GenerateOptions) => modelOf().generate(prompt, o),
      says: ['generate'],
      takes: generatingTakes,
    }),
  ],
  Gpt: [
    () => ({
      args: { sizes, options: { device, seed: 1 } },
      run: (s: api.GptSizes, o: { seed?: number }) => api.Gpt.create(s, o),
    }),
    () => ({
      args: {
        options: { ...sizes, kvHeads: 1, headDim: 2, norm: 'rms', positions: 'rotary', activation: 'gelu' },
      },
      run: (s: api.GptSizes) => api.Gpt.create(s, { device }),
    }),
    () => ({ args: { state, device }, run: api.Gpt.fromState }),
    () => ({
      args: { config, numbersOf: ones, device },
      run: api.Gpt.fromReader,
      says: ['model state', 'fromReader'],
    }),
    () => ({
      args: { tokens: tokens(), w: w(), options: forwardOptions },
      run: (...args: Parameters<api.Gpt['forward']>) => modelOf().forward(...args),
      says: ['forward'],
      takes: generatingTakes,
    }),
    () => ({
      args: { tokens: tokens(), targets: i32([2, 3, 4], [3]), w: w(), options: lossOptions },
      run: (...args: Parameters<api.Gpt['losses']>) => modelOf().losses(...args),
      says: ['losses', 'forward'],
      takes: generatingTakes,
    }),
  ],
  LoraAdapter: [
    () => ({
      args: { model: modelOf(), options: loraOptions, random: { seed: 1 } },
      run: api.LoraAdapter.create,
    }),
    () => ({
      args: { state: loraState, model: modelOf() },
      run: api.LoraAdapter.fromState,
      says: ['adapter state'],
    }),
    () => ({
      args: { state: loraState, model: modelOf() },
      run: (...args: Parameters<api.LoraAdapter['restore']>) => lora().restore(...args),
      says: ['LoraAdapter.fromState', 'adapter state'],
    }),
  ],
  readAdapter: [
    () => ({ args: { folder: peftFolder, model: llama() }, run: api.readAdapter, says: ['memory'] }),
  ],
  writeAdapter: [() => ({ args: { adapter: llamaLora(), model: llama() }, run: api.writeAdapter })],
  mergeLora: [() => ({ args: { model: modelOf(), adapter: lora() }, run: api.mergeLora })],
  MergedLora: 'a class that mergeLora makes',
  readPretrained: [
    () => ({
      args: { folder: pretrainedFolder, options: { device } },
      run: api.readPretrained,
      says: ['memory'],
    }),
  ],
  openGguf: [() => ({ args: { source: ggufSource, options: { place: 'memory' } }, run: api.openGguf })],
  ggufPieces: [
    () => ({
      args: { model: llama(), options: { type: 'F16', name: 'a' } },
      run: (model: api.Gpt, options: object) => api.ggufPieces(model, options).next(),
    }),
  ],
  writeGguf: [
    () => ({
      args: { model: llama(), options: { type: 'Q8_0', name: 'a' } },
      run: api.writeGguf,
      says: ['ggufPieces'],
    }),
  ],
  writePretrained: [
    () => ({ args: { model: llama(), options: { weights: 'bf16' } }, run: api.writePretrained }),
  ],
  configFromState: [() => ({ args: { saved: config }, run: api.configFromState, says: ['model state'] })],
  gptConfig: [
    () => ({
      args: {
        options: { ...sizes, kvHeads: 1, headDim: 2, norm: 'rms', positions: 'rotary', activation: 'gelu' },
      },
      run: api.gptConfig,
    }),
  ],
  isAdapter: [() => ({ args: { path: 'a' }, run: api.isAdapter })],
  isDecayed: [() => ({ args: { path: 'a' }, run: api.isDecayed })],
  isBelow: [() => ({ args: { config, count: 1 }, run: api.isBelow })],
  parameterSpecs: [() => ({ args: { config }, run: api.parameterSpecs })],
  sampleToken: [
    () => ({
      args: { logits: [1, 2], options: sampling, random: random() },
      run: api.sampleToken,
    }),
  ],
  tokenProbabilities: [() => ({ args: { logits: [1, 2], options: sampling }, run: api.tokenProbabilities })],
  penalize: [
    () => ({
      args: { logits: [1, 2], prompt: [1], written: [0], options: penalties },
      run: api.penalize,
    }),
  ],
  BytePairTokenizer: [
    () => ({
      args: { state: { merges } },
      run: (s: api.BytePairState) => new api.BytePairTokenizer(s),
    }),
    () => ({ args: { merges }, run: (m: typeof merges) => new api.BytePairTokenizer().add(m) }),
    () => ({ args: { text: 'a' }, run: (text: string) => pairs().encode(text) }),
    () => ({ args: { bytes: Uint8Array.of(1) }, run: (bytes: Uint8Array) => pairs().encodeBytes(bytes) }),
    () => ({ args: { text: 'a' }, run: (text: string) => pairs().piecesOf(text) }),
    () => ({ args: { piece: 'a' }, run: (piece: string) => pairs().encodePiece(piece) }),
    () => ({ args: { tokens: [1] }, run: (ids: number[]) => pairs().decode(ids) }),
    () => ({ args: { token: 1 }, run: (id: number) => pairs().bytesOf(id), says: ['byte pairs'] }),
  ],
  byteTokenizer: [
    () => ({ args: { text: 'a' }, run: api.byteTokenizer.encode }),
    () => ({ args: { tokens: [1] }, run: api.byteTokenizer.decode, says: ['byte'] }),
  ],
  aGrowingTokenizer: 'a check, which is an object',
  tokenizerFiles: [() => ({ args: { tokenizer: pretrained() }, run: api.tokenizerFiles })],
  PretrainedTokenizer: [
    () => ({
      args: { tokenizerJson, tokenizerConfig: '{}', options: { vocabulary: 300 } },
      run: (...args: ConstructorParameters<typeof api.PretrainedTokenizer>) =>
        new api.PretrainedTokenizer(...args),
      says: ['tokenizer.json', 'tokenizer_config.json'],
      ...file,
    }),
    () => ({
      args: { state: pretrained().toState() },
      run: api.PretrainedTokenizer.fromState,
      says: ['tokenizer.json'],
    }),
    () => ({
      args: { text: 'a', options: { addSpecialTokens: true } },
      run: (...args: Parameters<api.PretrainedTokenizer['encode']>) => pretrained().encode(...args),
    }),
    () => ({
      args: { tokens: [97], options: { skipSpecialTokens: true } },
      run: (...args: Parameters<api.PretrainedTokenizer['decode']>) => pretrained().decode(...args),
    }),
    () => ({
      args: { options: { skipSpecialTokens: true } },
      run: (options: api.DecodeOptions) => pretrained().decodeStream(options),
    }),
    () => ({ args: { merges: [[97, 98]] }, run: (m: [number, number][]) => pretrained().add(m) }),
    () => ({ args: { text: 'a' }, run: (text: string) => pretrained().piecesOf(text) }),
    () => ({ args: { piece: 'a' }, run: (piece: string) => pretrained().encodePiece(piece) }),
    () => ({ args: { token: 97 }, run: (token: number) => pretrained().bytesOf(token) }),
    () => ({ args: { token: 'a' }, run: (token: string) => pretrained().tokenToId(token) }),
    () => ({
      args: { bytes: Uint8Array.of(1) },
      run: (bytes: Uint8Array) => pretrained().encodeBytes(bytes),
    }),
    () => ({ args: { tokens: [97] }, run: (ids: number[]) => pretrained().decodeBytes(ids) }),
    () => ({ args: { tokens: [97] }, run: (ids: number[]) => pretrained().encodeAnew(ids) }),
    () => ({
      args: {
        messages: [{ role: 'user', content: 'hi' }],
        options: { addGenerationPrompt: true, tools: [], documents: [], chatTemplate: '{{ bos_token }}' },
      },
      run: (...args: Parameters<api.PretrainedTokenizer['applyChatTemplate']>) =>
        pretrained().applyChatTemplate(...args),
      takes: { messages: ['empty'] },
    }),
  ],
  DecodeStream: [
    () => ({
      args: { token: 97 },
      run: (token: number) => pretrained().decodeStream().step(token),
      says: ['PretrainedTokenizer'],
    }),
  ],
  MergeLearner: [
    () => ({
      args: { options: { capacity: 9, tokenizer: pretrained() }, state: { a: 1 } },
      run: (...args: ConstructorParameters<typeof api.MergeLearner>) => new api.MergeLearner(...args),
    }),
    () => ({ args: { text: 'a' }, run: (text: string) => learner().observe(text) }),
    () => ({
      args: { tokenizer: pairs(), maxMerges: 2, minCount: 2 },
      run: (...args: Parameters<api.MergeLearner['propose']>) => learner().propose(...args),
    }),
  ],
}

const options = (): growth.GrowOptions => ({
  ...{ mirrors: [], probe: tokens(), key: [1, 2], tolerance: 1, now: () => 0 },
})
const grown = modelOf()
const record = await growth.grow(grown, wider, options())
const log = grown.growthLog
const grownState = await grown.toState()
const adapted = modelOf()
await growth.grow(adapted, { kind: 'addAdapter', block: 'b0', to: 2 }, options())
const adaptedState = await adapted.toState()

/** By export. */
export const growthCalls: CallsOf<typeof growth> = {
  earlierTokens: [() => ({ args: { log, vocabulary: 8 }, run: growth.earlierTokens })],
  logitsOfEarlier: [
    () => ({
      args: { logits: tensor([1, 2, 3], { shape: [1, 3], device }), first: [0, 1, 1] },
      run: growth.logitsOfEarlier,
    }),
  ],
  forAllBlocks: [
    () => ({ args: { config, request: { kind: 'addHeads', to: 4 } }, run: growth.forAllBlocks }),
  ],
  grow: [() => ({ args: { model: modelOf(), request: wider, options: options() }, run: growth.grow })],
  ungrow: [
    () => ({
      args: { model: api.Gpt.fromState(grownState, device), record, mirrors: [] },
      run: growth.ungrow,
    }),
  ],
  ungrowTo: [
    () => ({
      args: { model: api.Gpt.fromState(grownState, device), entries: 0, mirrors: [] },
      run: growth.ungrowTo,
    }),
  ],
  growthKinds: 'a list of names',
  growthConfigs: [() => ({ args: { log }, run: growth.growthConfigs })],
  replayGrowth: [() => ({ args: { log, count: 1 }, run: growth.replayGrowth })],
  mergeAdapter: [
    () => ({
      args: { model: api.Gpt.fromState(adaptedState, device), block: 'b0', mirrors: [] },
      run: growth.mergeAdapter,
      says: ['grow addAdapter'],
    }),
  ],
  planGrowth: [() => ({ args: { config, request: wider, key: [1, 2] }, run: growth.planGrowth })],
  priceOfPlanned: [
    () => ({
      args: { planned: growth.planGrowth(config, wider, [1, 2]), stateBytes: 0 },
      run: growth.priceOfPlanned,
    }),
  ],
  markGrowth: [() => ({ args: { model: modelOf() }, run: growth.markGrowth })],
  holdModel: [() => ({ args: { model: modelOf() }, run: growth.holdModel })],
  requestFromState: [() => ({ args: { saved: wider }, run: growth.requestFromState })],
  priceOf: [() => ({ args: { config, request: wider, stateBytes: 0 }, run: growth.priceOf })],
  keptBytesOf: [() => ({ args: { log }, run: growth.keptBytesOf })],
  stateBytesOf: [() => ({ args: { mirrors: [], parameters: 9 }, run: growth.stateBytesOf })],
}
