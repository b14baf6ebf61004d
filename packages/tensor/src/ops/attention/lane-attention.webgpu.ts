/**
 * Attention on WebGPU by single invocations: each has a row in registers, a query or, in the gradient of keys
 * and values, a key, while tiles of the other rows pass through workgroup memory.
 */
import type { Program, WebGpuBackend } from '../../backends/webgpu/webgpu-backend.ts'
import { blockTerms } from '../../backends/webgpu/wgsl/blocked-sum.ts'
import type { Bindings, ParameterType } from '../../backends/webgpu/wgsl/wgsl.ts'
import { mathFunctions } from '../../backends/webgpu/wgsl/wgsl-math.ts'

/** Rows of a block: one for each invocation of a workgroup. */
export const laneRows = 64
/** Bytes of workgroup memory for a tile of two matrices: what every device has. */
const tileBytes = 16384

/** How a head of `d` numbers is cut into vectors of four, and how many rows a tile holds. */
interface HeadShape {
  readonly d: number
  readonly vectors: number
  readonly tile: number
}

function headShape(d: number): HeadShape {
  const vectors = Math.ceil(d / 4)
  return { d, vectors, tile: Math.max(1, Math.min(32, Math.floor(tileBytes / (2 * 16 * vectors)))) }
}

// biome-ignore format: sizes as in `AttentionSizes`; `ahead`: how many keys more than queries there are
export const attentionParameters: Record<string, ParameterType> = {
  b: 'u32', t: 'u32', s: 'u32', h: 'u32', g: 'u32', keys: 'u32', ahead: 'u32', blocks: 'u32', groups: 'u32',
  scale: 'f32', causal: 'u32',
}

/** Computes o and lse by online softmax (Milakov & Gimelshein 2018). */
export function laneForward(backend: WebGpuBackend, d: number): Program {
  const head = headShape(d)
  return backend.program(`attention ${head.d}`, () => ({
    bindings: { q: 'read f32', k: 'read f32', v: 'read f32', o: 'write f32', lse: 'write f32' },
    parameters: attentionParameters,
    workgroup: laneRows,
    declarations: `${mathFunctions}\n${tiles(head)}`,
    body: `${queryOfBlock(head.d)}
${loadRow('mine', 'q', 'queryPlace', head)}
${zeroRow('sum', head)}
  var top = bitcast<f32>(0xff800000u | params.zero);
  var total = 0.0;
  var ofBlock = 0.0;
  for (var first = 0u; first < lastSeen; first += ${head.tile}u) {
${loadTiles(head, 'k', 'v', 'batch * params.s', 'params.g', 'head * params.g / params.h', 'params.keys')}
    let many = min(${head.tile}u, visible - min(first, visible));
    // The denominator is summed by tiles, and these in blocks, lest it drift.
    var ofTile = 0.0;
    for (var i = 0u; i < many; i++) {
      let score = ${dot('mine', 'tileA', 'i', head)} * params.scale;
      if (score > top) {
        let shrink = exp_(top - score);
        total = total * shrink;
        ofBlock = ofBlock * shrink;
        ofTile = ofTile * shrink;
${each(head, (n) => `        sum${n} = sum${n} * shrink;`)}
        top = score;
      }
      let weight = exp_(score - top);
      ofTile += weight;
${each(head, (n) => `      sum${n} = fma(vec4f(weight), tileB[i * ${head.vectors}u + ${n}u], sum${n});`)}
    }
    ofBlock += ofTile;
    if (first / ${head.tile}u % ${blockTerms}u == ${blockTerms - 1}u) { total += ofBlock; ofBlock = 0.0; }
  }
  total += ofBlock;
  if (exists) {
${storeRow('o', 'queryPlace', 'sum', ' / total', head)}
    lse[(batch * params.h + head) * params.t + query] = top + log_(total);
  }`,
  }))
}

const gradientReads: Bindings = {
  q: 'read f32',
  k: 'read f32',
  v: 'read f32',
  dO: 'read f32',
  lse: 'read f32',
  delta: 'read f32',
}

