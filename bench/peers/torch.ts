/** PyTorch as a peer: a Python process that is asked line by line. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { median, optimizer, type Peer, type TrainingCase, type Weights } from './peer.ts'

const script = fileURLToPath(new URL('gpt_torch.py', import.meta.url))
/** Debian's packages are for Debian's Python, which need not be the first on the path. */
const interpreters = ['/usr/bin/python3', 'python3']

/** PyTorch, with what only it can do. */
export interface TorchPeer extends Peer {
  /** Sends one command of `gpt_torch.py` and returns its result. */
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

/** Where Debian keeps the two builds of OpenBLAS; PyTorch takes the one that the loader finds first. */
const blasFolders = ['openblas-openmp', 'openblas-pthread'].map(
  (build) => `/usr/lib/x86_64-linux-gnu/${build}`,
)

/** How one PyTorch process is started. */
interface TorchProcess {
  readonly device: 'cpu' | 'cuda'
  /** All processors unless given. */
  readonly threads?: number
  readonly blasFolder?: string
}

/**
 * PyTorch on the CPU in every setting that may be its best: both builds of OpenBLAS, on one thread and on
 * all. Each is a peer of its own; the fastest of them is what PyTorch can do. None where there is no PyTorch.
 */
export async function openTorchSettings({ oneThread = false } = {}): Promise<TorchPeer[]> {
  const builds = blasFolders.filter((folder) => existsSync(folder))
  const threads = oneThread ? [1] : [undefined, 1]
  const peers: TorchPeer[] = []
  for (const blasFolder of builds.length > 0 ? builds : [undefined]) {
    for (const count of threads) {
      const peer = await startTorch({
        device: 'cpu',
        ...(blasFolder && { blasFolder }),
        ...(count && { threads: count }),
      })
      if (peer !== undefined) peers.push(peer)
    }
  }
  return peers
}

/** PyTorch on a GPU; `undefined` where there is none. */
export function openTorchOnGpu(): Promise<TorchPeer | undefined> {
  return startTorch({ device: 'cuda' })
}

/** The setting that trains a model fastest, by the median of some steps; the others are closed. */
export async function fastestTorch(about: TrainingCase, weights: Weights): Promise<TorchPeer | undefined> {
  const settings = await openTorchSettings()
  const timed: { peer: TorchPeer; time: number }[] = []
  for (const peer of settings) {
    const trainer = await peer.trainer(about, weights)
    await trainer.run(0, 5)
    timed.push({ peer, time: median((await trainer.run(5, 15)).milliseconds) })
  }
  const [best, ...others] = timed.toSorted((a, b) => a.time - b.time)
  for (const { peer } of others) await peer.close()
  return best?.peer
}

async function startTorch(setting: TorchProcess): Promise<TorchPeer | undefined> {
  for (const interpreter of interpreters) {
    const peer = await start(interpreter, setting)
    if (peer !== undefined) return peer
  }
  return undefined
}

/**
 * The environment of a PyTorch process. `OPENBLAS_CORETYPE` and `OPENBLAS_L2_SIZE`, which some machines set,
 * would tie it to kernels of an older processor.
 */
function environmentOf({ threads, blasFolder }: TorchProcess): NodeJS.ProcessEnv {
  const { OPENBLAS_CORETYPE: _kernel, OPENBLAS_L2_SIZE: _size, ...inherited } = process.env
  return {
    ...inherited,
    ...(threads && { OPENBLAS_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads) }),
    ...(blasFolder && { LD_LIBRARY_PATH: blasFolder }),
  }
}

async function start(interpreter: string, setting: TorchProcess): Promise<TorchPeer | undefined> {
  const child = spawn(interpreter, [script, setting.device], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: environmentOf(setting),
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
