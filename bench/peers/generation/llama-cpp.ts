/** llama.cpp, as node-llama-cpp brings it: its CPU library, keys and values in single floats as ours. */
import type { Library, Sequence } from './llama-cpp-library.ts'
import { logSoftmax, processorTime, serve, type Timing } from './writer.ts'

serve(async ({ shape, files, threads, batch }) => {
  const name = 'node-llama-cpp'
  const { getLlama } = (await import(name)) as Library
  const quiet = { gpu: false, build: 'never', skipDownload: true, progressLogs: false, logLevel: 'error' }
  const llama = await getLlama({ ...quiet, maxThreads: threads })
  const model = await llama.loadModel({ modelPath: files.gguf, gpuLayers: 0 })
  const contextOf = (sequences: number): ReturnType<typeof model.createContext> =>
    model.createContext({
      ...{ contextSize: 128, sequences, batchSize: 64 * sequences, threads, flashAttention: true },
      ...{ experimentalKvCacheKeyType: 'F32', experimentalKvCacheValueType: 'F32' },
    })
  // A context for one row and one for many: cells for many rows would cost the single one time.
  const [single, many] = [await contextOf(1), await contextOf(batch)]
  const [alone, together] = [[single.getSequence()], Array.from({ length: batch }, () => many.getSequence())]
  const writeOne = async (sequence: Sequence, prompt: readonly number[], tokens: number): Promise<Timing> => {
    await sequence.clearHistory()
    const begin = { wall: performance.now(), cpu: processorTime() }
    let [wall, cpu, prompted, promptCpu] = [begin.wall, begin.cpu, 0, 0]
    const steps: number[] = []
    for await (const _ of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
      const now = performance.now()
      if (prompted === 0) {
        cpu = processorTime()
        ;[prompted, promptCpu] = [now - wall, cpu - begin.cpu]
      } else steps.push(now - wall)
      wall = now
      if (steps.length === tokens - 1) break
    }
    return { prompt: prompted, promptCpu, steps, stepCpu: (processorTime() - cpu) / steps.length }
  }
  return {
    async logProbabilities(tokens) {
      const [sequence] = alone
      await sequence.clearHistory()
      await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(0, -1))
      const wanted = { generateNext: { probabilities: true, options: { temperature: 1, topK: 0, topP: 1 } } }
      const [result] = await sequence.controlledEvaluate([[tokens[tokens.length - 1], wanted]])
      const found = new Float32Array(shape.vocabulary).fill(NaN)
      for (const [token, share] of result?.next.probabilities ?? []) found[token] = Math.log(share)
      return logSoftmax(found)
    },
    async write(prompts, tokens) {
      const sequences = prompts.length === 1 ? alone : together
      const timings = await Promise.all(prompts.map((prompt, i) => writeOne(sequences[i], prompt, tokens)))
      // The rows are read together, so the last of them tells when a step was over.
      return timings[timings.length - 1]
    },
  }
})
