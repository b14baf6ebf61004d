/** `@burgeon/cluster/nats`: the seams over NATS, with the optional packages `@nats-io/*`. */
export type { NatsOptions } from './broker.ts'
export { type NatsFleet, natsFleet } from './nats-fleet.ts'
export { type NatsSeams, natsSeams } from './nats-seams.ts'
