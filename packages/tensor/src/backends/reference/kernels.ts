/** Every primitive op on the reference backend. Fused ops are not here, so their definition runs. */
import type { PrimitiveKernelTable } from '../../device.ts'
import { argmaxReference } from '../../ops/argmax/argmax.reference.ts'
import { assignReference } from '../../ops/assign/assign.reference.ts'
import { broadcastReference } from '../../ops/broadcast/broadcast.reference.ts'
import { concatenateReference } from '../../ops/concatenate/concatenate.reference.ts'
import { cumsumReference } from '../../ops/cumsum/cumsum.reference.ts'
import { reorderReference } from '../../ops/reorder/reorder.reference.ts'
import { sortReference } from '../../ops/sort/sort.reference.ts'
import { elementwiseReference } from '../../ops/elementwise/elementwise.reference.ts'
import { fillReference } from '../../ops/fill/fill.reference.ts'
import { gatherReference } from '../../ops/gather/gather.reference.ts'
import { iotaReference } from '../../ops/iota/iota.reference.ts'
import { matmulReference } from '../../ops/matmul/matmul.reference.ts'
import { packRowsReference } from '../../ops/pack-rows/pack-rows.reference.ts'
import { padReference } from '../../ops/pad/pad.reference.ts'
import { permuteReference } from '../../ops/permute/permute.reference.ts'
import { randomReference } from '../../ops/random/random.reference.ts'
import { reduceReference } from '../../ops/reduce/reduce.reference.ts'
import { scatterAddReference } from '../../ops/scatter-add/scatter-add.reference.ts'
import { sliceReference } from '../../ops/slice/slice.reference.ts'
import { unpackRowsReference } from '../../ops/unpack-rows/unpack-rows.reference.ts'
import type { ReferenceBackend } from './reference-backend.ts'

export const referenceKernels: PrimitiveKernelTable<ReferenceBackend> = {
  elementwise: elementwiseReference,
  reduce: reduceReference,
  argmax: argmaxReference,
  cumsum: cumsumReference,
  sort: sortReference,
  matmul: matmulReference,
  permute: permuteReference,
  broadcast: broadcastReference,
  slice: sliceReference,
  pad: padReference,
  concatenate: concatenateReference,
  gather: gatherReference,
  scatterAdd: scatterAddReference,
  reorder: reorderReference,
  fill: fillReference,
  iota: iotaReference,
  random: randomReference,
  assign: assignReference,
  packRows: packRowsReference,
  unpackRows: unpackRowsReference,
}
