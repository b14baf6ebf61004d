/** A model of single floats in the format of llama.cpp, GGUF version 3. */
import { joined } from './protocol-buffers.ts'
import type { Shape, Weight, WeightsByName } from './shapes.ts'

const alignment = 32
const types = { u32: 4, f32: 6, bool: 7, text: 8, list: 9 } as const
const encoder = new TextEncoder()

/**
 * The file, piece by piece. Its vocabulary is ASCII in order and names for the rest, and has no merges:
 * a text of ASCII letters has one token for each.
 */
export function* ggufParts(shape: Shape, weights: WeightsByName): Generator<Uint8Array> {
  const tensors = [...tensorsOf(shape, weights)]
  const pairs = pairsOf(shape)
  const head: Uint8Array[] = [
    encoder.encode('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(pairs.length),
    ...pairs,
  ]
  let at = 0
  for (const [name, { shape: sizes, numbers }] of tensors) {
    head.push(text(name), u32(sizes.length), ...sizes.toReversed().map(u64), u32(0), u64(at))
    at += aligned(numbers.byteLength)
  }
  const length = head.reduce((sum, part) => sum + part.length, 0)
  yield* head
  yield new Uint8Array(aligned(length) - length)
  for (const [, { numbers }] of tensors) {
    yield new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
    yield new Uint8Array(aligned(numbers.byteLength) - numbers.byteLength)
  }
}

const aligned = (size: number): number => Math.ceil(size / alignment) * alignment
const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
const u64 = (value: number): Uint8Array => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)

function text(value: string): Uint8Array {
  const bytes = encoder.encode(value)
  return joined([u64(bytes.length), bytes])
}

const number = (key: string, value: number): Uint8Array => joined([text(key), u32(types.u32), u32(value)])
const float = (key: string, value: number): Uint8Array =>
  joined([text(key), u32(types.f32), new Uint8Array(Float32Array.of(value).buffer)])
const word = (key: string, value: string): Uint8Array => joined([text(key), u32(types.text), text(value)])
const words = (key: string, values: readonly string[]): Uint8Array =>
  joined([text(key), u32(types.list), u32(types.text), u64(values.length), ...values.map(text)])
const never = (key: string): Uint8Array => joined([text(key), u32(types.bool), new Uint8Array(1)])

function pairsOf(shape: Shape): Uint8Array[] {
  const { kind, layers, embed, heads, kvHeads, mlpHidden, vocabulary, context, epsilon } = shape
  const isGpt2 = kind === 'gpt2'
  const tokens = Array.from({ length: vocabulary }, (_, i) => tokenText(i))
  const kinds = Int32Array.from({ length: vocabulary }, (_, i) => (i === vocabulary - 1 ? 3 : 1))
  return [
    word('general.architecture', kind),
    number(`${kind}.context_length`, context),
    number(`${kind}.embedding_length`, embed),
    number(`${kind}.feed_forward_length`, mlpHidden),
    number(`${kind}.block_count`, layers),
    number(`${kind}.attention.head_count`, heads),
    number(`${kind}.attention.head_count_kv`, kvHeads),
    float(`${kind}.attention.layer_norm_${isGpt2 ? '' : 'rms_'}epsilon`, epsilon),
    ...(isGpt2
      ? []
      : [number('llama.rope.dimension_count', embed / heads), float('llama.rope.freq_base', 1e4)]),
    word('tokenizer.ggml.model', 'gpt2'),
    word('tokenizer.ggml.pre', 'gpt-2'),
    words('tokenizer.ggml.tokens', tokens),
    joined([
      text('tokenizer.ggml.token_type'),
      u32(types.list),
      u32(5),
      u64(vocabulary),
      new Uint8Array(kinds.buffer),
    ]),
    // A merge that no ASCII text contains: without any some readers refuse the file.
    words('tokenizer.ggml.merges', [`${tokenText(0)} ${tokenText(1)}`]),
    number('tokenizer.ggml.bos_token_id', vocabulary - 1),
    number('tokenizer.ggml.eos_token_id', vocabulary - 1),
    never('tokenizer.ggml.add_bos_token'),
  ]
}

/** The text of a token: of the first 128 an ASCII character, in the letters that GPT-2 has for bytes. */
function tokenText(token: number): string {
  if (token > 127) return `t${token}`
  if (token > 32 && token < 127) return String.fromCodePoint(token)
  return String.fromCodePoint(256 + Math.min(token, 33))
}

function* tensorsOf(shape: Shape, weights: WeightsByName): Generator<[string, Weight]> {
  for (const [name, weight] of weights) {
    const [, layer, part = '', kind] = /\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? []
    if (layer === undefined) yield [top[name], weight]
    else {
      const isMap = weight.shape.length === 2
      const turned = shape.kind === 'gpt2' && isMap ? transposed(weight) : weight
      const heads = part.endsWith('q_proj') ? shape.heads : part.endsWith('k_proj') ? shape.kvHeads : 0
      const own = heads > 0 ? interleaved(turned, heads) : turned
      yield [`blk.${layer}.${inner[part]}.${kind}`, own]
    }
  }
}

const top: Readonly<Record<string, string>> = {
  'transformer.wte.weight': 'token_embd.weight',
  'transformer.wpe.weight': 'position_embd.weight',
  'transformer.ln_f.weight': 'output_norm.weight',
  'transformer.ln_f.bias': 'output_norm.bias',
  'model.embed_tokens.weight': 'token_embd.weight',
  'model.norm.weight': 'output_norm.weight',
}

const inner: Readonly<Record<string, string>> = {
  ln_1: 'attn_norm',
  'attn.c_attn': 'attn_qkv',
  'attn.c_proj': 'attn_output',
  ln_2: 'ffn_norm',
  'mlp.c_fc': 'ffn_up',
  'mlp.c_proj': 'ffn_down',
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
}

/** `[rows, columns]` → `[columns, rows]`. */
export function transposed({ shape: [rows, columns], numbers }: Weight): Weight {
  const turned = new Float32Array(numbers.length)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = numbers[i * columns + j]
  }
  return { shape: [columns, rows], numbers: turned }
}

/** Rows of each head in pairs (2i, 2i + 1) that rotate together; on the hub they lie half a head apart. */
function interleaved({ shape, numbers }: Weight, heads: number): Weight {
  const [rows, columns] = shape
  const [width, half] = [rows / heads, rows / heads / 2]
  const own = new Float32Array(numbers.length)
  for (let row = 0; row < rows; row++) {
    const [head, d] = [Math.floor(row / width), row % width]
    const to = head * width + 2 * (d % half) + Math.floor(d / half)
    own.set(numbers.subarray(row * columns, (row + 1) * columns), to * columns)
  }
  return { shape, numbers: own }
}
