/** A mirror with one tensor per parameter. */
import { checkTensor } from '../checks/check-tensor.ts'
import { checkArgument } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { add, multiply } from '../ops/elementwise/arithmetic.ts'
import { fill } from '../ops/fill/fill.ts'
import { checkState } from '../checks/check-state.ts'
import { StateError } from '../errors.ts'
import { openScope, scope } from '../scope.ts'
import { sameShape, type Shape, sizeOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { ParameterError, ParameterStore, type TensorsByPath } from './parameter.ts'
import {
  type DimensionMap,
  inverseMap,
  isIdentity,
  type ParameterChange,
  type Plan,
  requirePlan,
  keepAxis,
} from './plan.ts'
import { aRole, averages, resize, type MirrorRole, roleFactor } from './resize.ts'
import { aPlainTensor, type PlainTensor, type PlainTensors, plainTensors } from './plain-tensors.ts'
import { type KeptNumbers, keptNumbers, slicesOf } from './slices.ts'
import { swapping } from './swaps.ts'
import type { Mirror } from './mirror.ts'

const aStore = checks.instance('a ParameterStore', ParameterStore)

/**
 * The numbers that a mirror has for new slices: 0, or, where the parameter itself begins at 0 and so decides
 * at once what the new part does, the mean of the old slices along the axis that grew.
 */
export type FreshNumbers = 'zero' | 'borrowed'

/**
 * A mirror with one tensor per parameter, such as a moment of the gradient. Paths not yet present are absent,
 * not zero.
 */
export class TensorMirror implements Mirror {
  readonly name: string
  readonly piecewise = true
  /**
   * Which of a plan's factors apply, and how new slices start: with the parameter's own numbers for `value`,
   * else with zeros.
   */
  readonly role: MirrorRole
  readonly bytesPerParameter: number
  readonly #spans: (path: string, axis: number) => boolean
  readonly #fresh: FreshNumbers
  readonly #tensors = new Map<string, Tensor>()

  /**
   * @param spans Whether the tensor of a path has this axis of the parameter, counted from 0; an axis that it
   *   does not have is of size 1. Default: all axes. A mean over the columns of a matrix spans axis 0 alone,
   *   and follows the growth of rows.
   * @param ofEveryParameter Whether sooner or later it holds a tensor for every parameter, so that a budget
   *   must leave room for them. Default false.
   * @param fresh The numbers of new slices, unless the role is `value`. Default `zero`.
   */
  constructor(
    name: string,
    role: MirrorRole,
    spans: (path: string, axis: number) => boolean = () => true,
    ofEveryParameter: boolean = false,
    fresh: FreshNumbers = 'zero',
  ) {
    checkArgument('TensorMirror', 'name', name, checks.text)
    checkArgument('TensorMirror', 'role', role, aRole)
    checkArgument('TensorMirror', 'spans', spans, checks.callback())
    checkArgument('TensorMirror', 'ofEveryParameter', ofEveryParameter, checks.boolean)
    checkArgument('TensorMirror', 'fresh', fresh, checks.oneOf('zero', 'borrowed'))
    this.#fresh = fresh
    this.bytesPerParameter = ofEveryParameter ? 4 : 0
    this.name = name
    this.role = role
    this.#spans = spans
  }

  get(path: string): Tensor | undefined {
    return this.#tensors.get(path)
  }

  /**
   * Returns the tensor of a path. If there is none yet, makes zeros for a parameter of the shape of `like`.
   */
  getOrZero(path: string, like: Tensor): Tensor {
    checkArgument('TensorMirror.getOrZero', 'path', path, checks.text)
    checkTensor('TensorMirror.getOrZero', 'like', like)
    const known = this.#tensors.get(path)
    if (known !== undefined) return known
    using _ = openScope()
    return this.set(path, fill(like.device, this.#shapeFor(path, like.shape), 0))
  }

  #shapeFor(path: string, shape: Shape): Shape {
    return shape.map((n, axis) => (this.#spans(path, axis) ? n : 1))
  }

  /** Becomes an owner of `tensor`, which replaces the tensor of that path. */
  set(path: string, tensor: Tensor): Tensor {
    checkArgument('TensorMirror.set', 'path', path, checks.text)
    checkTensor('TensorMirror.set', 'tensor', tensor)
    const before = this.#tensors.get(path)
    this.#tensors.set(path, tensor.retain())
    before?.release()
    return tensor
  }

  delete(path: string): void {
    this.#tensors.get(path)?.release()
    this.#tensors.delete(path)
  }

  get bytes(): number {
    return [...this.#tensors.values()].reduce((total, { storage }) => total + storage.bytes, 0)
  }

  get paths(): readonly string[] {
    return [...this.#tensors.keys()]
  }

  remap(plan: Plan, after: TensorsByPath): () => void {
    requirePlan('TensorMirror.remap', plan)
    checkArgument('TensorMirror.remap', 'after', after, checks.object<TensorsByPath>('tensors by path'))
    const changed = scope(() => {
      const next = new Map<string, Tensor>()
      for (const change of plan.changes) {
        const old = this.#tensors.get(change.path)
        const copied = change.kind === 'add' ? this.#copyOf(change) : undefined
        if (copied) next.set(change.path, copied)
        const own = change.kind === 'add' ? this.#keptIn(plan, change.path) : undefined
        if (own && 'shape' in own)
          next.set(
            change.path,
            after[change.path].device.tensor(own.data, { shape: own.shape, dtype: 'f32' }),
          )
        if (change.kind !== 'resize' || old === undefined) continue
        const grown = after[change.path]
        const shape = this.#shapeFor(change.path, grown.shape)
        const maps = this.#mapsFor(change, (map) => map)
        const { fresh } = change
        const isWhole = this.role === 'value' && sameShape(shape, grown.shape)
        const kept = this.#keptIn(plan, change.path)
        const newSlices = (): Tensor =>
          kept
            ? grown.device.tensor(keptNumbers(maps, kept), { shape, dtype: 'f32' }, this.name)
            : !isWhole
              ? (this.#borrowed(old, maps, fresh) ?? fill(grown.device, shape, 0))
              : fresh.kind === 'average'
                ? averages(old, maps, fresh)
                : add(grown, 0)
        next.set(
          change.path,
          swapping(old, plan, change, grown.shape, (x) => resize(x, maps, this.role, newSlices)),
        )
      }
      return next
    })
    const removed = plan.changes.flatMap((change) => (change.kind === 'remove' ? [change.path] : []))
    return () => {
      for (const [path, tensor] of changed) this.set(path, tensor)
      for (const path of removed) this.delete(path)
    }
  }

  /**
   * Means of the old slices in place of new ones that begin at 0; undefined where none are to be borrowed.
   */
  #borrowed(
    old: Tensor,
    maps: readonly DimensionMap[],
    fresh: (ParameterChange & { kind: 'resize' })['fresh'],
  ): Tensor | undefined {
    if (this.#fresh === 'zero' || fresh.kind !== 'zero') return undefined
    const changed = maps.flatMap((map, axis) => (isIdentity(map) ? [] : [axis]))
    const [axis] = changed
    return changed.length === 1 && maps[axis].from > 0
      ? averages(old, maps, { kind: 'average', axis })
      : undefined
  }

  /** The tensor of a parameter that is a copy, made from the tensor of the original. */
  #copyOf({ initial }: ParameterChange & { kind: 'add' }): Tensor | undefined {
    if (initial.kind !== 'copy') return undefined
    const other = this.#tensors.get(initial.of)
    const factor = roleFactor(this.role, initial.factor ?? 1, initial.gradientFactor ?? 1)
    if (other === undefined || factor === 0) return undefined
    return factor === 1 ? add(other, 0) : multiply(other, factor)
  }

  async keep({ changes }: Plan): Promise<Record<string, KeptNumbers>> {
    const kept: Record<string, KeptNumbers> = {}
    for (const change of changes) {
      const tensor = this.#tensors.get(change.path)
      if (tensor === undefined) continue
      const data = await tensor.read()
      kept[change.path] =
        change.kind === 'resize'
          ? {
              slices: slicesOf(
                this.#mapsFor(change, (map) => inverseMap(map, true)),
                data,
              ),
            }
          : { shape: tensor.shape, data }
    }
    return kept
  }

  /** The maps of those axes that the tensor of a path has. */
  #mapsFor(
    { path, dimensions }: ParameterChange & { kind: 'resize' },
    of: (map: DimensionMap) => DimensionMap,
  ): DimensionMap[] {
    return dimensions.map((map, axis) => (this.#spans(path, axis) ? of(map) : keepAxis(1)))
  }

  #keptIn({ kept }: Plan, path: string): KeptNumbers | undefined {
    return kept?.[this.name]?.[path] as KeptNumbers | undefined
  }

  toState(): Promise<Record<string, PlainTensor>> {
    return plainTensors(Object.fromEntries(this.#tensors))
  }

  /**
   * Takes the numbers of a state whose paths and shapes belong to these parameters.
   *
   * @throws As `checkState`; the mirror is then unchanged.
   */
  restore(state: unknown, parameters: ParameterStore): void {
    checkArgument('TensorMirror.restore', 'parameters', parameters, aStore)
    this.checkState(state, parameters)
    for (const path of this.paths) this.delete(path)
    for (const [path, { shape, data }] of Object.entries(state as PlainTensors)) {
      const { device } = parameters.get(path).tensor
      scope(() => void this.set(path, device.tensor(data, { shape, dtype: 'f32' }, this.name)))
    }
  }

  /**
   * Checks that `restore` would take a state; changes nothing.
   *
   * @throws StateError unless the state holds tensors by path, ParameterError for a path or a shape that does
   *   not belong to these parameters.
   */
  checkState(state: unknown, parameters: ParameterStore): void {
    for (const path of Object.keys(checkState(this.name, state, {}))) {
      const saved = checkState<PlainTensor>(
        `${this.name}: ${path}`,
        (state as Readonly<Record<string, unknown>>)[path],
        aPlainTensor,
      )
      const { shape, data } = saved
      const { tensor } = parameters.get(path)
      const wanted = this.#shapeFor(path, tensor.shape)
      if (!sameShape(shape, wanted)) {
        const like = sameShape(wanted, tensor.shape)
          ? 'like the parameter'
          : 'along its axes of the parameter'
        throw new ParameterError(
          `${this.name}: the saved state of ${path} has shape [${shape.join(', ')}]; ` +
            `expected [${wanted.join(', ')}] ${like}.`,
        )
      }
      if (data.length !== sizeOf(shape)) {
        throw new StateError(
          `${this.name}: the saved state of ${path} has ${data.length} numbers; expected ${sizeOf(shape)}. Is the file whole?`,
        )
      }
    }
  }

  dispose(): void {
    for (const path of this.paths) this.delete(path)
  }
}
