/**
 * Picks the tile that this engine and processor run fastest, by a race of some twenty milliseconds. All
 * candidates give the same sums, so the choice changes no result.
 */
import { i32, ModuleBuilder } from '../../../backends/wasm/assembler/index.ts'
import { requireFeatures } from '../../../backends/wasm/features.ts'
import type { WasmBackend } from '../../../backends/wasm/wasm-backend.ts'
import type { WasmFunction } from '../../../backends/wasm/webassembly.ts'
import { KC, microKernel, type Tile, tiles } from './tile.wasm.ts'

/**
 * The winner, and its floating-point operations per second on one thread with everything in the first cache.
 */
export interface Calibration {
  readonly tile: Tile
  readonly peakFlops: number
}

/** Terms of a panel, as in a large product. */
const terms = KC
/** Engines recompile code that runs often; twelve rounds of half a millisecond give them the time. */
const rounds = 12
const roundMilliseconds = 0.5

const calibrations = new Map<string, Calibration>()

/**
 * The best tile for a backend. The race is run once in a process for each kind of arithmetic and of
 * compilation.
 */
export function calibrationOf({ features, products }: WasmBackend): Calibration {
  const kind = features.relaxedSimd ? 'fused' : 'strict'
  const key = `${products.name} ${kind}`
  const known = calibrations.get(key)
  if (known !== undefined) return known
  const made = race(tiles[kind], products)
  calibrations.set(key, made)
  return made
}

function race(contestants: readonly Tile[], { name, compile }: WasmBackend['products']): Calibration {
  const { webAssembly } = requireFeatures()
  const runners = contestants.map((tile) => {
    const memory = new webAssembly.Memory({ initial: 2 })
    return { tile, run: raceModule(tile, name).instantiate(memory, compile).run, calls: 4, speed: 0 }
  })
  for (let round = 0; round < rounds; round++) {
    for (const runner of runners) {
      const milliseconds = timeOf(runner.run, runner.calls)
      const flops = 2 * runner.tile.MR * runner.tile.NR * terms * runner.calls
      runner.speed = Math.max(runner.speed, flops / milliseconds)
      runner.calls = Math.ceil(runner.calls * Math.min(8, roundMilliseconds / milliseconds))
    }
  }
  const [winner] = runners.toSorted((a, b) => b.speed - a.speed)
  return { tile: winner.tile, peakFlops: winner.speed * 1000 }
}

/**
 * Builds a module with one panel of A and one of B in the second page, and behind them a tile of C and a tile
 * of zeros to start from.
 */
function raceModule(tile: Tile, name: string): ModuleBuilder {
  const micro = microKernel(tile)
  const a = 65536
  const b = a + 4 * tile.MR * terms
  const c = b + 4 * tile.NR * terms
  const module = new ModuleBuilder({ name })
  module.export('run', { calls: 'i32' }, (f, { calls }) => {
    const row = i32.const(4 * tile.NR)
    const at = i32.const(c)
    f.repeat(calls, () => {
      f.call(micro, {
        a: i32.const(a),
        b: i32.const(b),
        terms,
        init: at,
        initRow: row,
        c: at,
        cRow: row,
        last: 0,
      })
    })
  })
  return module
}

/**
 * Returns the time of some calls, never 0: clocks of browsers may stand still for a tenth of a millisecond.
 */
function timeOf(run: WasmFunction, calls: number): number {
  const start = performance.now()
  run(calls)
  return Math.max(performance.now() - start, 0.01)
}
