/** A process that is the coordinator or a worker of a cluster over NATS, until it is killed. What it is comes as JSON. */
import { setTimeout as wait } from 'node:timers/promises'
import { adamw } from '@burgeon/autograd/optim'
import { ClusterWorker, Coordinator } from '@burgeon/cluster'
import { natsSeams } from '@burgeon/cluster/nats'
import { Learner } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'

/** What such a process is told. */
export interface MemberTask {
  /** Null for the coordinator. */
  readonly worker: string | null
  readonly cluster: string
  readonly servers: string
}

const { worker, cluster, servers } = JSON.parse(process.argv[2]) as MemberTask
const makeLearner = (model: Gpt): Learner => new Learner({ model, optimizer: adamw({ learningRate: 3e-3 }) })
/** Looks without a word after which a coordinator goes on without who is late, 20 ms and more apart. */
const patience = 60

/** Takes turns until the broker fails. */
async function live(): Promise<void> {
  const seams = await natsSeams(cluster, { servers })
  try {
    const member =
      worker === null
        ? await Coordinator.open(seams.place)
        : await ClusterWorker.open(seams.place, { name: worker, makeLearner })
    let [last, looks] = [-1, 0]
    for (;;) {
      if (await member.turn()) continue
      const now = await seams.place.log.last()
      looks = now === last ? looks + 1 : 0
      last = now
      if (member instanceof Coordinator && looks >= patience) {
        await member.turn({ isLate: true })
        looks = 0
      }
      await wait(20)
    }
  } finally {
    await seams.close().catch(() => {})
  }
}

for (;;) {
  await live().catch((error: unknown) => {
    if (!/^(Transport|Log|Blob)Error$/.test((error as Error).name)) throw error
  })
  await wait(100)
}