/** dq = Σ dS·k over the keys that a query sees. */
export function laneQueryGradient(backend: WebGpuBackend, d: number): Program {
  const head = headShape(d)
  return backend.program(`attention dq ${head.d}`, () => ({
    bindings: { ...gradientReads, dq: 'write f32' },
    parameters: attentionParameters,
    workgroup: laneRows,
    declarations: `${mathFunctions}\n${tiles(head)}`,
    body: `${queryOfBlock(head.d)}
${loadRow('mine', 'q', 'queryPlace', head)}
${loadRow('gradient', 'dO', 'queryPlace', head)}
${zeroRow('sum', head)}
  let perRow = (batch * params.h + head) * params.t + min(query, params.t - 1u);
  let logSum = lse[perRow];
  let drop = delta[perRow];
  for (var first = 0u; first < lastSeen; first += ${head.tile}u) {
${loadTiles(head, 'k', 'v', 'batch * params.s', 'params.g', 'head * params.g / params.h', 'params.keys')}
    let many = min(${head.tile}u, visible - min(first, visible));
    for (var i = 0u; i < many; i++) {
      let weight = exp_(${dot('mine', 'tileA', 'i', head)} * params.scale - logSum);
      let change = weight * (${dot('gradient', 'tileB', 'i', head)} - drop) * params.scale;
${each(head, (n) => `      sum${n} = fma(vec4f(change), tileA[i * ${head.vectors}u + ${n}u], sum${n});`)}
    }
  }
  if (exists) {
${storeRow('dq', 'queryPlace', 'sum', '', head)}
  }`,
  }))
}

/** dk = Σ dS·q and dv = Σ P·dO over the queries, of all heads of the group, that see a key. */
export function laneKeyGradient(backend: WebGpuBackend, d: number): Program {
  const head = headShape(d)
  return backend.program(`attention dk dv ${head.d}`, () => ({
    bindings: { ...gradientReads, dk: 'write f32', dv: 'write f32' },
    parameters: attentionParameters,
    workgroup: laneRows,
    declarations: `${mathFunctions}\n${tiles(head)}`,
    body: `  if (group >= params.groups) { return; }
  let block = group % params.blocks;
  let part = group / params.blocks % params.g;
  let batch = group / (params.blocks * params.g);
  let key = block * ${laneRows}u + local;
  let exists = key < params.keys;
  let keyPlace = ((batch * params.s + min(key, params.keys - 1u)) * params.g + part) * ${head.d}u;
${loadRow('mine', 'k', 'keyPlace', head)}
${loadRow('value', 'v', 'keyPlace', head)}
${zeroRow('sumK', head)}
${zeroRow('sumV', head)}
  // Query t sees key s from t = s − ahead on; for the block's first key that is its first query.
  let firstKey = block * ${laneRows}u;
  let firstQuery = select(0u, firstKey - min(firstKey, params.ahead), params.causal != 0u);
  let myFirst = select(0u, key - min(key, params.ahead), params.causal != 0u);
  let headsOfGroup = params.h / params.g;
  for (var inGroup = 0u; inGroup < headsOfGroup; inGroup++) {
    let head = part * headsOfGroup + inGroup;
    let perHead = (batch * params.h + head) * params.t;
    for (var first = firstQuery / ${head.tile}u * ${head.tile}u; first < params.t; first += ${head.tile}u) {
${loadTiles(head, 'q', 'dO', 'batch * params.t', 'params.h', 'head', 'params.t')}
      let last = min(${head.tile}u, params.t - first);
      let start = select(0u, myFirst - first, myFirst > first);
      if (exists) {
        for (var i = start; i < last; i++) {
          let weight = exp_(${dot('mine', 'tileA', 'i', head)} * params.scale - lse[perHead + first + i]);
          let change = weight * (${dot('value', 'tileB', 'i', head)} - delta[perHead + first + i]) * params.scale;
${each(head, (n) => `          sumV${n} = fma(vec4f(weight), tileB[i * ${head.vectors}u + ${n}u], sumV${n});`)}
${each(head, (n) => `          sumK${n} = fma(vec4f(change), tileA[i * ${head.vectors}u + ${n}u], sumK${n});`)}
        }
      }
    }
  }
  if (exists) {
${storeRow('dk', 'keyPlace', 'sumK', '', head)}
${storeRow('dv', 'keyPlace', 'sumV', '', head)}
  }`,
  }))
}

