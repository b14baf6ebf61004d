/**
 * Products without workgroup memory: every invocation makes 4 × 4 numbers of C from numbers that it reads
 * itself, and leaves sharing to the caches. Good where workgroup memory costs more than it saves: on Apple's
 * GPUs and on processors.
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

/** The tile of 8 × 8 invocations, four terms at a time. */
export const directTile: Tile = { rows: 32, columns: 32, terms: 4 }

export function directProduct(form: ProductForm): KernelSource {
  const { a, b, factors } = form
  const loadA = (i: number): string =>
    a.along === 'terms' ? `loadA(aStart, row + ${i}u, first)` : `loadA(aStart, first + ${i}u, row)`
  const loadB = (j: number): string =>
    b.along === 'terms' ? `loadB(bStart, column + ${j}u, first)` : `loadB(bStart, first + ${j}u, column)`
  const ofA = (i: number, t: number): string => (a.along === 'terms' ? `a${i}[${t}]` : `a${t}[${i}]`)
  const ofB = (t: number): string =>
    b.along === 'terms' ? `vec4f(b0[${t}], b1[${t}], b2[${t}], b3[${t}])` : `b${t}`
  return {
    bindings: bindingsOf(form),
    parameters: parameterTypes,
    needs: factors.needs,
    declarations: operandFunctions(form),
    body: `${tileOfGroup(directTile)}
  let row = firstRow + local / 8u * 4u;
  let column = firstColumn + local % 8u * 4u;
${each(4, (i) => `  var c${i} = vec4f(0.0);`)}
  for (var first = firstTerm; first < lastTerm; first += ${directTile.terms}u) {
${each(4, (i) => `    let a${i} = vec4f(rounded(${loadA(i)}));`)}
${each(4, (j) => `    let b${j} = vec4f(rounded(${loadB(j)}));`)}
${each(4, (t) => each(4, (i) => `    c${i} = fma(vec4f(${ofA(i, t)}), ${ofB(t)}, c${i});`))}
  }
${each(4, (i) => `  put(row + ${i}u, column, cStart + (row + ${i}u) * params.n + column, c${i});`)}`,
  }
}
