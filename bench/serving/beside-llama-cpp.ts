/** Our server beside llama.cpp with the same weights, prompts and clients: a small Llama, always the likeliest token. */
import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BytePairTokenizer, forward, type Gpt } from '@burgeon/gpt'
import { fromPretrained } from '@burgeon/gpt/node'
import { serve as listen, type ServedModel } from '@burgeon/server'
import { atMost, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import { writeModelFiles } from '../generation/model-files.ts'
import type { Shape } from '../generation/shapes.ts'
import type { LlamaServerSettings } from '../peers/serving/llama-cpp.ts'
import { median } from '../peers/peer.ts'
import { asking, post } from './asking.ts'

const shape: Shape = {
  ...{ name: 'small Llama', kind: 'llama', layers: 4, embed: 128, heads: 4, kvHeads: 4 },
  ...{ mlpHidden: 344, vocabulary: 256, context: 128, epsilon: 1e-5 },
}
const [answerTokens, promptTokens] = [64, 32]
/** llama.cpp rounds inside activations to half precision: of two tokens that lie apart by less, it may write either. */
const tolerance = 0.02
const peers = new URL('../peers/', import.meta.url)

/** Tokens that letters have in both: no control token, and no two prompts alike. */
const promptOf = (client: number, request: number): number[] =>
  Array.from({ length: promptTokens }, (_, i) => 97 + ((7 * client + 3 * request + i * i) % 26))

/**
 * Rows of ours and of the peer, and whether they write the same but for rounding; a row that says so where the peer is
 * missing. Ours shares its process with the clients; the peer has one of its own.
 */
export async function besideLlamaCpp(
  rounds: number,
  seconds: number,
  note: (line: string) => void,
): Promise<{ readonly rows: BenchmarkRow[]; readonly checks: BenchmarkCheck[] }> {
  if (!existsSync(new URL('node_modules/node-llama-cpp/package.json', peers))) {
    const missing = {
      case: 'llama.cpp',
      metric: 'not installed',
      value: 0,
      unit: '(npm ci --prefix bench/peers)',
    }
    return { rows: [missing], checks: [] }
  }
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-serve-'))
  try {
    const files = writeModelFiles(shape, folder)
    const model = await fromPretrained(files.folder)
    const served = servedModel(model)
    const rows: BenchmarkRow[] = []
    let behind = 0
    for (const clients of [1, 4, 16]) {
      const about = `small Llama, ${clients} ${clients === 1 ? 'client' : 'clients'}`
      const running = await listen(served, { port: 0, limits: { inFlight: clients + 1 } })
      const peers: Peer[] = []
      // The peer with as many threads as serve it best.
      for (const threads of new Set([1, availableParallelism()])) {
        const peer = await startPeer({ gguf: files.gguf, threads, clients, context: 128 })
        behind = Math.max(behind, await behindOurs(served, peer.url))
        peers.push({ ...peer, threads, measured: [] })
      }
      const ours: Measured[] = []
      // In turn: a machine that is slower for a while is so for all.
      for (let round = 0; round < rounds; round++) {
        ours.push(await measured(running.url, clients, seconds))
        for (const peer of peers) peer.measured.push(await measured(peer.url, clients, seconds))
      }
      await running.close()
      for (const { close } of peers) close()
      rows.push(...rowsOf(about, ours, peers))
      note(
        rows
          .slice(-2)
          .map(
            ({ metric, value, peer, peerValue }) =>
              `${about}, ${metric}: ${value.toFixed(1)}, ${peer} ${peerValue?.toFixed(1)}`,
          )
          .join('; '),
      )
    }
    model.dispose()
    const what = 'small Llama: a token of llama.cpp is less likely to us than ours by, nats'
    return { rows, checks: [atMost(what, behind, tolerance)] }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Peer {
  readonly url: string
  readonly threads: number
  readonly measured: Measured[]
  close(): void
}

/** Medians of ours, beside those of the number of threads that writes most; ratios within a round. */
function rowsOf(about: string, ours: readonly Measured[], peers: readonly Peer[]): BenchmarkRow[] {
  const medianOf = (what: keyof Measured, rounds: readonly Measured[]): number =>
    median(rounds.map((each) => each[what]))
  const best = peers.reduce((a, b) =>
    medianOf('perSecond', b.measured) > medianOf('perSecond', a.measured) ? b : a,
  )
  const peer = `llama.cpp, ${best.threads} ${best.threads === 1 ? 'thread' : 'threads'}`
  const row = (metric: string, what: keyof Measured, unit: string): BenchmarkRow => ({
    ...{
      case: about,
      metric,
      value: medianOf(what, ours),
      unit,
      peer,
      peerValue: medianOf(what, best.measured),
    },
    // More tokens are better, and less waiting.
    ratio: median(
      ours.map((own, i) => (own[what] / best.measured[i][what]) ** (what === 'perSecond' ? 1 : -1)),
    ),
  })
  return [row('tokens', 'perSecond', '/s'), row('first token, median', 'firstToken', 'ms')]
}

interface Measured {
  /** Tokens of all clients. */
  readonly perSecond: number
  /** Median, in milliseconds. */
  readonly firstToken: number
}

async function measured(url: string, clients: number, seconds: number): Promise<Measured> {
  const options = { clients, answerTokens, promptOf, temperature: 0 }
  await asking(url, { ...options, seconds: 0.3 * seconds })
  const start = performance.now()
  const { tokens, firstTokens } = await asking(url, { ...options, seconds })
  const perSecond = (1000 * tokens) / (performance.now() - start)
  return { perSecond, firstToken: 1000 * median(firstTokens) }
}

function servedModel(model: ServedModel['model']): ServedModel {
  const tokenizer = new BytePairTokenizer()
  const transcript = { stopTexts: [], promptOf: () => Promise.resolve(tokenizer.encode('a')) }
  return { id: 'small', model, tokenizer, endTokens: [], transcript, step: () => 0 }
}

/**
 * How much less likely than our likeliest token, by our own log-probabilities, a token is that the peer writes: the most
 * over a few answers. Tokens may differ where two are as likely as each other but for rounding.
 */
async function behindOurs({ model }: ServedModel, url: string): Promise<number> {
  let most = 0
  for (let request = 0; request < 3; request++) {
    const prompt = promptOf(0, request)
    const response = await post(url, '/v1/completions', { prompt, max_tokens: answerTokens })
    const theirs = [...(await response.text()).matchAll(/"token":(\d+)/g)].map(([, token]) => Number(token))
    if (theirs.length !== answerTokens) return Infinity
    const logits = await logitsOf(model, [...prompt, ...theirs])
    for (const [i, token] of theirs.entries()) {
      const row = logits[promptTokens - 1 + i]
      most = Math.max(most, Math.max(...row) - row[token])
    }
  }
  return most
}

async function logitsOf({ config, parameters, device }: Gpt, tokens: readonly number[]): Promise<number[][]> {
  using x = device.tensor(tokens, { shape: [1, tokens.length], dtype: 'i32' })
  using logits = forward(config, parameters.tensors(), x)
  const numbers = await logits.read()
  const size = config.vocabulary
  return tokens.map((_, i) => [...numbers.subarray(i * size, (i + 1) * size)])
}

/** Starts the peer. */
async function startPeer(settings: LlamaServerSettings): Promise<Pick<Peer, 'url' | 'close'>> {
  const child: ChildProcess = fork(fileURLToPath(new URL('serving/llama-cpp.ts', peers)), {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const answer = await new Promise<{ readonly port?: number; readonly error?: string }>((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (code) => reject(new Error(`llama.cpp ended with ${code}`)))
    child.send(settings)
  })
  if (answer.port === undefined) throw new Error(`llama.cpp: ${answer.error}`)
  return { url: `http://127.0.0.1:${answer.port}`, close: () => void child.kill() }
}
