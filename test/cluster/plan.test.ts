/** Plans: sizes by hand, published runs, and what has to move when a question does. */
import { makePlan, type Plan, type PlanQuestion, plannedModel, usualAssumptions } from '@burgeon/cluster'
import { flopsPerToken, type GptConfig, gptConfig, parametersOf } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'

const bloom = (): GptConfig =>
  plannedModel({
    layers: 70,
    embed: 14_336,
    vocabulary: 250_680,
    context: 2048,
    kvHeads: 112,
    untiedHead: false,
  })
const llama = (): GptConfig =>
  plannedModel({
    layers: 126,
    embed: 16_384,
    vocabulary: 128_256,
    kvHeads: 8,
    mlpHidden: 53_248,
    activation: 'swiglu',
  })

describe('a model that is planned for', () => {
  test('has the parameters and operations of one that is made', () => {
    const sizes = { vocabulary: 300, context: 32, embed: 64, layers: 3 } as const
    const made = gptConfig({
      ...sizes,
      heads: 4,
      kvHeads: 2,
      positions: 'rotary',
      biases: [],
      untiedHead: true,
    })
    const planned = plannedModel({ ...sizes, headDim: 16, kvHeads: 2 })
    expect(parametersOf(planned)).toBe(parametersOf(made))
    expect(flopsPerToken(planned)).toEqual(flopsPerToken(made))
  })
  test('has about as many parameters as were asked for, in a usual shape', () => {
    for (const wanted of [1e8, 1e9, 7e10, 1e13, 1e15]) {
      const config = plannedModel({ parameters: wanted, vocabulary: 32_000 })
      expect(Math.abs(parametersOf(config) / wanted - 1), String(wanted)).toBeLessThan(0.03)
      if (wanted < 1e9) continue
      const shape = config.embed / config.blocks.length
      expect(shape).toBeGreaterThan(100)
      expect(shape).toBeLessThan(160)
    }
  })
  test('is that of published ones', () => {
    expect(parametersOf(bloom()) / 176.247e9).toBeCloseTo(1, 2)
    expect(parametersOf(llama()) / 405e9).toBeCloseTo(1, 2)
  })
})

describe('a published run', () => {
  test('BLOOM: 48 devices a copy, 384 in four months, and its hours within a fifth', () => {
    const plan = makePlan({ config: bloom(), tokens: 366e9, device: 'a100', days: 118 })
    const { acrossProducts, stages } = plan.split
    expect(acrossProducts * stages).toBe(48)
    expect(plan.devices).toBeLessThanOrEqual(384)
    expect(Math.abs(plan.deviceHours / 1_082_990 - 1)).toBeLessThan(0.2)
    expect(Math.abs(plan.megawattHours / 433 - 1)).toBeLessThan(0.2)
  })
  test('Llama 3.1 of 405 billion: its operations, and its hours within a fifth', () => {
    const question = { config: llama(), tokens: 15.6e12, device: 'h100', batchTokens: 2 ** 24 }
    const plan = makePlan({ ...question, days: 78 })
    expect(plan.flops / 3.8e25).toBeCloseTo(1, 1)
    expect(Math.abs(plan.deviceHours / 30.84e6 - 1)).toBeLessThan(0.2)
    expect(Math.abs(plan.devices / 16_384 - 1)).toBeLessThan(0.2)
  })
})

describe('a plan', () => {
  const question: PlanQuestion = { config: plannedModel({ parameters: 7e9 }), tokens: 1e12, device: 'h200' }
  const planned = (more: Partial<PlanQuestion> = {}): Plan => makePlan({ ...question, ...more })

  test('holds on every device what it says', () => {
    for (const parameters of [1e9, 7e10, 1e12, 1e13]) {
      for (const device of ['a100', 'h200', 'b200']) {
        // A block of 25 billion parameters is more than a machine of those holds.
        if (parameters === 1e13 && device === 'a100') continue
        const { bytesPerDevice, memoryPerDevice, split, devices, copies } = planned({
          config: plannedModel({ parameters }),
          device,
        })
        expect(bytesPerDevice).toBeLessThanOrEqual(usualAssumptions.usableMemory * memoryPerDevice)
        expect(devices).toBe(copies * split.acrossProducts * split.stages)
      }
    }
  })
  test('adds up: 18 bytes a parameter in 16 bits, 16 in 32, 8 more for what EWC keeps', () => {
    const bytes = ({ memory, parameters }: Plan): number =>
      (memory.weights + memory.masters + memory.gradients + memory.moments + memory.penalty) / parameters
    expect(bytes(planned())).toBe(18)
    expect(bytes(planned({ precision: 'f32' }))).toBe(16)
    expect(bytes(planned({ keepsPenalty: true }))).toBe(26)
  })
  test('rehearsal costs what it rehearses, and a stream may bring so much less', () => {
    const [plain, own] = [planned(), planned({ rehearsal: 1 })]
    expect(own.flops).toBe(2 * plain.flops)
    expect(own.tokensPerSecond / plain.tokensPerSecond).toBeCloseTo(0.5, 6)
  })
  test('has as many copies as the days ask for, and no more', () => {
    const { days, copies } = planned({ days: 20 })
    expect(days).toBeLessThanOrEqual(20)
    expect(copies).toBeGreaterThan(1)
    const assumptions = { ...usualAssumptions, devices: { ...usualAssumptions.devices } }
    const alone = planned()
    expect(alone.copies).toBe(1)
    expect(alone.exchange.bytes).toBe(0)
    expect(makePlan(question, assumptions)).toEqual(alone)
    // One copy fewer is too late.
    expect(alone.days / (copies - 1)).toBeGreaterThan(20)
  })
  test('synchronizes for a fiftieth of the time where it does so once in fifty steps', () => {
    const { exchange, memory } = planned({ days: 20 })
    expect(exchange.rarely).toBeCloseTo(exchange.everyStep / 50, 12)
    expect(exchange.bytes).toBeLessThan(2 * memory.gradients)
    expect(exchange.bytes).toBeGreaterThan(memory.gradients)
  })
  test('ten trillion parameters: thousands of devices hold them, and no thousand teaches them in time', () => {
    const config = plannedModel({ parameters: 1e13 })
    const plan = planned({ config, tokens: 2e14 })
    expect(plan.devices).toBeGreaterThan(1000)
    expect(plan.devices).toBeLessThan(10_000)
    expect(plan.days).toBeGreaterThan(365 * 100)
  })
  test('refuses what is no question, and what nothing holds', () => {
    for (const wrong of [{ device: 'abacus' }, { tokens: 0 }, { days: 1e-9 }, { config: {} as GptConfig }]) {
      expect(() => planned(wrong)).toThrow(OptionError)
    }
    const config = plannedModel({ layers: 1, embed: 2 ** 17 })
    expect(() => planned({ config, device: 'rtx4090' })).toThrow('fits no number of NVIDIA RTX 4090')
    expect(() => makePlan(question, { ...usualAssumptions, utilization: 2 })).toThrow(OptionError)
    expect(() => planned({ config: plannedModel({ parameters: 1e13 }), device: 'a100' })).toThrow(
      'fits no number',
    )
    expect(() => plannedModel({ parameters: 2e6 })).toThrow('a vocabulary of 128000')
    for (const sizes of [{}, { parameters: 1e9, layers: 2 }, { layers: 2 }, { parameters: 10 }]) {
      expect(() => plannedModel(sizes)).toThrow(OptionError)
    }
  })
})
