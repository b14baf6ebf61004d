/** The gradient of attention in fragments of 16 × 16, for tensor cores. */
import type { Bindings, KernelSource, ParameterType } from '../../backends/webgpu/wgsl/wgsl.ts'
import { each } from '../matmul/webgpu/operands.webgpu.ts'
import {
  blockOfQueries,
  declarations,
  fill,
  type FragmentBlock,
  fourScores,
  lanes,
  rowsOfBlock,
  scoreProduct,
  storeScores,
  tileRows,
  weightedSums,
} from './fragment-block.webgpu.ts'

const gradientReads: Bindings = {
  q: 'read vec4f',
  k: 'read vec4f',
  v: 'read vec4f',
  dO: 'read vec4f',
  lse: 'read f32',
  delta: 'read f32',
}

/**
 * The gradient of one side (Dao et al. 2022, appendix B.2). Own rows are queries with dO, or keys with
 * values; P and dS of a tile are made with own rows first, so that of keys they come out transposed, as their
 * products need them.
 */
export function fragmentBackward(
  side: 'queries' | 'keys',
  block: FragmentBlock,
  parameters: Record<string, ParameterType>,
): KernelSource {
  const { d, subgroups, fragments } = block
  const isKeys = side === 'keys'
  const sums = (name: string): [string, number][] =>
    Array.from({ length: d / 16 }, (_, c) => [`${name}${c}`, 16 * c])
  const [first, second] = isKeys ? ['k', 'v'] : ['q', 'dO']
  const [otherFirst, otherSecond] = isKeys ? ['q', 'dO'] : ['k', 'v']
  const rows = rowsOfBlock(block)
  const ownPlace = (r: string): string =>
    isKeys ? `keyPlace(batch, keyHead, ${r})` : `queryPlace(batch, head, ${r})`
  const otherPlace = (r: string): string =>
    isKeys ? `queryPlace(batch, head, ${r})` : `keyPlace(batch, keyHead, ${r})`
  const [ownEnd, otherEnd] = isKeys ? ['params.keys', 'params.t'] : ['params.t', 'params.keys']
  const outputs = isKeys ? ['dk', 'dv'] : ['dq']
  const eachWeight = (line: (i: number, c: number) => string): string =>
    each(4, (i) => each(4, (c) => line(i, c)))
  // Query and key of the number 4i + c of this invocation, and whether they see each other.
  const pair = (i: number, c: number): string => {
    const other = `first + part * 16u + ${4 * i + c}u`
    const [query, key] = isKeys ? [other, 'ownRow'] : ['ownRow', other]
    return `      { let query = ${query}; let key = ${key};
        let seen = query < params.t && key < params.keys && (params.causal == 0u || key <= query + params.ahead);
        let at = perHead + min(query, params.t - 1u);
        p${i}[${c}] = select(0.0, exp_(scores[scoresAt + part * 16u + ${4 * i + c}u] * params.scale - lse[at]), seen);
        drop${i}[${c}] = delta[at]; }`
  }
  const loop = `    for (var first = firstOther; first < lastOther; first += ${tileRows}u) {
    workgroupBarrier();
${fill(block, 'tileA', otherFirst, tileRows, ['first', otherEnd], otherPlace)}
${fill(block, 'tileB', otherSecond, tileRows, ['first', otherEnd], otherPlace)}
    workgroupBarrier();
${scoreProduct(block, 'ownA', 'tileA', 's')}
    workgroupBarrier();
${each(4, (i) => `    var p${i} = vec4f(0.0);\n    var drop${i} = vec4f(0.0);`)}
${eachWeight(pair)}
${isKeys ? each(4, (i) => `    weights[weightsAt + ${i}u] = vec4<f16>(p${i});`) : ''}
    workgroupBarrier();
${isKeys ? weightedSums(block, 'tileB', sums('dv')) : ''}
${scoreProduct(block, 'ownB', 'tileB', 'r')}
    workgroupBarrier();
${each(4, (i) => `    weights[weightsAt + ${i}u] = rounded(p${i} * (${fourScores(i)} - drop${i}) * params.scale);`)}
    workgroupBarrier();
${weightedSums(block, 'tileA', sums(outputs[0]))}
    }`
  const put = outputs
    .map((output) =>
      each(d / 32, (c) => {
        const two = [2 * c, 2 * c + 1]
        return `  workgroupBarrier();
${two.map((n, f) => `  ${storeScores(fragments, `${output}${n}`, f)}`).join('\n')}
  workgroupBarrier();
  if (ownRow < ${ownEnd}) {
${each(4, (i) => `    ${output}[${ownPlace('ownRow')} + part * 4u + ${8 * c + i}u] = ${fourScores(i)};`)}
  }`
      }),
    )
    .join('\n')
  const start = isKeys
    ? `  if (group >= params.groups) { return; }
  let block = group % params.blocks;
  let keyHead = group / params.blocks % params.g;
  let batch = group / (params.blocks * params.g);
  let firstRow = block * ${rows}u;
  // Query t sees key s from t = s − ahead on.
  let firstQuery = select(0u, firstRow - min(firstRow, params.ahead), params.causal != 0u);
  let firstOther = firstQuery / ${tileRows}u * ${tileRows}u;
  let lastOther = params.t;`
    : `${blockOfQueries(block)}
  let firstOther = 0u;
  let lastOther = lastSeen;`
  return {
    bindings: {
      ...gradientReads,
      ...Object.fromEntries(outputs.map((name) => [name, 'write vec4f' as const])),
    },
    parameters,
    workgroup: 32 * subgroups,
    needs: fragments.needs,
    declarations: declarations(block, ['ownA', 'ownB'], ['tileA', 'tileB']),
    body: `${start}
${lanes(block)}
  let ownRow = firstRow + mine * 16u + row;
${fill(block, 'ownA', first, rows, ['firstRow', ownEnd], ownPlace)}
${fill(block, 'ownB', second, rows, ['firstRow', ownEnd], ownPlace)}
${outputs.flatMap((name) => sums(name).map(([sum]) => `  ${fragments.zero(sum)}`)).join('\n')}
${
  isKeys
    ? `  let headsOfGroup = params.h / params.g;
  for (var inGroup = 0u; inGroup < headsOfGroup; inGroup++) {
    let head = keyHead * headsOfGroup + inGroup;`
    : '  {'
}
    let perHead = (batch * params.h + head) * params.t;
${loop}
  }
${put}`,
  }
}
