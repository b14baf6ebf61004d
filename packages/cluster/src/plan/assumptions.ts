/** What a plan takes for granted, as data: change it, and plan again. */
import { checks, type ChecksOf, fields } from '@burgeon/tensor'

/** A kind of device, by its maker's figures. */
export interface PlannedDevice {
  /** In words. */
  readonly name: string
  /** Bytes of its memory. */
  readonly memory: number
  /** Operations per second of dense matrix products, by the precision of their inputs. */
  readonly flops: Readonly<Record<Precision, number>>
  /** Bytes per second between the memory and the cores. */
  readonly bandwidth: number
  /** At full load. */
  readonly watts: number
  /** Devices in a machine, which share a link that is as good as their own memory for splitting a product. */
  readonly perMachine: number
  /** Price of an hour, machine and hall included, in dollars. */
  readonly dollarsPerHour: number
  /** Where the figures are from. */
  readonly source: string
}

/** Precision of products: 32-bit floats, or 16-bit ones with 32-bit copies for the optimizer. */
export type Precision = 'f32' | 'bf16'

/** Both. */
export const precisions: readonly Precision[] = ['f32', 'bf16']

/** All that a plan takes for granted. Plain data. */
export interface Assumptions {
  /** By a short name, such as `h200`. */
  readonly devices: Readonly<Record<string, PlannedDevice>>
  /** Share of a device's operations that training reaches in the model's own operations. */
  readonly utilization: number
  /** Share of the memory that a program can fill. */
  readonly usableMemory: number
  /** Bytes per second of the links of a machine to the others. */
  readonly network: number
  /** Tokens of a step, over all copies of the model. */
  readonly batchTokens: number
  /** Power of the hall for each watt of the devices. */
  readonly powerOfHall: number
  /** Turns in which a sequence comes through the blocks of a stage: more of them, and stages wait less. */
  readonly turns: number
  /** Local steps between two synchronizations, where those are rare (DiLoCo). */
  readonly localSteps: number
}

const maker = 'NVIDIA, data sheet, dense'

/**
 * Devices by their makers' data sheets; prices of late 2025 for a reserved device, to be replaced by one's
 * own. Utilization is of 16-bit training with blocks that are computed twice: at 0.35 the hours of two
 * published runs come out (docs/scale.md).
 */
export const usualAssumptions: Assumptions = {
  devices: {
    a100: {
      ...{
        name: 'NVIDIA A100 80 GB',
        memory: 80e9,
        flops: { f32: 19.5e12, bf16: 312e12 },
        bandwidth: 2.04e12,
      },
      ...{ watts: 400, perMachine: 8, dollarsPerHour: 1.5, source: maker },
    },
    h100: {
      ...{ name: 'NVIDIA H100 SXM', memory: 80e9, flops: { f32: 67e12, bf16: 989e12 }, bandwidth: 3.35e12 },
      ...{ watts: 700, perMachine: 8, dollarsPerHour: 2.5, source: maker },
    },
    h200: {
      ...{ name: 'NVIDIA H200 SXM', memory: 141e9, flops: { f32: 67e12, bf16: 989e12 }, bandwidth: 4.8e12 },
      ...{ watts: 700, perMachine: 8, dollarsPerHour: 3, source: maker },
    },
    b200: {
      ...{ name: 'NVIDIA B200', memory: 180e9, flops: { f32: 75e12, bf16: 2250e12 }, bandwidth: 7.7e12 },
      ...{ watts: 1000, perMachine: 8, dollarsPerHour: 4.5, source: maker },
    },
    rtx4090: {
      ...{ name: 'NVIDIA RTX 4090', memory: 24e9, flops: { f32: 82.6e12, bf16: 165e12 }, bandwidth: 1.01e12 },
      ...{ watts: 450, perMachine: 1, dollarsPerHour: 0.4, source: maker },
    },
  },
  utilization: 0.4,
  usableMemory: 0.9,
  network: 50e9,
  batchTokens: 2 ** 22,
  powerOfHall: 1.2,
  turns: 4,
  localSteps: 50,
}

const positive = checks.number({ above: 0 })
const share = checks.number({ above: 0, to: 1 })

/** A device of any kind. */
const aDevice = fields<PlannedDevice>('a device', {
  ...{
    name: checks.text,
    memory: positive,
    bandwidth: positive,
    watts: positive,
    dollarsPerHour: checks.number({ from: 0 }),
  },
  flops: fields<PlannedDevice['flops']>('operations per second by precision', {
    f32: positive,
    bf16: positive,
  }),
  ...{ perMachine: checks.integer({ from: 1 }), source: checks.text },
})

const { required } = checks
const aCount = required(checks.integer({ from: 1 }))

/** Checks of all assumptions: each has to be there, and no other. */
export const assumptionChecks: ChecksOf<Assumptions> = {
  devices: required(checks.record('devices by short name', aDevice)),
  ...{ utilization: required(share), usableMemory: required(share), network: required(positive) },
  ...{ batchTokens: aCount, powerOfHall: required(checks.number({ from: 1 })) },
  ...{ turns: aCount, localSteps: aCount },
}
