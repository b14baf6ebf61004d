/** The model's own thread: the page asks, and is told what happens. */
import { opfsDisk } from '@burgeon/gpt/browser'
import { Life } from './life.ts'
import { openDevice } from './open-device.ts'
import type { DeviceChoice, Reply, Request } from './protocol.ts'

/** Where the model is kept, among the private files of this origin. */
const disk = opfsDisk('burgeon-example')
/** Steps between two saves while it learns. */
const saveEvery = 50

let device: Awaited<ReturnType<typeof openDevice>> | undefined
let life: Life | undefined
let isLearning = false
let isHeld = false

const say = (reply: Reply): void => postMessage(reply, { transfer: [] })

/** One thing after the other: a text is written between two steps, never in the middle of one. */
let turn = Promise.resolve()
function inTurn(work: () => Promise<void>): void {
  turn = turn.then(work).catch((error: unknown) => {
    rest()
    say({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
  })
}

async function save(): Promise<void> {
  if (life !== undefined) say({ kind: 'saved', step: await life.save(disk) })
}

function rest(): void {
  isLearning = false
  say({ kind: 'learning', isLearning, title: life?.reading.title ?? '' })
}

async function step(): Promise<void> {
  if (!isLearning || life === undefined) return
  const point = await life.learn()
  say({ kind: 'stepped', point, sizes: life.sizes })
  if (point.step % saveEvery === 0) await save()
  // Messages of the page come in between.
  setTimeout(() => inTurn(step))
}

function show(now: Life, isResumed: boolean): void {
  life = now
  const { sizes, reading, seen } = now
  say({ kind: 'opened', isResumed, view: { device: device?.name ?? '', sizes, ...reading, ...seen } })
  rest()
}

async function open(choice: DeviceChoice): Promise<void> {
  // A second tab would save over what this one has learnt.
  if (!isHeld) await disk.lock('session')
  isHeld = true
  if (life !== undefined) await save()
  life?.end()
  life = undefined
  device = await openDevice(choice)
  const resumed = await Life.resume(device.device, disk)
  show(resumed ?? (await Life.begin(device.device, [], 40)), resumed !== undefined)
}

async function answer(request: Request): Promise<void> {
  if (request.kind === 'open') return open(request.device)
  if (device === undefined || life === undefined) return
  switch (request.kind) {
    case 'begin': {
      const next = await Life.begin(device.device, request.files, request.growEvery)
      life.end()
      show(next, false)
      return save()
    }
    case 'learn': {
      life.read(request.text, request.title)
      if (isLearning) return
      isLearning = true
      say({ kind: 'learning', isLearning, title: life.reading.title })
      return step()
    }
    case 'pause': {
      rest()
      return save()
    }
    case 'write': {
      for await (const piece of life.write(request.prompt, request.tokens)) {
        say({ kind: 'wrote', piece, isEnd: false })
      }
      say({ kind: 'wrote', piece: '', isEnd: true })
      return
    }
    case 'save':
      return save()
  }
}

addEventListener('message', ({ data }: MessageEvent<Request>) => inTurn(() => answer(data)))
