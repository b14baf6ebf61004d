/**
 * Our own generation, in a process of its own like every peer. With an argument the weights are packed so, and what
 * maps of integers read is rounded, too.
 */
import { forward, generate, KeyValueCache, quantized, type WeightFormat } from '@burgeon/gpt'
import { fromPretrained } from '@burgeon/gpt/node'
import { openWasm } from '@burgeon/tensor/wasm'
import { logSoftmax, processorTime, serve } from '../peers/generation/writer.ts'

serve(async ({ files, threads }) => {
  const whole = await fromPretrained(files.folder, { device: openWasm({ threads }) })
  const format = process.argv[2] as WeightFormat | undefined
  const isInteger = format === 'int8' || format === 'int4'
  const model =
    format === undefined
      ? whole
      : await quantized(whole, { weights: format, ...(isInteger && { activations: 'int8' }) })
  if (model !== whole) whole.dispose()
  return {
    async logProbabilities(tokens) {
      using cache = new KeyValueCache(model.config, model.device, 1)
      const read = async (some: readonly number[]): Promise<ArrayLike<number>> => {
        const x = model.device.tensor(some, { shape: [1, some.length], dtype: 'i32' })
        const weights = model.parameters.tensors()
        const logits = forward(model.config, weights, x, { cache, lastOnly: true })
        try {
          return await logits.read()
        } finally {
          x.dispose()
          logits.dispose()
        }
      }
      await read(tokens.slice(0, -1))
      return logSoftmax(await read(tokens.slice(-1)))
    },
    async write(prompts, tokens) {
      const start = { wall: performance.now(), cpu: processorTime() }
      let [wall, cpu, prompt, promptCpu] = [start.wall, start.cpu, 0, 0]
      const steps: number[] = []
      for await (const { row } of generate(model, prompts, { tokens, temperature: 0 })) {
        if (row < prompts.length - 1) continue
        const now = performance.now()
        if (prompt === 0) {
          cpu = processorTime()
          ;[prompt, promptCpu] = [now - wall, cpu - start.cpu]
        } else steps.push(now - wall)
        wall = now
      }
      return { prompt, promptCpu, steps, stepCpu: (processorTime() - cpu) / steps.length }
    },
  }
})
