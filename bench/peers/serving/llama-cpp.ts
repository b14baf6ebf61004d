/**
 * llama.cpp behind HTTP, in a process that `fork` has started: npm has its library and not its server. Requests
 * that come while others are written share their batches, as node-llama-cpp does it by itself.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Library, Sequence } from '../generation/llama-cpp-library.ts'

/** What the process is told. */
export interface LlamaServerSettings {
  readonly gguf: string
  readonly threads: number
  /** Texts that are written at the same time, at most. */
  readonly clients: number
  /** Tokens of a prompt and its answer, at most. */
  readonly context: number
}

process.once('message', (settings: LlamaServerSettings) => {
  open(settings).then(
    (port) => process.send?.({ port }),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})

async function open({ gguf, threads, clients, context }: LlamaServerSettings): Promise<number> {
  const name = 'node-llama-cpp'
  const { getLlama } = (await import(name)) as Library
  const quiet = { gpu: false, build: 'never', skipDownload: true, progressLogs: false, logLevel: 'error' }
  const llama = await getLlama({ ...quiet, maxThreads: threads })
  const model = await llama.loadModel({ modelPath: gguf, gpuLayers: 0 })
  const many = await model.createContext({
    ...{
      contextSize: context,
      sequences: clients,
      batchSize: context * clients,
      threads,
      flashAttention: true,
    },
    ...{ experimentalKvCacheKeyType: 'F32', experimentalKvCacheValueType: 'F32' },
  })
  const free: Sequence[] = Array.from({ length: clients }, () => many.getSequence())
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { prompt, max_tokens: most } = (await bodyOf(request)) as { prompt: number[]; max_tokens: number }
    const sequence = free.pop()
    if (sequence === undefined) {
      response.writeHead(429).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    await sequence.clearHistory()
    let written = 0
    for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, token }] })}\n\n`)
      if (++written === most) break
    }
    free.push(sequence)
    response.end('data: [DONE]\n\n')
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part as string
  return JSON.parse(text)
}
