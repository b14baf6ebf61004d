/**
 * The kernels of products by name, which of them can make a given product, and which one does unless a
 * measurement says otherwise.
 */
import type { Capabilities } from '../../../backends/webgpu/capabilities.ts'
import type { KernelSource } from '../../../backends/webgpu/wgsl/wgsl.ts'
import { directProduct, directTile } from './direct.webgpu.ts'
import { fewRowsProduct, fewRowsTile, maxFewRows } from './few-rows.webgpu.ts'
import { fragmentProduct, fragmentTileBytes } from './fragment-tiled.webgpu.ts'
import type { ProductForm, Tile } from './operands.webgpu.ts'
import { type RegisterTile, tiledProduct } from './tiled.webgpu.ts'

/** Sizes of one product of a batch. */
export interface ProductSizes {
  readonly m: number
  readonly n: number
  readonly k: number
}

/** A family of kernels that differ only by the form of the operands. */
export interface Variant {
  readonly tile: (form: ProductForm) => Tile
  readonly fits: (sizes: ProductSizes, form: ProductForm, able: Capabilities) => boolean
  readonly source: (form: ProductForm, able: Capabilities) => KernelSource
}

const registers = (tile: RegisterTile): Variant => ({
  tile: () => tile,
  fits: () => true,
  source: (form, { sharesThroughCaches }) => tiledProduct(tile, form, !sharesThroughCaches),
})

const inFragments = (tile: Tile): Variant => ({
  tile: () => tile,
  fits: (_, { factors }, { fragments, workgroupBytes }) =>
    factors.name === 'f16' && fragments !== undefined && fragmentTileBytes(tile, fragments) <= workgroupBytes,
  source: (form, { fragments }) => fragmentProduct(tile, fragments as NonNullable<typeof fragments>, form),
})

export const variants = {
  large: registers({ rows: 128, columns: 128, terms: 8, myRows: 8, myColumns: 8 }),
  medium: registers({ rows: 64, columns: 64, terms: 16, myRows: 4, myColumns: 4 }),
  small: registers({ rows: 32, columns: 32, terms: 32, myRows: 4, myColumns: 4 }),
  direct: {
    tile: () => directTile,
    fits: () => true,
    source: directProduct,
  },
  'few rows': {
    tile: fewRowsTile,
    fits: ({ m }, { a }) => m <= maxFewRows && a.along === 'terms',
    source: fewRowsProduct,
  },
  'large fragments': inFragments({ rows: 128, columns: 128, terms: 32 }),
  // Half the terms at a time, where workgroup memory is scarce.
  'large shallow fragments': inFragments({ rows: 128, columns: 128, terms: 16 }),
  'medium fragments': inFragments({ rows: 64, columns: 64, terms: 32 }),
  'small fragments': inFragments({ rows: 32, columns: 32, terms: 32 }),
} as const satisfies Record<string, Variant>

export type VariantName = keyof typeof variants

/** Chooses fragments for products that fill them, else tiles as large as the matrix. */
export function defaultVariant(sizes: ProductSizes, form: ProductForm, able: Capabilities): VariantName {
  const least = Math.min(sizes.m, sizes.n)
  const canUse = (name: VariantName): boolean => variants[name].fits(sizes, form, able)
  if (canUse('few rows')) return 'few rows'
  if (least >= 256 && canUse('large fragments')) return 'large fragments'
  if (least >= 256 && canUse('large shallow fragments')) return 'large shallow fragments'
  if (least >= 64 && canUse('medium fragments')) return 'medium fragments'
  if (least >= 16 && canUse('small fragments')) return 'small fragments'
  if (able.sharesThroughCaches) return 'direct'
  return least >= 512 ? 'large' : least >= 64 ? 'medium' : 'small'
}
