/**
 * V8's revectorization: pairs of 128-bit instructions become single ones of 256 bits. It is an experiment of
 * V8's, so a module is compiled with it only after the same kernels have given the same bits with it as
 * without.
 */
import { UnsupportedError } from '../../errors.ts'
import type { Compile } from './webassembly.ts'

interface NodeProcess {
  readonly arch?: string
  readonly versions?: { readonly v8?: string; readonly bun?: string; readonly deno?: string }
  getBuiltinModule?(name: 'node:v8'): { setFlagsFromString(flags: string): void } | undefined
}

const host = globalThis as { readonly process?: NodeProcess }

/**
 * V8 of Node 24 and 26. In an engine that has not been tried, the experiment might end the process, which no
 * test can catch.
 */
const triedEngines = ['13.6', '14.6']

/**
 * With these flags everything is compiled at once by the optimizing compiler, the only one that revectorizes;
 * inlining needs the counts of the other compiler.
 */
const flags = [
  'experimental-wasm-revectorize',
  'liftoff',
  'wasm-tier-up',
  'wasm-lazy-compilation',
  'wasm-inlining',
]
const on = flags.map((flag, i) => (i === 0 ? `--${flag}` : `--no-${flag}`))
const off = flags.map((flag, i) => (i === 0 ? `--no-${flag}` : `--${flag}`))

/** Whether this engine is one of those with which revectorization has been tried at length. */
export function isTriedEngine(): boolean {
  const version = host.process?.versions?.v8 ?? ''
  return triedEngines.some((tried) => version.startsWith(`${tried}.`))
}

/**
 * Makes a compiler revectorize. The switch belongs to the process, so it is turned back before any other code
 * runs.
 */
export function withRevectorization(compile: Compile): Compile {
  const v8 = switchOfV8()
  if (v8 === undefined) return compile
  return (bytes) => {
    for (const flag of on) v8.setFlagsFromString(flag)
    try {
      return compile(bytes)
    } finally {
      for (const flag of off) v8.setFlagsFromString(flag)
    }
  }
}

/** Only Node on x86 processors has wider instructions to offer and lets its flags be set. */
function switchOfV8(): ReturnType<NonNullable<NodeProcess['getBuiltinModule']>> {
  const { arch, versions, getBuiltinModule } = host.process ?? {}
  if (arch !== 'x64' || versions?.bun !== undefined || versions?.deno !== undefined) return undefined
  return getBuiltinModule?.('node:v8')
}

const mistakes = new Map<string, UnsupportedError | undefined>()

/**
 * Returns why revectorization must not be used here; `undefined` if it may. Determined once in a process for
 * each kind of arithmetic.
 *
 * @param program Computes something with the kernels in question; `isTrial` when they are to be revectorized.
 */
export function whyNotRevectorize(
  kind: string,
  program: (isTrial: boolean) => readonly Uint8Array[],
): UnsupportedError | undefined {
  if (!mistakes.has(kind)) mistakes.set(kind, tryIt(program))
  return mistakes.get(kind)
}

function tryIt(program: (isTrial: boolean) => readonly Uint8Array[]): UnsupportedError | undefined {
  if (switchOfV8() === undefined) {
    return new UnsupportedError(
      'openWasm: got revectorize on a host without it; expected Node on x64. Leave it out here.',
    )
  }
  const expected = program(false)
  try {
    const differs = program(true).findIndex((bytes, i) => !sameBytes(bytes, expected[i]))
    if (differs < 0) return undefined
    return new UnsupportedError(
      `openWasm: revectorize changes result ${differs} of its self-test on this machine. Leave it out here.`,
    )
  } catch (cause) {
    return new UnsupportedError(
      'openWasm: revectorize fails its self-test on this machine. Leave it out here.',
      { cause },
    )
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
