/** Copies a box of numbers between any two strided layouts, for every op that only moves numbers. */
import type { Shape } from '../../../shape.ts'
import { i32 } from '../assembler/index.ts'
import { minNumbers } from './row-loop.ts'
import type { KernelFunctions, Pointer, WasmBackend } from '../wasm-backend.ts'

/** One side of a copy: address of the first number, and elements from index to index along each axis. */
export interface StridedBox {
  readonly at: Pointer
  readonly strides: readonly number[]
}

interface Axis {
  readonly size: number
  readonly to: number
  readonly from: number
}

/** Copies 32-bit numbers of a box of `shape`. A stride of 0 on the reading side repeats. */
export function copyStrided(backend: WasmBackend, shape: Shape, to: StridedBox, from: StridedBox): void {
  const axes = mergedAxes(shape, to.strides, from.strides)
  if (axes.some(({ size }) => size === 0)) return
  const { copy } = copyFunctions(backend)
  const one: Axis = { size: 1, to: 0, from: 0 }
  const [rows, columns] = [axes.at(-2) ?? one, axes.at(-1) ?? one]
  const outer = axes.slice(0, -2)
  const walk = (depth: number, target: Pointer, source: Pointer): void => {
    const axis = outer[depth]
    if (axis === undefined) {
      backend.runOver(copy, rows.size, minNumbers / columns.size, (first, many) => {
        const starts = [target + 4 * first * rows.to, source + 4 * first * rows.from]
        const strides = [rows.to, rows.from, columns.to, columns.from].map((n) => 4 * n)
        return [...starts, many, columns.size, ...strides]
      })
      return
    }
    for (let i = 0; i < axis.size; i++) walk(depth + 1, target + 4 * i * axis.to, source + 4 * i * axis.from)
  }
  walk(0, to.at, from.at)
}

/** Leaves out axes of size 1 and joins axes that continue each other on both sides. */
function mergedAxes(shape: Shape, to: readonly number[], from: readonly number[]): Axis[] {
  const axes: Axis[] = []
  for (const [i, size] of shape.entries()) {
    if (size === 1) continue
    const axis: Axis = { size, to: to[i], from: from[i] }
    const last = axes.at(-1)
    if (last !== undefined && last.to === axis.to * size && last.from === axis.from * size) {
      axes[axes.length - 1] = { ...axis, size: last.size * size }
    } else axes.push(axis)
  }
  return axes
}

function copyFunctions(backend: WasmBackend): KernelFunctions {
  return backend.functions('strided copy', (module) => {
    // biome-ignore format: where to, how much, how far apart
    const parameters = {
      to: 'i32', from: 'i32', rows: 'i32', columns: 'i32',
      toRow: 'i32', fromRow: 'i32', toColumn: 'i32', fromColumn: 'i32',
    } as const
    module.export('copy', parameters, (b, p) => {
      const adjacent = i32.and(i32.eq(p.toColumn, 4), i32.eq(p.fromColumn, 4))
      const nextRow = (): void => {
        b.advance(p.to, p.toRow)
        b.advance(p.from, p.fromRow)
      }
      b.if(
        adjacent,
        () => {
          const bytes = b.let(i32.shl(p.columns, 2))
          b.repeat(p.rows, () => {
            b.copy(p.to, p.from, bytes)
            nextRow()
          })
        },
        () =>
          b.repeat(p.rows, () => {
            const [to, from] = [b.local('i32', p.to), b.local('i32', p.from)]
            b.repeat(p.columns, () => {
              b.store(to, i32.load(from))
              b.advance(to, p.toColumn)
              b.advance(from, p.fromColumn)
            })
            nextRow()
          }),
      )
    })
  })
}