/**
 * The query of this invocation, and how many keys it and the last one of its block see. Long blocks begin
 * first.
 */
const queryOfBlock = (d: number): string => `  if (group >= params.groups) { return; }
  let block = params.blocks - 1u - group % params.blocks;
  let head = group / params.blocks % params.h;
  let batch = group / (params.blocks * params.h);
  let query = block * ${laneRows}u + local;
  let exists = query < params.t;
  let seen = select(params.keys, query + params.ahead + 1u, params.causal != 0u);
  let visible = select(0u, min(seen, params.keys), exists);
  let lastSeen = min(params.keys, select(params.keys, (block + 1u) * ${laneRows}u + params.ahead, params.causal != 0u));
  let queryPlace = ((batch * params.t + min(query, params.t - 1u)) * params.h + head) * ${d}u;`

const each = ({ vectors }: HeadShape, line: (n: number) => string): string =>
  Array.from({ length: vectors }, (_, n) => line(n)).join('\n')

const tiles = ({
  vectors,
  tile,
}: HeadShape): string => `var<workgroup> tileA: array<vec4f, ${tile * vectors}>;
var<workgroup> tileB: array<vec4f, ${tile * vectors}>;`

/** Vector `n` of a row at `place`, with zeros behind the row's end. */
function vectorAt(buffer: string, place: string, n: number, d: number): string {
  const numbers = [0, 1, 2, 3].map((i) => (4 * n + i < d ? `${buffer}[${place} + ${4 * n + i}u]` : '0.0'))
  return `vec4f(${numbers.join(', ')})`
}

/** Declares a row in registers: `name0`, `name1`, …. */
const loadRow = (name: string, buffer: string, place: string, head: HeadShape): string =>
  each(head, (n) => `  let ${name}${n} = ${vectorAt(buffer, place, n, head.d)};`)

const zeroRow = (name: string, head: HeadShape): string =>
  each(head, (n) => `  var ${name}${n} = vec4f(0.0);`)

/** Σ of the products of a row in registers and row `i` of a tile. */
const dot = (row: string, tile: string, i: string, { vectors }: HeadShape): string =>
  `(${Array.from({ length: vectors }, (_, n) => `dot(${row}${n}, ${tile}[${i} * ${vectors}u + ${n}u])`).join(' + ')})`

function storeRow(buffer: string, place: string, row: string, behind: string, { d }: HeadShape): string {
  return Array.from(
    { length: d },
    (_, i) => `    ${buffer}[${place} + ${i}u] = ${row}${Math.floor(i / 4)}[${i % 4}]${behind};`,
  ).join('\n')
}

/**
 * Fills both tiles with rows `first`, `first + 1`, … of two matrices of one layout; rows that do not exist
 * are zeros.
 */
function loadTiles(
  { d, vectors, tile }: HeadShape,
  a: string,
  b: string,
  firstRow: string,
  perRow: string,
  head: string,
  end: string,
): string {
  const vector = (buffer: string): string =>
    `vec4f(${[0, 1, 2, 3].map((i) => (d % 4 === 0 ? `${buffer}[at + ${i}u]` : `select(0.0, ${buffer}[min(at + ${i}u, stop)], at + ${i}u <= stop)`)).join(', ')})`
  return `    workgroupBarrier();
    for (var i = local; i < ${tile * vectors}u; i += ${laneRows}u) {
      let row = first + i / ${vectors}u;
      if (row < ${end}) {
        let begin = ((${firstRow} + row) * ${perRow} + ${head}) * ${d}u;
        let at = begin + i % ${vectors}u * 4u;
        let stop = begin + ${d - 1}u;
        tileA[i] = ${vector(a)};
        tileB[i] = ${vector(b)};
      } else {
        tileA[i] = vec4f(0.0);
        tileB[i] = vec4f(0.0);
      }
    }
    workgroupBarrier();`
}
