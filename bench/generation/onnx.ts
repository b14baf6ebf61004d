/**
 * A model of single floats as an ONNX graph with keys and values as inputs and outputs. Attention is the
 * operator that onnxruntime's own builder of language models uses; only the last token's logits are made.
 */
import { bytes, bytesOf, float, int, joined, text } from './protocol-buffers.ts'
import { transposed } from './gguf.ts'
import type { Shape, WeightsByName } from './shapes.ts'

const [floats, int32, int64] = [1, 6, 7]

type Attribute = number | { readonly float: number } | { readonly text: string }

/** The file, piece by piece. */
export function* onnxParts(shape: Shape, weights: WeightsByName): Generator<Uint8Array> {
  const graph = new Graph(shape.name)
  const logits = shape.kind === 'gpt2' ? gpt2(graph, shape, weights) : llama(graph, shape, weights)
  graph.output(logits, floats, ['batch', shape.vocabulary])
  yield joined([
    int(1, 10),
    bytes(8, joined([text(1, ''), int(2, 20)])),
    bytes(8, joined([text(1, 'com.microsoft'), int(2, 1)])),
    bytes(7, graph.encoded()),
  ])
}

class Graph {
  readonly #name: string
  readonly #nodes: Uint8Array[] = []
  readonly #initializers: Uint8Array[] = []
  readonly #inputs: Uint8Array[] = []
  readonly #outputs: Uint8Array[] = []
  #made = 0

  constructor(name: string) {
    this.#name = name
  }

