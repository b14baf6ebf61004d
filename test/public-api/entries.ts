/** The tables of right calls, by entry point. */
import { autogradCalls } from './autograd-calls.ts'
import { continualCalls } from './continual-calls.ts'
import { gptCalls, growthCalls } from './gpt-calls.ts'
import { autogradTestingCalls, browserCalls, nodeCalls, referenceCalls, wasmCalls } from './entry-calls.ts'
import { demoCalls, sessionCalls } from './session-calls.ts'
import { optimCalls } from './optim-calls.ts'
import { clusterNatsCalls, clusterNodeCalls } from './shard-calls.ts'
import { clusterCalls, clusterTestingCalls } from './cluster-calls.ts'
import { sensesCalls, sensesNodeCalls, sensesTestingCalls } from './senses-calls.ts'
import { serverCalls } from './server-calls.ts'
import { tensorCalls } from './tensor-calls.ts'
import { continualTestingCalls, tensorTestingCalls } from './testing-calls.ts'
import type { Calls } from './call.ts'
import { webGpuCalls } from './webgpu-calls.ts'

export const entries: Readonly<Record<string, Readonly<Record<string, Calls>>>> = {
  '@burgeon/tensor': tensorCalls,
  '@burgeon/tensor/reference': referenceCalls,
  '@burgeon/tensor/wasm': wasmCalls,
  '@burgeon/tensor/webgpu': webGpuCalls(),
  '@burgeon/tensor/testing': tensorTestingCalls,
  '@burgeon/autograd/testing': autogradTestingCalls,
  '@burgeon/gpt/browser': browserCalls,
  '@burgeon/gpt/node': nodeCalls,
  '@burgeon/autograd': autogradCalls,
  '@burgeon/autograd/optim': optimCalls,
  '@burgeon/gpt': gptCalls,
  '@burgeon/gpt/growth': growthCalls,
  '@burgeon/continual': continualCalls,
  '@burgeon/continual/testing': continualTestingCalls,
  '@burgeon/senses': sensesCalls,
  '@burgeon/senses/node': sensesNodeCalls,
  '@burgeon/senses/testing': sensesTestingCalls,
  '@burgeon/cluster': clusterCalls,
  '@burgeon/cluster/nats': clusterNatsCalls,
  '@burgeon/cluster/node': clusterNodeCalls,
  '@burgeon/cluster/testing': clusterTestingCalls,
  '@burgeon/server': serverCalls,
  'burgeon/session': sessionCalls,
  'burgeon/demo': demoCalls,
}
