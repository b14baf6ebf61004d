/** What a library must do to be compared in generation, and the process in which each does it. */
import type { Shape } from '../../generation/shapes.ts'

/** Where the files of the model lie. */
export interface ModelFiles {
  /** `config.json` and `model.safetensors`. */
  readonly folder: string
  readonly gguf: string
  readonly onnx: string
}

/** What a process is told first. */
export interface WriterSettings {
  readonly shape: Shape
  readonly files: ModelFiles
  readonly threads: number
  /** Rows that are written at once, at most. */
  readonly batch: number
}

/** How long a text took, in milliseconds. */
export interface Timing {
  /** Until the first token of each row was there. */
  readonly prompt: number
  readonly promptCpu: number
  /** Times of every further token of each row. */
  readonly steps: readonly number[]
  /** Processor time of one of them, on average. */
  readonly stepCpu: number
}

/** A library that writes. */
export interface Writer {
  /**
   * Log-probabilities of what comes after the last of `tokens`, which is read by itself, after the others; of
   * tokens that the library does not tell, NaN.
   */
  logProbabilities(tokens: readonly number[]): Promise<Float32Array>
  /** Writes so many tokens behind each prompt, always the likeliest, with a cache. */
  write(prompts: readonly (readonly number[])[], tokens: number): Promise<Timing>
}

/** Turns a writer into the program of a process that `fork` has started. */
export function serve(open: (settings: WriterSettings) => Promise<Writer>): void {
  let writer: Writer | undefined
  const send = (message: unknown): void => void process.send?.(message)
  process.on('message', (message: { readonly do: string; readonly arguments: never[] }) => {
    const run = async (): Promise<unknown> => {
      if (message.do === 'open') {
        const start = performance.now()
        writer = await open(message.arguments[0])
        return { milliseconds: performance.now() - start }
      }
      if (message.do === 'logProbabilities') return writer?.logProbabilities(message.arguments[0])
      return writer?.write(message.arguments[0], message.arguments[1])
    }
    run().then(
      (result) => send({ result }),
      (error: unknown) => send({ error: String(error) }),
    )
  })
}

/** Processor time of the process, in milliseconds. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Times a text, of which `step` writes the next token of each row; the first time it reads the prompts. */
export async function timed(tokens: number, step: (index: number) => Promise<void>): Promise<Timing> {
  let [wall, cpu] = [performance.now(), processorTime()]
  const begin = { wall, cpu }
  await step(0)
  ;[wall, cpu] = [performance.now(), processorTime()]
  const [prompt, promptCpu] = [wall - begin.wall, cpu - begin.cpu]
  const steps: number[] = []
  const first = cpu
  for (let i = 1; i < tokens; i++) {
    await step(i)
    const now = performance.now()
    steps.push(now - wall)
    wall = now
  }
  return { prompt, promptCpu, steps, stepCpu: (processorTime() - first) / steps.length }
}

/** Logits → log-probabilities. */
export function logSoftmax(logits: ArrayLike<number>): Float32Array {
  let top = -Infinity
  for (let i = 0; i < logits.length; i++) top = Math.max(top, logits[i])
  let sum = 0
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - top)
  return Float32Array.from(logits, (logit) => logit - top - Math.log(sum))
}

/** The likeliest token. */
export function likeliest(logits: ArrayLike<number>, from = 0, count = logits.length): number {
  let best = 0
  for (let i = 1; i < count; i++) if (logits[from + i] > logits[from + best]) best = i
  return best
}
