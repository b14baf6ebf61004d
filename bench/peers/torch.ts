/** PyTorch as a peer: a Python process that is asked line by line. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { optimizer, type Peer, type TrainingCase, type Weights } from './peer.ts'

const script = fileURLToPath(new URL('gpt_torch.py', import.meta.url))
/** Debian's packages are for Debian's Python, which need not be the first on the path. */
const interpreters = ['/usr/bin/python3', 'python3']

/** PyTorch, with what only it can do. */
export interface TorchPeer extends Peer {
  /** Sends one command of `gpt_torch.py` and answers its result. */
  ask(command: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>
  /** Loads a model. */
  load(about: TrainingCase, weights: Weights, options?: TorchOptions): Promise<void>
  /** A folder for files that commands name; it is gone after `close`. */
  readonly folder: string
}

/** How PyTorch shall train. */
export interface TorchOptions {
  /** Paths that are decayed, all unless given. */
  readonly decays?: readonly string[]
  /** Products in bf16 by autocast. */
  readonly mixed?: boolean
}

/** Starts PyTorch; `undefined` where there is none. */
export async function openTorch({
  oneThread = false,
  device = 'cpu',
}: {
  oneThread?: boolean
  device?: 'cpu' | 'cuda'
} = {}): Promise<TorchPeer | undefined> {
  for (const interpreter of interpreters) {
    const peer = await start(
      interpreter,
      device,
      oneThread ? { OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' } : {},
    )
    if (peer !== undefined) return peer
  }
  return undefined
}

async function start(
  interpreter: string,
  device: string,
  environment: object,
): Promise<TorchPeer | undefined> {
  const child = spawn(interpreter, [script, device], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, ...environment },
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`PyTorch ended. Run ${script} by hand to see why.`)
    return JSON.parse(value) as Record<string, unknown>
  }
  child.on('error', () => {})
  let about: Record<string, unknown>
  try {
    about = await answer()
  } catch {
    return undefined
  }
  return peerOf(child, answer, about)
}

function peerOf(
  child: ChildProcess,
  answer: () => Promise<Record<string, unknown>>,
  about: Record<string, unknown>,
): TorchPeer {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-bench-'))
  const ask: TorchPeer['ask'] = (command) => {
    child.stdin?.write(`${JSON.stringify(command)}\n`)
    return answer()
  }
  const load: TorchPeer['load'] = async (sizes, weights, options = {}) => {
    const file = join(folder, 'weights.f32')
    const entries = Object.entries(weights)
    writeFileSync(
      file,
      Buffer.concat(entries.map(([, { data }]) => Buffer.from(Float32Array.from(data).buffer))),
    )
    const index = entries.map(([path, { shape }]) => [path, shape])
    await ask({ do: 'model', sizes, weights: { file, index }, optimizer, ...options })
  }
  return {
    name: `PyTorch ${String(about.version)} (${String(about.blas)})`,
    isJavaScript: false,
    folder,
    ask,
    load,
    async trainer(sizes, weights) {
      await load(sizes, weights)
      return {
        run: async (first, count) =>
          (await ask({ do: 'steps', first, count })) as { losses: number[]; milliseconds: number[] },
        dispose() {},
      }
    },
    async matmul({ m, n, k, transposeA, transposeB }) {
      return (await ask({ do: 'matmul', m, n, k, transposeA, transposeB })).milliseconds as number
    },
    async attention(shape) {
      return (await ask({ do: 'attention', shape })).milliseconds as number
    },
    close() {
      child.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
