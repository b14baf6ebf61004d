/** Contexts in which a model expects much the same to come, as clusters of what it predicts. */
import { checks, type StateChecks } from '@burgeon/tensor'

/** Most clusters. */
const maxClusters = 32
/** Numbers of a sketch, and of a center. */
const width = 64
/**
 * Squared distance from every center, above which a prediction opens a cluster of its own: λ of DP-means. Two
 * predictions without a token in common are 2 apart.
 */
const maxDistance = 0.7
/** Predictions over which a center is a mean. */
const memory = 200
/** Likeliest tokens of a cluster that are counted, and those that are told. */
const [countedTokens, toldTokens] = [16, 3]
/** What is left of a count after each prediction of a cluster. */
const fading = 0.99

/** Plain data. */
export interface ExpectationsState {
  /** One center after another, 64 numbers each. */
  readonly centers: Float64Array
  /** Predictions of each cluster. */
  readonly sizes: readonly number[]
  /** Of each cluster the likeliest tokens, by the characters of their bytes, and how often they were. */
  readonly likeliest: readonly (readonly (readonly [token: string, count: number])[])[]
}

const aSize = checks.integer({ from: 1 })

export const expectationChecks: StateChecks<ExpectationsState> = {
  centers: checks.instance('centers', Float64Array),
  sizes: checks.list('sizes', aSize),
  likeliest: checks.list(
    'tokens of each cluster',
    checks.list('pairs of a token and a count', checks.list('a token and a count', checks.anything) as never),
  ),
}

/** Whether the parts of a state belong together. */
export function fitTogether({ centers, sizes, likeliest }: ExpectationsState): boolean {
  return (
    sizes.length <= maxClusters &&
    centers.length === sizes.length * width &&
    likeliest.length === sizes.length &&
    centers.every(Number.isFinite) &&
    likeliest
      .flat()
      .every((pair) => pair.length === 2 && typeof pair[0] === 'string' && Number.isFinite(pair[1]))
  )
}

/**
 * A distribution in 64 numbers: √p, token by token, into places and signs that depend on the token alone
 * (Charikar, Chen and Farach-Colton 2002, "Finding Frequent Items in Data Streams"). Squared distances are on
 * average those of √p, twice the squared distance of Hellinger; growth that changes no probability, and
 * tokens that come later, change nothing of them.
 *
 * @param probabilities `[V]`, summing to 1.
 */
export function sketchOf(probabilities: Float64Array): Float64Array {
  const sketch = new Float64Array(width)
  for (const [token, p] of probabilities.entries()) {
    let hash = Math.imul(token ^ (token >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
    sketch[hash & (width - 1)] += hash & width ? Math.sqrt(p) : -Math.sqrt(p)
  }
  return sketch
}

interface Cluster {
  readonly center: Float64Array
  size: number
  likeliest: Map<string, number>
}

/**
 * Clusters of predictions, found as they come: a prediction that is far from every center opens a cluster,
 * any other moves the nearest one (Kulis and Jordan 2012, "Revisiting k-means", DP-means, in one pass).
 */
export class Expectations {
  readonly #clusters: Cluster[]

  constructor(state?: ExpectationsState) {
    this.#clusters = (state?.sizes ?? []).map((size, i) => ({
      center: Float64Array.from((state as ExpectationsState).centers.subarray(i * width, (i + 1) * width)),
      size,
      likeliest: new Map((state as ExpectationsState).likeliest[i]),
    }))
  }

  /**
   * The number of the cluster of a prediction, from 0, which is in it from now on.
   *
   * @param likeliest The characters of the likeliest token's bytes.
   */
  add(sketch: Float64Array, likeliest: string): number {
    let [nearest, least] = [-1, Infinity]
    for (const [i, { center }] of this.#clusters.entries()) {
      let distance = 0
      for (let j = 0; j < width; j++) distance += (sketch[j] - center[j]) ** 2
      if (distance < least) [nearest, least] = [i, distance]
    }
    if (least > maxDistance && this.#clusters.length < maxClusters) {
      nearest = this.#clusters.push({ center: new Float64Array(width), size: 0, likeliest: new Map() }) - 1
    }
    const cluster = this.#clusters[nearest]
    cluster.size++
    const share = 1 / Math.min(cluster.size, memory)
    for (let j = 0; j < width; j++) cluster.center[j] += share * (sketch[j] - cluster.center[j])
    this.#count(cluster, likeliest)
    return nearest
  }

  #count(cluster: Cluster, token: string): void {
    const counts = [...cluster.likeliest].map(([one, count]) => [one, count * fading] as const)
    cluster.likeliest = new Map(counts)
    cluster.likeliest.set(token, (cluster.likeliest.get(token) ?? 0) + 1)
    if (cluster.likeliest.size <= countedTokens) return
    const [[rarest]] = [...cluster.likeliest].sort(([, a], [, b]) => a - b)
    cluster.likeliest.delete(rarest)
  }

  /** The tokens that are expected most in a cluster, by the characters of their bytes. */
  expects(cluster: number): readonly string[] {
    const counts = [...(this.#clusters[cluster]?.likeliest ?? [])]
    return counts
      .sort(([, a], [, b]) => b - a)
      .slice(0, toldTokens)
      .map(([token]) => token)
  }

  toState(): ExpectationsState {
    const centers = new Float64Array(this.#clusters.length * width)
    this.#clusters.forEach(({ center }, i) => centers.set(center, i * width))
    return {
      centers,
      sizes: this.#clusters.map(({ size }) => size),
      likeliest: this.#clusters.map(({ likeliest }) => [...likeliest]),
    }
  }
}
