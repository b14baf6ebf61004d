/** Right calls of `@burgeon/tensor`. */
import * as api from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import type { Call, Calls, CallsOf } from './call.ts'

const device = openReference()
const t = (numbers: readonly number[] = [1, 2, 3, 4], shape: readonly number[] = [2, 2]): api.Tensor =>
  api.tensor(numbers, { shape, device })
const ids = (): api.Tensor => api.tensor([0, 1], { dtype: 'i32', device })
const row = (): api.Tensor => t([1, 2], [2])
const packed = (): api.Tensor => api.packRows(t(), 'int8')
const key: api.RandomKey = [1, 2]
const { expression } = api
const formula = expression.input(0)
/** Every member of the tables of shapes and axes is looked at, and an empty one is one. */
const empty = ['empty'] as const
const attrs = { learningRate: 0.1, beta1: 0.9, beta2: 0.9, epsilon: 1e-8, weightDecay: 0, step: 1 }
const plan = (): api.Plan => ({ summary: 'wider', key, changes: [] })
const store = (): api.ParameterStore => {
  const made = new api.ParameterStore()
  made.add('a', ['embed', 'embed'], t())
  return made
}
const mirror = (): api.TensorMirror => new api.TensorMirror('mean', 'value')
const raw = (): api.RawTensor => api.rawFromArray(Float32Array.of(1, 2), [2])
const file = (): Uint8Array => api.writeSafetensors(new Map([['x', raw()]]))
const random = (): api.RandomStream => new api.RandomStream(key)
const unary = (run: (a: api.Tensor) => api.Tensor): Calls => [() => ({ args: { a: t() }, run })]
const binary = (run: (a: api.Tensor | number, b: api.Tensor | number) => api.Tensor): Calls => [
  () => ({ args: { a: t(), b: t() }, run, takes: { a: ['number', 'NaN'], b: ['number', 'NaN'] } }),
  () => ({ args: { a: t(), b: 2 }, run, takes: { b: ['NaN'] } }),
]
const reduction = (run: (x: api.Tensor, options: api.ReduceOptions) => api.Tensor): Calls => [
  () => ({ args: { x: t(), options: { axes: [0], keepDims: true } }, run }),
]
const alongAxis = (run: (x: api.Tensor, axis: number) => unknown): Calls => [
  () => ({ args: { x: t(), axis: 0 }, run }),
]
const triangle = (run: (matrix: api.Tensor, offset: number) => api.Tensor): Calls => [
  () => ({ args: { matrix: t(), offset: 1 }, run }),
]
const loss = (run: (x: api.Tensor, y: api.Tensor, options: api.LossOptions) => api.Tensor): Calls => [
  () => ({ args: { predictions: t(), targets: t(), options: { reduction: 'sum' } }, run }),
]
const listen = (below: api.Engine): api.Engine => below
const call = (args: Call['args'], run: Call['run'], more: Omit<Call, 'args' | 'run'> = {}): (() => Call) => {
  return () => ({ args, run, ...more })
}

