/** Flash attention in fragments of 16 × 16, for tensor cores. */
import type { KernelSource, ParameterType } from '../../backends/webgpu/wgsl/wgsl.ts'
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

/** Computes o and lse by online softmax (Milakov & Gimelshein 2018) over tiles of keys. */
export function fragmentForward(
  block: FragmentBlock,
  parameters: Record<string, ParameterType>,
): KernelSource {
  const { d, subgroups, fragments } = block
  const chunks = d / 32
  const eachOut = (line: (c: number, i: number) => string): string =>
    each(chunks, (c) => each(4, (i) => line(c, i)))
  const tile = (buffer: string): string =>
    fill(block, 'tile', buffer, tileRows, ['first', 'params.keys'], (r) => `keyPlace(batch, keyHead, ${r})`)
  return {
    bindings: { q: 'read vec4f', k: 'read vec4f', v: 'read vec4f', o: 'write vec4f', lse: 'write f32' },
    parameters,
    workgroup: 32 * subgroups,
    needs: fragments.needs,
    declarations: declarations(block, ['own'], ['tile']),
    body: `${blockOfQueries(block)}
${lanes(block)}
  let query = firstRow + mine * 16u + row;
  // A row that does not exist sees a key too, lest its sums become NaN; nobody writes them.
  let seen = select(params.keys, min(params.keys, query + params.ahead + 1u), params.causal != 0u);
${fill(block, 'own', 'q', rowsOfBlock(block), ['firstRow', 'params.t'], (r) => `queryPlace(batch, head, ${r})`)}
  var top = bitcast<f32>(0xff800000u | params.zero);
  var total = 0.0;
${eachOut((c, i) => `  var o${c}_${i} = vec4f(0.0);`)}
  for (var first = 0u; first < lastSeen; first += ${tileRows}u) {
    workgroupBarrier();
${tile('k')}
    workgroupBarrier();
${scoreProduct(block, 'own', 'tile', 's')}
    workgroupBarrier();
${tile('v')}
    var newTop = top;
    for (var j = 0u; j < min(${tileRows}u, max(seen, first) - first); j++) {
      newTop = maximum(newTop, scores[scoresAt + j] * params.scale);
    }
    let shrink = exp_(top - newTop);
    top = newTop;
    total *= shrink;
${each(4, (i) => `    let w${i} = ${weightsOfFour(i)};`)}
${each(4, (i) => `    weights[weightsAt + ${i}u] = vec4<f16>(w${i}); total += w${i}.x + w${i}.y + w${i}.z + w${i}.w;`)}
${eachOut((c, i) => `    o${c}_${i} *= shrink;`)}
    workgroupBarrier();
${each(chunks, (c) => {
  const names = [0, 1].map((f) => [`p${c}_${f}`, 32 * c + 16 * f] as [string, number])
  return `    {
${names.map(([name]) => `    ${fragments.zero(name)}`).join('\n')}
${weightedSums(block, 'tile', names)}
${names.map(([name], f) => `    ${storeScores(fragments, name, f)}`).join('\n')}
    workgroupBarrier();
${each(4, (i) => `    o${c}_${i} += ${fourScores(i)};`)}
    workgroupBarrier();
    }`
})}
  }
  scores[scoresAt + part] = total;
  workgroupBarrier();
  let all = scores[scoresAt] + scores[scoresAt + 1u];
  if (query < params.t) {
    let at = queryPlace(batch, head, query) + part * 4u;
${eachOut((c, i) => `    o[at + ${8 * c + i}u] = o${c}_${i} / all;`)}
    if (part == 0u) { lse[(batch * params.h + head) * params.t + query] = top + log_(all); }
  }`,
  }
}

/** exp(score − top), 0 for keys that are not seen. */
function weightsOfFour(i: number): string {
  const one = (c: number): string => {
    const j = `part * 16u + ${4 * i + c}u`
    return `select(0.0, exp_(scores[scoresAt + ${j}] * params.scale - top), first + ${j} < seen)`
  }
  return `vec4f(${[0, 1, 2, 3].map(one).join(', ')})`
}
