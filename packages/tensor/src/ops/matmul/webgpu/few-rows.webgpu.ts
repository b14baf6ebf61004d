/**
 * Products with few rows, as in generation: every number of B is needed once, so it is read in the order that
 * suits the memory.
 */
import type { KernelSource } from '../../../backends/webgpu/wgsl/wgsl.ts'
import {
  bindingsOf,
  each,
  operandFunctions,
  parameterTypes,
  type ProductForm,
  type Tile,
  tileOfGroup,
} from './operands.webgpu.ts'

/** Maximum number of rows; with more of them tiles are faster. */
export const maxFewRows = 4

/** Invocations that share the terms of a sum, and columns of a workgroup. */
const shapeOf = ({ b }: ProductForm): { sharers: number; columns: number } =>
  b.along === 'terms' ? { sharers: 8, columns: 8 } : { sharers: 4, columns: 64 }

/** The tile of a single row. */
export const fewRowsTile = (form: ProductForm): Tile => ({ rows: 1, ...shapeOf(form), terms: 4 })

/** The kernel for few rows. A's terms must be adjacent in memory. */
export function fewRowsProduct(form: ProductForm): KernelSource {
  const { sharers, columns } = shapeOf(form)
  const sumOfSharers = (i: string): string =>
    Array.from({ length: sharers }, (_, s) => `sums[${s * 16}u + ${i}]`).join(' + ')
  const alongTerms = `  let sharer = local % 8u;
  let column = firstColumn + local / 8u;
  var sum = vec4f(0.0);
  for (var t = firstTerm + 4u * sharer; t < lastTerm; t += 32u) {
    sum = fma(vec4f(rounded(loadA(aStart, firstRow, t))), vec4f(rounded(loadB(bStart, column, t))), sum);
  }
  parts[local] = sum.x + sum.y + sum.z + sum.w;
  workgroupBarrier();
  if (local < 2u) {
    let at = firstColumn + 4u * local;
    var four = vec4f(0.0);
    for (var s = 0u; s < 8u; s++) {
      four += vec4f(${[0, 1, 2, 3].map((i) => `parts[32u * local + ${8 * i}u + s]`).join(', ')});
    }
    put(firstRow, at, cStart + firstRow * params.n + at, four);
  }`
  const alongColumns = `  let sharer = local / 16u;
  let column = firstColumn + local % 16u * 4u;
  var sum = vec4f(0.0);
  for (var t = firstTerm + 4u * sharer; t < lastTerm; t += 16u) {
    let a = vec4f(rounded(loadA(aStart, firstRow, t)));
${each(4, (i) => `    sum = fma(vec4f(a[${i}]), vec4f(rounded(loadB(bStart, t + ${i}u, column))), sum);`)}
  }
  sums[local] = sum;
  workgroupBarrier();
  if (local < 16u) { put(firstRow, column, cStart + firstRow * params.n + column, ${sumOfSharers('local')}); }`
  return {
    bindings: bindingsOf(form),
    parameters: parameterTypes,
    needs: form.factors.needs,
    declarations: `${operandFunctions(form)}
${form.b.along === 'terms' ? 'var<workgroup> parts: array<f32, 64>;' : 'var<workgroup> sums: array<vec4f, 64>;'}`,
    body: `${tileOfGroup({ rows: 1, columns, terms: 4 })}
${form.b.along === 'terms' ? alongTerms : alongColumns}`,
  }
}
