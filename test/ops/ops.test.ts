import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe } from 'vitest'
import { testEveryOp } from './every-op.ts'
import { times } from '../how-long.ts'

/** Whatever runs ops: each must compute what the reference does. */
const devices = [openWasm(), openReference()]

describe.each(devices.map((device) => [device.name, device] as const))('on %s', (_, device) => {
  testEveryOp(device, { draws: times(25, 60) })
})
