/** onnxruntime: the native library in Node, or, with the argument `web`, the one in WASM. */
import { readFileSync } from 'node:fs'
import { likeliest, logSoftmax, serve, timed } from './writer.ts'

/** The part of onnxruntime's interface that is used; both libraries have the same. */
interface OrtTensor {
  readonly data: Float32Array
  dispose(): void
}
interface Library {
  readonly env: { readonly wasm: { numThreads?: number } }
  readonly Tensor: new (type: string, data: ArrayBufferView, shape: readonly number[]) => OrtTensor
  readonly InferenceSession: {
    create(
      model: string | Uint8Array,
      options: object,
    ): Promise<{
      run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Record<string, OrtTensor>>
    }>
  }
}

const isWeb = process.argv[2] === 'web'

serve(async ({ shape, files, threads }) => {
  const name = isWeb ? 'onnxruntime-web' : 'onnxruntime-node'
  const { env, Tensor, InferenceSession } = (await import(name)) as Library
  if (isWeb) env.wasm.numThreads = threads
  const session = await InferenceSession.create(isWeb ? readFileSync(files.onnx) : files.onnx, {
    ...{ graphOptimizationLevel: 'all', executionProviders: [isWeb ? 'wasm' : 'cpu'] },
    ...(!isWeb && { intraOpNumThreads: threads, interOpNumThreads: 1 }),
  })
  const { layers, kvHeads, embed, heads, vocabulary: V } = shape

  /** A text that is being read, of so many rows. */
  class Reading {
    readonly #rows: number
    #past: Record<string, OrtTensor> = {}
    #length = 0

    constructor(rows: number) {
      this.#rows = rows
      for (let layer = 0; layer < layers; layer++) {
        for (const kind of ['key', 'value']) {
          const shape = [rows, kvHeads, 0, embed / heads]
          this.#past[`past.${kind}.${layer}`] = new Tensor('float32', new Float32Array(), shape)
        }
      }
    }

    /** Logits after the last of the tokens of each row, `[rows, V]`. */
    async read(tokens: readonly (readonly number[])[]): Promise<Float32Array> {
      const [rows, count] = [this.#rows, tokens[0].length]
      const from = this.#length
      this.#length += count
      const whole = (numbers: readonly number[], shape: readonly number[]): OrtTensor =>
        new Tensor('int64', BigInt64Array.from(numbers, BigInt), shape)
      const positions = tokens.flatMap((row) => row.map((_, i) => from + i))
      const outputs = await session.run({
        ...this.#past,
        tokens: whole(tokens.flat(), [rows, count]),
        positions: whole(positions, [rows, count]),
        last: new Tensor('int32', new Int32Array(rows).fill(this.#length - 1), [rows]),
        total: new Tensor('int32', Int32Array.of(this.#length), []),
      })
      const { logits, ...presents } = outputs
      const entries = Object.entries(presents)
      this.#past = Object.fromEntries(entries.map(([name, x]) => [name.replace('present', 'past'), x]))
      return logits.data
    }
  }

  return {
    async logProbabilities(tokens) {
      const reading = new Reading(1)
      await reading.read([tokens.slice(0, -1)])
      return logSoftmax(await reading.read([tokens.slice(-1)]))
    },
    write(prompts, tokens) {
      const reading = new Reading(prompts.length)
      let next: readonly (readonly number[])[] = prompts
      return timed(tokens, async () => {
        const logits = await reading.read(next)
        next = prompts.map((_, row) => [likeliest(logits, row * V, V)])
      })
    },
  }
})