  /** One operator with one output, or with as many as are named. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputs: readonly string[] = [`x${this.#made}`],
    domain = '',
  ): string {
    this.#made++
    this.#nodes.push(
      joined([
        ...inputs.map((name) => text(1, name)),
        ...outputs.map((name) => text(2, name)),
        text(3, `n${this.#made}`),
        text(4, op),
        ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
        text(7, domain),
      ]),
    )
    return outputs[0]
  }

  constant(name: string, shape: readonly number[], numbers: Float32Array | BigInt64Array): string {
    const type = numbers instanceof Float32Array ? floats : int64
    const parts = [
      ...shape.map((size) => int(1, size)),
      int(2, type),
      text(8, name),
      bytes(9, bytesOf(numbers)),
    ]
    this.#initializers.push(joined(parts))
    return name
  }

  input(name: string, type: number, shape: readonly (number | string)[]): string {
    this.#inputs.push(value(name, type, shape))
    return name
  }

  output(name: string, type: number, shape: readonly (number | string)[]): void {
    this.#outputs.push(value(name, type, shape))
  }

  encoded(): Uint8Array {
    return joined([
      ...this.#nodes.map((each) => bytes(1, each)),
      text(2, this.#name),
      ...this.#initializers.map((each) => bytes(5, each)),
      ...this.#inputs.map((each) => bytes(11, each)),
      ...this.#outputs.map((each) => bytes(12, each)),
    ])
  }
}

function attribute(name: string, given: Attribute): Uint8Array {
  if (typeof given === 'number') return joined([text(1, name), int(3, given), int(20, 2)])
  if ('float' in given) return joined([text(1, name), float(2, given.float), int(20, 1)])
  return joined([text(1, name), text(4, given.text), int(20, 3)])
}

function value(name: string, type: number, shape: readonly (number | string)[]): Uint8Array {
  const sizes = shape.map((size) => bytes(1, typeof size === 'number' ? int(1, size) : text(2, size)))
  return joined([text(1, name), bytes(2, bytes(1, joined([int(1, type), bytes(2, joined(sizes))])))])
}

/** What all layers share. */
function commonInputs(graph: Graph): void {
  graph.input('tokens', int64, ['batch', 'new'])
  graph.input('positions', int64, ['batch', 'new'])
  graph.input('last', int32, ['batch'])
  graph.input('total', int32, [])
}

function attend(graph: Graph, shape: Shape, layer: number, qkv: readonly string[]): string {
  const { heads, kvHeads, embed } = shape
  const sizes = (length: string): (number | string)[] => ['batch', kvHeads, length, embed / heads]
  const names = ['key', 'value'].map((name) => `${name}.${layer}`)
  const pasts = names.map((name) => graph.input(`past.${name}`, floats, sizes('past')))
  const presents = names.map((name) => `present.${name}`)
  for (const name of presents) graph.output(name, floats, sizes('present'))
  return graph.node(
    'GroupQueryAttention',
    [...qkv, ...pasts, 'last', 'total'],
    { num_heads: heads, kv_num_heads: kvHeads },
    [`attended.${layer}`, ...presents],
    'com.microsoft',
  )
}

/** Logits `[batch, V]` of the last token's features, with the embedding as the head. */
function head(graph: Graph, features: string, embedding: string): string {
  const end = graph.constant('end', [], BigInt64Array.of(-1n))
  const last = graph.node('Gather', [features, end], { axis: 1 })
  return graph.node('Gemm', [last, embedding], { transB: 1 }, ['logits'])
}

function gpt2(graph: Graph, shape: Shape, weights: WeightsByName): string {
  const constant = (name: string): string => {
    const weight = weights.get(`transformer.${name}`)
    if (weight === undefined) throw new Error(`onnx: there is no weight ${name}.`)
    return graph.constant(name, weight.shape, weight.numbers)
  }
  const norm = (x: string, at: string): string =>
    graph.node('LayerNormalization', [x, constant(`${at}.weight`), constant(`${at}.bias`)], {
      epsilon: { float: shape.epsilon },
    })
  const linear = (x: string, at: string): string =>
    graph.node('Add', [graph.node('MatMul', [x, constant(`${at}.weight`)]), constant(`${at}.bias`)])
  commonInputs(graph)
  const embedding = constant('wte.weight')
  let x = graph.node('Add', [
    graph.node('Gather', [embedding, 'tokens']),
    graph.node('Gather', [constant('wpe.weight'), 'positions']),
  ])
  for (let layer = 0; layer < shape.layers; layer++) {
    const at = `h.${layer}`
    const packed = linear(norm(x, `${at}.ln_1`), `${at}.attn.c_attn`)
    const qkv = ['q', 'k', 'v'].map((name) => `${name}.${layer}`)
    graph.node('Split', [packed], { axis: -1, num_outputs: 3 }, qkv)
    x = graph.node('Add', [x, linear(attend(graph, shape, layer, qkv), `${at}.attn.c_proj`)])
    const wide = linear(norm(x, `${at}.ln_2`), `${at}.mlp.c_fc`)
    const hidden = graph.node('Gelu', [wide], { approximate: { text: 'tanh' } })
    x = graph.node('Add', [x, linear(hidden, `${at}.mlp.c_proj`)])
  }
  return head(graph, norm(x, 'ln_f'), embedding)
}

function llama(graph: Graph, shape: Shape, weights: WeightsByName): string {
  const constant = (name: string): string => {
    const weight = weights.get(`model.${name}`)
    if (weight === undefined) throw new Error(`onnx: there is no weight ${name}.`)
    const isMap = name.startsWith('layers') && weight.shape.length === 2
    const { shape: sizes, numbers } = isMap ? transposed(weight) : weight
    return graph.constant(name, sizes, numbers)
  }
  const norm = (x: string, at: string): string =>
    graph.node('SimplifiedLayerNormalization', [x, constant(`${at}.weight`)], {
      ...{ axis: -1, stash_type: 1 },
      epsilon: { float: shape.epsilon },
    })
  const linear = (x: string, at: string): string => graph.node('MatMul', [x, constant(`${at}.weight`)])
  commonInputs(graph)
  const half = shape.embed / shape.heads / 2
  const angles = (f: (angle: number) => number): Float32Array =>
    Float32Array.from({ length: shape.context * half }, (_, i) =>
      f(Math.floor(i / half) * 1e4 ** (-(i % half) / half)),
    )
  graph.constant('cosines', [shape.context, half], angles(Math.cos))
  graph.constant('sines', [shape.context, half], angles(Math.sin))
  // Attention itself could rotate, but no heads narrower than 16.
  const turned = (y: string, heads: number): string =>
    graph.node(
      'RotaryEmbedding',
      [y, 'positions', 'cosines', 'sines'],
      { num_heads: heads, rotary_embedding_dim: 0 },
      undefined,
      'com.microsoft',
    )
  const embedding = constant('embed_tokens.weight')
  let x = graph.node('Gather', [embedding, 'tokens'])
  for (let layer = 0; layer < shape.layers; layer++) {
    const at = `layers.${layer}`
    const normal = norm(x, `${at}.input_layernorm`)
    const [q, k, v] = ['q', 'k', 'v'].map((name) => linear(normal, `${at}.self_attn.${name}_proj`))
    const rotated = [turned(q, shape.heads), turned(k, shape.kvHeads)]
    x = graph.node('Add', [x, linear(attend(graph, shape, layer, [...rotated, v]), `${at}.self_attn.o_proj`)])
    const read = norm(x, `${at}.post_attention_layernorm`)
    const gate = linear(read, `${at}.mlp.gate_proj`)
    const gated = graph.node('Mul', [gate, graph.node('Sigmoid', [gate])])
    const hidden = graph.node('Mul', [gated, linear(read, `${at}.mlp.up_proj`)])
    x = graph.node('Add', [x, linear(hidden, `${at}.mlp.down_proj`)])
  }
  return head(graph, norm(x, 'norm'), embedding)
}
