/**
 * Packing for `gemm`: operands with any strides become panels that the micro-kernel reads from front to back.
 */
import {
  defineFunction,
  type FunctionBuilder,
  type FunctionDefinition,
  i32,
  i32x4,
  type Local,
  type Value,
  v128,
} from '../../../backends/wasm/assembler/index.ts'

// biome-ignore format: one line
const packAParameters = { to: 'i32', from: 'i32', rows: 'i32', terms: 'i32', row: 'i32', column: 'i32' } as const
// biome-ignore format: one line
const packBParameters = { to: 'i32', from: 'i32', terms: 'i32', columns: 'i32', row: 'i32', column: 'i32' } as const

/** A → panels of MR rows (at least 4), term by term: to[panel][term][row]. Rows beyond the last are zeros. */
export function packA(MR: number): FunctionDefinition<typeof packAParameters, void> {
  // Rows are moved in fours; where four does not divide MR, the last four overlap the ones before.
  const fours = Array.from({ length: Math.ceil(MR / 4) }, (_, i) => Math.min(4 * i, MR - 4))
  return defineFunction('packA', packAParameters, (b, { to, from, rows, terms, row, column }) => {
    const left = b.local('i32', rows)
    const source = b.local('i32')
    const eachTerm = (count: Value<'i32'>, copyTerm: () => void): void => {
      b.repeat(count, () => {
        copyTerm()
        b.advance(source, column)
        b.advance(to, 4 * MR)
      })
    }
    const at = (r: number): Value<'i32'> => i32.add(source, i32.mul(row, r))
    const singly = (): void => {
      for (let r = 0; r < MR; r++) b.store(to, i32.load(at(r)), 4 * r)
    }
    const turned = (): void => {
      b.repeat(i32.shrU(terms, 2), () => {
        for (const r of fours) {
          const columns = transposeBlock(
            b,
            [0, 1, 2, 3].map((i) => b.let(v128.load(at(r + i)))),
          )
          columns.forEach((four, t) => b.store(to, four, 4 * (MR * t + r)))
        }
        b.advance(source, 16)
        b.advance(to, 16 * MR)
      })
      eachTerm(i32.and(terms, 3), singly)
    }
    const straight = (): void =>
      eachTerm(terms, () => {
        for (const r of fours) b.store(to, v128.load(source, 4 * r), 4 * r)
      })
    const ragged = (): void =>
      eachTerm(terms, () => {
        for (let r = 0; r < MR; r++) {
          b.if(
            i32.gtU(left, r),
            () => b.store(to, i32.load(at(r)), 4 * r),
            () => b.store(to, i32.const(0), 4 * r),
          )
        }
      })
    b.while(left, () => {
      b.set(source, from)
      b.if(
        i32.ltU(left, MR),
        () => {
          ragged()
          b.set(left, 0)
        },
        () => {
          b.if(i32.eq(column, 4), turned, () => b.if(i32.eq(row, 4), straight, () => eachTerm(terms, singly)))
          b.set(left, i32.sub(left, MR))
        },
      )
      b.advance(from, i32.mul(row, MR))
    })
  })
}

/** Transposes a 4 × 4 block: returns its four columns from its four rows. */
export function transposeBlock(
  b: FunctionBuilder,
  [r0, r1, r2, r3]: readonly Value<'v128'>[],
): Value<'v128'>[] {
  const low01 = b.let(i32x4.shuffle(r0, r1, [0, 4, 1, 5]))
  const low23 = b.let(i32x4.shuffle(r2, r3, [0, 4, 1, 5]))
  const high01 = b.let(i32x4.shuffle(r0, r1, [2, 6, 3, 7]))
  const high23 = b.let(i32x4.shuffle(r2, r3, [2, 6, 3, 7]))
  return [
    i32x4.shuffle(low01, low23, [0, 1, 4, 5]),
    i32x4.shuffle(low01, low23, [2, 3, 6, 7]),
    i32x4.shuffle(high01, high23, [0, 1, 4, 5]),
    i32x4.shuffle(high01, high23, [2, 3, 6, 7]),
  ]
}

/** B → panels of NR columns, term by term: to[panel][term][column]. Columns beyond the last are zeros. */
export function packB(NR: number): FunctionDefinition<typeof packBParameters, void> {
  return defineFunction('packB', packBParameters, (b, { to, from, terms, columns, row, column }) => {
    const left = b.local('i32', columns)
    const panel = (copyRow: (source: Local<'i32'>) => void): void => {
      const source = b.local('i32', from)
      b.repeat(terms, () => {
        copyRow(source)
        b.advance(source, row)
        b.advance(to, 4 * NR)
      })
    }
    const scatter = (source: Local<'i32'>): void => {
      for (let j = 0; j < NR; j++) b.store(to, i32.load(i32.add(source, i32.mul(column, j))), 4 * j)
    }
    b.while(left, () => {
      b.if(
        i32.geU(left, NR),
        () => {
          b.if(
            i32.eq(column, 4),
            () =>
              panel((source) => {
                for (let j = 0; j < NR; j += 4) b.store(to, v128.load(source, 4 * j), 4 * j)
              }),
            () =>
              b.if(
                i32.eq(row, 4),
                () => transposedPanel(b, NR, to, from, terms, column),
                () => panel(scatter),
              ),
          )
          b.set(left, i32.sub(left, NR))
        },
        () => {
          panel((source) => {
            for (let j = 0; j < NR; j++) {
              b.if(
                i32.gtU(left, j),
                () => b.store(to, i32.load(i32.add(source, i32.mul(column, j))), 4 * j),
                () => b.store(to, i32.const(0), 4 * j),
              )
            }
          })
          b.set(left, 0)
        },
      )
      b.advance(from, i32.mul(column, NR))
    })
  })
}

/**
 * Packs a panel of a B whose columns are contiguous (a transposed operand): 4 × 4 blocks are transposed in
 * registers.
 */
function transposedPanel(
  b: FunctionBuilder,
  NR: number,
  to: Local<'i32'>,
  from: Value<'i32'>,
  terms: Value<'i32'>,
  column: Value<'i32'>,
): void {
  const source = b.local('i32', from)
  const at = (j: number): Value<'i32'> => i32.add(source, i32.mul(column, j))
  b.repeat(i32.shrU(terms, 2), () => {
    for (let j = 0; j < NR; j += 4) {
      const rows = transposeBlock(
        b,
        [0, 1, 2, 3].map((i) => b.let(v128.load(at(j + i)))),
      )
      rows.forEach((four, t) => b.store(to, four, 4 * (j + NR * t)))
    }
    b.advance(source, 16)
    b.advance(to, 16 * NR)
  })
  b.repeat(i32.and(terms, 3), () => {
    for (let j = 0; j < NR; j++) b.store(to, i32.load(at(j)), 4 * j)
    b.advance(source, 4)
    b.advance(to, 4 * NR)
  })
}