/** By export. */
export const tensorCalls: CallsOf<typeof api> = {
  checkArgument: 'one of the checks themselves',
  checkOptions: 'one of the checks themselves',
  checkState: 'one of the checks themselves',
  fields: 'one of the checks themselves',
  optional: 'one of the checks themselves',
  shown: 'takes anything',
  checks: 'the checks themselves',
  devtoolsFormatter: 'takes anything',
  opTable: 'a table',
  adamwFormulas: 'a table',
  normScale: 'a number',
  Tensor: 'made by ops and creation functions',
  defaultDevice: [call({}, api.defaultDevice)],
  setDefaultDevice: [call({ device: api.defaultDevice() }, api.setDefaultDevice)],
  ones: [call({ shape: [2], device }, api.ones, { says: ['fill'], takes: { shape: empty } })],
  zeros: [call({ shape: [2], device }, api.zeros, { says: ['fill'], takes: { shape: empty } })],
  tensor: [
    call({ data: [1, 2], options: { shape: [2], dtype: 'f32', device } }, api.tensor, {
      takes: { data: ['string'] },
    }),
  ],
  tensorFrom: [call({ shape: [2], make: (i: number) => i, device }, api.tensorFrom)],
  Device: [
    call(
      { data: [1, 2], spec: { shape: [2], dtype: 'f32' }, madeBy: 'maker' },
      (...args: never[]) => device.tensor(...(args as unknown as Parameters<api.Device['tensor']>)),
      { says: ['maker'] },
    ),
    () => ({ args: { tensor: t() }, run: (x: api.Tensor) => device.read(x) }),
    () => ({ args: { tensor: t() }, run: (x: api.Tensor) => device.readSync(x) }),
    () => ({
      args: { tensor: t(), first: 1, count: 2 },
      run: (x: api.Tensor, first: number, count: number) => device.readPart(x, first, count),
    }),
  ],
  checkpoint: [call({ body: () => t() }, api.checkpoint)],
  isRecorded: [call({}, api.isRecorded)],
  runOp: [
    () => ({
      args: { op: 'reshape', inputs: [t()], attrs: { shape: [4] } },
      run: api.runOp,
      says: ['reshape'],
    }),
  ],
  withEngine: [call({ make: listen, body: () => 1 }, api.withEngine)],
  withEngineAsync: [call({ make: listen, body: () => Promise.resolve(1) }, api.withEngineAsync)],
  withoutEngines: [call({ body: () => 1 }, api.withoutEngines)],
  Profile: [
    call({ limit: 3 }, (limit: number) => new api.Profile(limit)),
    call({ options: { byShape: true } }, (options: { byShape?: boolean }) =>
      new api.Profile(3).rows(options),
    ),
    call({ options: { byShape: true, most: 2 } }, (options: api.ProfileTableOptions) =>
      new api.Profile(3).table(options),
    ),
  ],
  profile: [call({ body: () => t(), options: { events: 2 } }, api.profile)],
  profileAsync: [call({ body: () => Promise.resolve(t()), options: { events: 2 } }, api.profileAsync)],
  findNonFinite: [call({ body: () => t(), options: { infinities: true } }, api.findNonFinite)],
  findNonFiniteAsync: [
    call({ body: () => Promise.resolve(t()), options: { infinities: true } }, api.findNonFiniteAsync),
  ],
  derivative: [call({ expression: formula, index: 0 }, api.derivative)],
  expression: [
    call({ index: 0 }, expression.input, { says: ['input'] }),
    call({ index: 0 }, expression.scalar, { says: ['scalar'] }),
    call({ value: 0 }, expression.constant, { takes: { value: ['NaN'] }, says: ['constant'] }),
    ...[expression.negate, expression.exp, expression.sin].map((run) =>
      call({ x: formula }, run, { says: ['negate', 'exp', 'sin'] }),
    ),
    ...[expression.add, expression.subtract, expression.multiply, expression.divide, expression.less].map(
      (run) =>
        call({ x: formula, y: formula }, run, { says: ['add', 'subtract', 'multiply', 'divide', 'less'] }),
    ),
    call({ condition: formula, x: formula, y: formula }, expression.select, { says: ['select'] }),
    call({ node: formula }, expression.children, { says: ['children'] }),
    call({ root: formula }, expression.topologicalOrder, { says: ['topologicalOrder'] }),
    call({ root: formula, leaf: () => formula }, expression.substitute, { says: ['substitute'] }),
  ],
  adamwUpdate: [
    () => ({
      args: { parameter: t(), gradient: t(), firstMoment: t(), secondMoment: t(), options: attrs },
      run: api.adamwUpdate,
    }),
  ],
  argmax: alongAxis(api.argmax),
  argmin: alongAxis(api.argmin),
  addInto: [() => ({ args: { target: t(), source: t() }, run: api.addInto })],
  assign: [() => ({ args: { target: t(), source: t(), start: [0, 0] }, run: api.assign })],
  attention: [
    () => {
      const q = (): api.Tensor => t([1, 2], [1, 1, 1, 2])
      return {
        args: { q: q(), k: q(), v: q(), options: { scale: 1, causal: true, keys: 1 } },
        run: api.attention,
      }
    },
    () => {
      const q = (): api.Tensor => t([1, 2], [1, 1, 1, 2])
      return { args: { q: q(), k: q(), v: q(), options: { mask: t([0], [1]) } }, run: api.attention }
    },
  ],
  broadcastTo: [() => ({ args: { x: t(), shape: [2, 2] }, run: api.broadcastTo, says: ['broadcast'] })],
  concatenate: [() => ({ args: { tensors: [t(), t()], axis: 0 }, run: api.concatenate })],
  cast: [() => ({ args: { x: t(), dtype: 'i32' }, run: api.cast })],
  cumsum: [() => ({ args: { x: t(), axis: 1, options: { reverse: true } }, run: api.cumsum })],
  sort: [() => ({ args: { x: t(), axis: 1, options: { descending: true } }, run: api.sort })],
  topK: [() => ({ args: { x: t(), k: 1, axis: 0 }, run: api.topK })],
  reorder: [
    () => ({
      args: {
        x: t(),
        indices: api.tensor([0, 1, 1, 0], { shape: [2, 2], dtype: 'i32', device }),
        options: { inverse: true },
      },
      run: api.reorder,
    }),
  ],
  crossEntropy: [() => ({ args: { logits: t(), targets: ids() }, run: api.crossEntropy })],
  add: binary(api.add),
  subtract: binary(api.subtract),
  multiply: binary(api.multiply),
  divide: binary(api.divide),
  minimum: binary(api.minimum),
  maximum: binary(api.maximum),
  less: binary(api.less),
  equal: binary(api.equal),
  lessEqual: binary(api.lessEqual),
  greater: binary(api.greater),
  greaterEqual: binary(api.greaterEqual),
  notEqual: binary(api.notEqual),
  logicalAnd: binary(api.logicalAnd),
  logicalOr: binary(api.logicalOr),
  logicalNot: unary(api.logicalNot),
  isNaN: unary(api.isNaN),
  isFinite: unary(api.isFinite),
  pow: binary(api.pow),
  clip: [() => ({ args: { a: t(), options: { min: 0, max: 2 } }, run: api.clip })],
  sign: unary(api.sign),
  floor: unary(api.floor),
  ceil: unary(api.ceil),
  round: unary(api.round),
  where: [
    () => ({
      args: { condition: t(), a: t(), b: 2 },
      run: api.where,
      takes: { a: ['number', 'NaN'], b: ['NaN'] },
    }),
  ],
  softmax: alongAxis(api.softmax),
  logSoftmax: alongAxis(api.logSoftmax),
  logsumexp: reduction(api.logsumexp),
  variance: [
    () => ({ args: { x: t(), options: { axes: [0], keepDims: true, correction: 1 } }, run: api.variance }),
  ],
  std: [() => ({ args: { x: t(), options: { axes: [0], keepDims: true, correction: 1 } }, run: api.std })],
  stack: [() => ({ args: { tensors: [t(), t()], axis: 1 }, run: api.stack })],
  split: [() => ({ args: { x: t(), parts: [1, 1], axis: 0 }, run: api.split, takes: { parts: ['number'] } })],
  squeeze: [() => ({ args: { x: t([1, 2], [1, 2]), axes: [0] }, run: api.squeeze })],
  expandDims: alongAxis(api.expandDims),
  flatten: [() => ({ args: { x: t(), first: 0, last: 1 }, run: api.flatten })],
  flip: [() => ({ args: { x: t(), axes: [0] }, run: api.flip })],
  repeat: [() => ({ args: { x: t(), count: 2, axis: 1 }, run: api.repeat })],
  tile: [() => ({ args: { x: t(), counts: [2, 1] }, run: api.tile })],
  tril: triangle(api.tril),
  triu: triangle(api.triu),
  full: [
    call({ shape: [2], value: 1, options: { dtype: 'i32', device } }, api.full, { takes: { shape: empty } }),
  ],
  fullLike: [() => ({ args: { x: t(), value: 2 }, run: api.fullLike, takes: { value: ['NaN'] } })],
  zerosLike: [() => ({ args: { x: t() }, run: api.zerosLike })],
  onesLike: [() => ({ args: { x: t() }, run: api.onesLike })],
  arange: [call({ stop: 5, options: { start: 1, step: 2, dtype: 'f32', device } }, api.arange)],
  linspace: [call({ start: 0, stop: 1, count: 3, device }, api.linspace)],
  eye: [call({ rows: 2, columns: 3, device }, api.eye)],
  oneHot: [() => ({ args: { ids: ids(), classes: 3 }, run: api.oneHot })],
  einsum: [() => ({ args: { spec: 'ij,jk->ik', 'operand 0': t(), 'operand 1': t() }, run: api.einsum })],
  meanSquaredError: loss(api.meanSquaredError),
  l1: loss(api.l1),
  huber: [
    () => ({
      args: { predictions: t(), targets: t(), options: { reduction: 'none', delta: 2 } },
      run: api.huber,
    }),
  ],
  binaryCrossEntropy: [
    () => ({
      args: { logits: t(), targets: t(), options: { reduction: 'mean' } },
      run: api.binaryCrossEntropy,
    }),
  ],
  negate: unary(api.negate),
  abs: unary(api.abs),
  exp: unary(api.exp),
  expm1: unary(api.expm1),
  log: unary(api.log),
  log1p: unary(api.log1p),
  sqrt: unary(api.sqrt),
  tanh: unary(api.tanh),
  erf: unary(api.erf),
  sin: unary(api.sin),
  cos: unary(api.cos),
  square: unary(api.square),
  sigmoid: unary(api.sigmoid),
  relu: unary(api.relu),
  softplus: unary(api.softplus),
  logSigmoid: unary(api.logSigmoid),
  silu: unary(api.silu),
  gelu: unary(api.gelu),
  elementwise: [
    () => ({
      args: { expression: formula, inputs: [t()], scalars: [1], dtype: 'f32' },
      run: api.elementwise,
    }),
  ],
  fill: [call({ device, shape: [2], value: 1, dtype: 'f32' }, api.fill, { takes: { value: ['NaN'] } })],
  gather: [() => ({ args: { table: t(), ids: ids() }, run: api.gather })],
  globalNorm: [() => ({ args: { tensors: [t()] }, run: api.globalNorm })],
  iota: [call({ device, size: 2, dtype: 'f32' }, api.iota)],
  layerNorm: [() => ({ args: { x: t(), gain: row(), bias: row(), epsilon: 1e-5 }, run: api.layerNorm })],
  rmsNorm: [() => ({ args: { x: t(), gain: row(), epsilon: 1e-5, width: 4 }, run: api.rmsNorm })],
  linearCrossEntropy: [() => ({ args: { x: t(), w: t(), targets: ids() }, run: api.linearCrossEntropy })],
  linear: [() => ({ args: { x: t(), w: t(), b: row() }, run: api.linear })],
  packRows: [call({ x: t(), format: 'int8' }, api.packRows)],
  unpackRows: [
    () => ({
      args: { packed: packed(), options: { format: 'int8', width: 2 } },
      run: api.unpackRows,
    }),
  ],
  packedMatmul: [
    () => ({
      args: { x: t(), packed: packed(), options: { format: 'int8', activations: 'int7' } },
      run: api.packedMatmul,
    }),
  ],
  packedWords: [call({ form: { format: 'int4', group: 32 }, width: 40 }, api.packedWords)],
  packWeights: [
    call(
      {
        numbers: [1, 2],
        options: {
          ...{ format: 'int4', group: 32, rows: 1, width: 2, rounding: 'plain' },
          ...{ inputs: [1, 0, 0, 1], products: [1, 2] },
        },
      },
      api.packWeights,
    ),
  ],
  unpackWeights: [
    call(
      { words: [0, 0, 0, 0, 0], options: { format: 'int4', group: 32, rows: 1, width: 2 } },
      api.unpackWeights,
    ),
  ],
  matmul: [
    () => ({ args: { a: t(), b: t(), options: { transposeA: true, transposeB: true } }, run: api.matmul }),
  ],
  pad: [() => ({ args: { x: t(), before: [0, 1], after: [1, 0] }, run: api.pad })],
  permute: [() => ({ args: { x: t(), order: [1, 0] }, run: api.permute })],
  transpose: [() => ({ args: { x: t() }, run: api.transpose })],
  dropout: [() => ({ args: { x: t(), options: { rate: 0.5, key } }, run: api.dropout })],
  randomNormal: [call({ device, key, shape: [2] }, api.randomNormal)],
  randomBits: [call({ device, key, shape: [2] }, api.randomBits)],
  randomUniform: [call({ device, key, shape: [2] }, api.randomUniform)],
  sum: reduction(api.sum),
  max: reduction(api.max),
  min: reduction(api.min),
  mean: reduction(api.mean),
  sumTo: [() => ({ args: { x: t(), shape: [2, 1] }, run: api.sumTo, says: ['reshape'] })],
  reshape: [() => ({ args: { x: t(), shape: [4, -1] }, run: api.reshape })],
  scatterAdd: [() => ({ args: { ids: ids(), values: t(), rows: 3 }, run: api.scatterAdd })],
  slice: [() => ({ args: { x: t(), start: [0, 1], stop: [1, 2] }, run: api.slice })],
  applyPlan: [
    () => ({ args: { plan: plan(), parameters: store(), mirrors: [mirror()], device }, run: api.applyPlan }),
  ],
  undoPlan: [() => ({ args: { plan: plan(), parameters: store(), mirrors: [mirror()] }, run: api.undoPlan })],
  shareParameters: [() => ({ args: { into: store(), from: store() }, run: api.shareParameters })],
  inversePlan: [() => ({ args: { plan: plan() }, run: api.inversePlan })],
  isIdentity: [() => ({ args: { map: api.keepAxis(2) }, run: api.isIdentity })],
  extendAxis: [call({ from: 1, to: 2 }, api.extendAxis)],
  keepAxis: [call({ size: 2 }, api.keepAxis)],
  freshTensor: [call({ device, shape: [2], initial: { kind: 'zero' }, key, path: 'a' }, api.freshTensor)],
  resize: [
    () => ({
      args: { x: t(), maps: [api.keepAxis(2), api.keepAxis(2)], role: 'value', fresh: () => t() },
      run: api.resize,
    }),
  ],
  keptNumbers: [call({ maps: [api.keepAxis(2)], kept: { slices: Float32Array.of() } }, api.keptNumbers)],
  DerivedMirror: [
    call(
      { name: 'half', derive: () => null },
      (...args: ConstructorParameters<typeof api.DerivedMirror>) => new api.DerivedMirror(...args),
    ),
    () => ({
      args: { parameters: store() },
      run: (parameters: api.ParameterStore) => new api.DerivedMirror('half', () => null).refresh(parameters),
    }),
  ],
  plainTensors: [() => ({ args: { tensors: { a: t() } }, run: api.plainTensors, takes: { tensors: empty } })],
  TensorMirror: [
    call(
      { name: 'mean', role: 'value', spans: () => true, ofEveryParameter: false, fresh: 'zero' },
      (...args: ConstructorParameters<typeof api.TensorMirror>) => new api.TensorMirror(...args),
    ),
    () => ({
      args: { path: 'a', like: t() },
      run: (path: string, like: api.Tensor) => mirror().getOrZero(path, like),
    }),
    () => ({ args: { path: 'a', tensor: t() }, run: (path: string, x: api.Tensor) => mirror().set(path, x) }),
    () => ({
      args: { plan: plan(), after: store().tensors() },
      run: (p: api.Plan, after: api.TensorsByPath) => mirror().remap(p, after)(),
    }),
    () => ({
      args: { state: {}, parameters: store() },
      run: (s: Readonly<Record<string, api.PlainTensor>>, p: api.ParameterStore) => mirror().restore(s, p),
      says: ['mean'],
    }),
  ],
  ParameterStore: [
    () => ({
      args: { path: 'b', axes: ['embed', 'embed'], tensor: t(), before: 'a' },
      run: (...args: Parameters<api.ParameterStore['add']>) => store().add(...args),
      says: ['parameter'],
    }),
    call({ path: 'a' }, (path: string) => store().get(path), { says: ['parameter'] }),
    call({ path: 'a' }, (path: string) => store().has(path)),
    call({ path: 'a' }, (path: string) => store().remove(path), { says: ['parameter'] }),
    () => ({
      args: { path: 'a', tensor: t() },
      run: (path: string, x: api.Tensor) => store().replace(path, x),
      says: ['parameter'],
    }),
  ],
  RandomStream: [
    call({ key }, (k: api.RandomKey) => new api.RandomStream(k)),
    call({ name: 'a' }, (name: string) => random().named(name)),
    call({ n: 2 }, (n: number) => random().below(n)),
    call({ out: new Float32Array(2), standardDeviation: 1 }, (out: Float32Array, deviation: number) =>
      random().fillNormal(out, deviation),
    ),
    call({ items: [1, 2] }, (items: number[]) => random().shuffle(items), {
      takes: { items: ['string', 'function'] },
    }),
    call({ state: random().toState() }, (state: api.RandomState) => api.RandomStream.fromState(state)),
  ],
  foldIn: [call({ key, data: 1 }, api.foldIn)],
  keyFromSeed: [call({ seed: 1 }, api.keyFromSeed)],
  splitKey: [call({ key, n: 2 }, api.splitKey)],
  arrayFromRaw: [() => ({ args: { tensor: raw() }, run: api.arrayFromRaw })],
  rawFromFloats: [call({ data: [1, 2], shape: [2], type: 'BF16' }, api.rawFromFloats)],
  rawFromArray: [call({ data: Float32Array.of(1, 2), shape: [2] }, api.rawFromArray)],
  readSafetensors: [
    () => ({
      args: { source: file(), options: { headerBytes: 1e6, tensors: 9 } },
      run: api.readSafetensors,
      says: ['safetensors'],
    }),
  ],
  openSafetensors: [
    () => ({
      args: {
        source: { size: file().length, read: (a: number, b: number) => Promise.resolve(file().slice(a, b)) },
        options: { headerBytes: 1e6, tensors: 9 },
      },
      run: api.openSafetensors,
      says: ['safetensors'],
    }),
  ],
  writeSafetensors: [
    () => ({ args: { tensors: new Map([['x', raw()]]), metadata: { a: 'b' } }, run: api.writeSafetensors }),
  ],
  adoptTensor: [() => ({ args: { tensor: t() }, run: api.adoptTensor })],
  openScope: [call({}, () => api.openScope().close())],
  makeOwned: [call({ make: () => t() }, api.makeOwned)],
  Scope: [
    () => ({
      args: { tensor: t() },
      run: (x: api.Tensor) => new api.Scope().own(x),
    }),
    call({ value: [] }, (value: unknown) => new api.Scope().keep(value), { takes: { value: ['anything'] } }),
  ],
  scope: [call({ body: () => t() }, api.scope)],
  scopeAsync: [call({ body: () => Promise.resolve(1) }, api.scopeAsync)],
  tensorsIn: [
    call({ value: [] }, (value: unknown) => [...api.tensorsIn(value)], { takes: { value: ['anything'] } }),
  ],
  broadcastShapes: [
    call({ op: 'broadcastShapes', shapes: [[2], [1]] }, api.broadcastShapes, {
      takes: { op: ['anything'] },
    }),
  ],
  formatShape: [call({ shape: [2] }, api.formatShape)],
  sameShape: [call({ a: [2], b: [2] }, api.sameShape)],
  sizeOf: [call({ shape: [2] }, api.sizeOf)],
}
