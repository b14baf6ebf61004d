/** V8's revectorisation: pairs of 128-bit instructions become single ones of 256 bits. An experiment of V8's, in Node only. */
import { UnsupportedError } from '../../errors.ts'

interface NodeProcess {
  getBuiltinModule?(name: 'node:v8'): { setFlagsFromString(flags: string): void } | undefined
}

let isOn = false

/**
 * Switches it on for all WebAssembly that this process compiles from now on, unless it changes a single bit.
 *
 * @param program Computes something with many kernels; `isTrial` when it is to use freshly compiled ones.
 * @throws UnsupportedError where the host has no such switch, or when the trial differs; then it is off again.
 */
export function switchOnRevectorization(program: (isTrial: boolean) => readonly Uint8Array[]): void {
  if (isOn) return
  const v8 = (globalThis as { process?: NodeProcess }).process?.getBuiltinModule?.('node:v8')
  if (v8 === undefined) {
    throw new UnsupportedError(
      'openWasm: got revectorize on a host without it; expected Node. Leave it out here.',
    )
  }
  const expected = program(false)
  v8.setFlagsFromString('--experimental-wasm-revectorize')
  // Only V8's optimising compiler does it, so for the trial the quick one is left out.
  v8.setFlagsFromString('--no-liftoff')
  try {
    const differs = program(true).findIndex((bytes, i) => !sameBytes(bytes, expected[i]))
    if (differs >= 0) {
      throw new UnsupportedError(
        `openWasm: revectorize changes result ${differs} of its self-test on this machine. Leave it out here.`,
      )
    }
    isOn = true
  } finally {
    v8.setFlagsFromString('--liftoff')
    if (!isOn) v8.setFlagsFromString('--no-experimental-wasm-revectorize')
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
