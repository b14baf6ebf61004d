/** The contestants of the comparison, each in a process of its own. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Timing, WriterSettings } from '../peers/generation/writer.ts'

/** A library at work. */
export interface Contestant {
  readonly name: string
  readonly kind: Kind
  /** Milliseconds until the model was there. */
  readonly opened: number
  logProbabilities(tokens: readonly number[]): Promise<Float32Array>
  write(prompts: readonly (readonly number[])[], tokens: number): Promise<Timing>
  close(): void
}

type Kind = 'ours' | 'packed' | 'JavaScript' | 'native'

/** How a contestant is found. */
export interface Candidate {
  readonly name: string
  readonly kind: Kind
  readonly install: string
  open(settings: WriterSettings): Promise<Contestant>
}

const peers = new URL('../peers/', import.meta.url)
const fromNpm = 'npm ci --prefix bench/peers'

const forked = (
  name: string,
  kind: Kind,
  file: string,
  { needs = '', args = [] as readonly string[] } = {},
): Candidate => ({
  ...{ name: needs ? `${name} ${versionOf(needs)}` : name, kind, install: fromNpm },
  open(settings) {
    if (needs && !existsSync(new URL(`node_modules/${needs}/package.json`, peers))) {
      throw new Error(`${needs} is not installed`)
    }
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
      ...{ stdio: ['ignore', 'ignore', 'ignore', 'ipc'], serialization: 'advanced' },
      execArgv: ['--conditions=@burgeon/source', '--disable-warning=ExperimentalWarning'],
    })
    return started(this, settings, child, messages(child))
  },
})

/** In the order in which they are measured. */
export const candidates: readonly Candidate[] = [
  forked('burgeon', 'ours', './our-writer.ts'),
  ...['bf16', 'int8', 'int4'].map((format) =>
    forked(`burgeon, ${format}`, 'packed', './our-writer.ts', { args: [format] }),
  ),
  forked('llama.cpp, node-llama-cpp', 'native', '../peers/generation/llama-cpp.ts', {
    needs: 'node-llama-cpp',
  }),
  forked('onnxruntime-node', 'native', '../peers/generation/onnxruntime.ts', { needs: 'onnxruntime-node' }),
  forked('onnxruntime-web', 'JavaScript', '../peers/generation/onnxruntime.ts', {
    ...{ needs: 'onnxruntime-web', args: ['web'] },
  }),
  forked('wllama', 'JavaScript', '../peers/generation/wllama.ts', { needs: '@wllama/wllama' }),
  {
    ...{ name: 'PyTorch', kind: 'native' },
    install: 'apt-get install python3-torch libopenblas0-pthread libopenblas0-openmp',
    open(settings) {
      const { OPENBLAS_CORETYPE: _type, OPENBLAS_L2_SIZE: _size, ...env } = process.env
      const threads = String(settings.threads)
      // Debian's packages are for Debian's Python, which need not be the first on the path.
      const child = spawn('/usr/bin/python3', [fileURLToPath(new URL('generation/torch_writer.py', peers))], {
        stdio: ['pipe', 'pipe', 'ignore'],
        env: { ...env, OMP_NUM_THREADS: threads, OPENBLAS_NUM_THREADS: threads },
      })
      return started(this, settings, child, lines(child))
    },
  },
]

function versionOf(name: string): string {
  const text = readFileSync(new URL('package.json', peers), 'utf8')
  return (JSON.parse(text) as { dependencies: Record<string, string> }).dependencies[name]
}

type Ask = (message: { readonly do: string; readonly arguments: readonly unknown[] }) => Promise<unknown>

async function started(
  { name, kind }: Candidate,
  settings: WriterSettings,
  child: ChildProcess,
  ask: Ask,
): Promise<Contestant> {
  try {
    const about = (await ask({ do: 'open', arguments: [settings] })) as {
      milliseconds: number
      version?: string
    }
    return {
      ...{
        name: about.version === undefined ? name : `${name} ${about.version}`,
        kind,
        opened: about.milliseconds,
      },
      logProbabilities: async (tokens) =>
        Float32Array.from((await ask({ do: 'logProbabilities', arguments: [tokens] })) as Float32Array),
      write: async (prompts, tokens) => (await ask({ do: 'write', arguments: [prompts, tokens] })) as Timing,
      close: () => child.kill(),
    }
  } catch (error) {
    child.kill()
    throw error
  }
}

/** Asks a forked process. */
function messages(child: ChildProcess): Ask {
  return (message) =>
    new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('the process ended'))
      child.once('exit', ended)
      child.once('message', (reply: { readonly result?: unknown; readonly error?: string }) => {
        child.off('exit', ended)
        if (reply.error === undefined) resolve(reply.result)
        else reject(new Error(reply.error))
      })
      child.send(message)
    })
}

/** Asks a process that reads and writes a line for each. */
function lines(child: ChildProcess): Ask {
  if (child.stdout === null) throw new Error('the process has no output')
  const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  child.on('error', () => {})
  child.stdin?.on('error', () => {})
  return async (message) => {
    child.stdin?.write(`${JSON.stringify(message)}\n`)
    const { value, done } = await replies.next()
    if (done === true) throw new Error('the process ended')
    return JSON.parse(value)
  }
}
