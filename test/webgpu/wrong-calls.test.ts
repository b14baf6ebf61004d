/** What a device of the GPU is called with, it works or says who was given what. */
import { tryCalls } from '../public-api/try-calls.ts'
import { webGpuCalls } from '../public-api/webgpu-calls.ts'
import { withAdapter } from './adapter.ts'

await withAdapter((device, name) => tryCalls(`@burgeon/tensor/webgpu (${name})`, webGpuCalls(device)))
