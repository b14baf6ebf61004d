/** The page: what a person does goes to the worker, what it answers is drawn. It never computes itself. */
import { drawArchitecture } from './draw-architecture.ts'
import { drawCourse } from './draw-course.ts'
import type { DeviceChoice, Point, Reply, Request, Sizes } from './protocol.ts'
import { thinned } from './thinned.ts'

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
const ask = (request: Request): void => worker.postMessage(request, { transfer: [] })

/** The element of this id, which is one of a class. */
function element<E extends Element>(id: string, kind: new () => E): E {
  const found = document.getElementById(id)
  if (found instanceof kind) return found
  throw new Error(`The page has no ${kind.name} ${id}.`)
}
const button = (id: string): HTMLButtonElement => element(id, HTMLButtonElement)
const status = element('status', HTMLElement)
const failure = element('failure', HTMLElement)
const text = element('text', HTMLTextAreaElement)
const file = element('file', HTMLInputElement)
const written = element('written', HTMLOutputElement)
const device = element('device', HTMLSelectElement)
const weights = element('weights', HTMLInputElement)
const pictures = ['architecture', 'course'].map((id) => element(id, SVGElement))
const [go, pause, writing, beginning] = ['go', 'pause', 'writing', 'beginning'].map(button)
const buttons = [go, pause, writing, beginning]
/** Shows a text in the element of this id. */
const put = (id: string, content: string): void => {
  element(id, HTMLElement).textContent = content
}

let course: Point[] = []
let sizes: Sizes | undefined
/** Where the text is from. */
let title = 'the text'
/** A picture is drawn once a frame, however many steps there are in it. */
let isDrawn = true

function drawSoon(): void {
  if (isDrawn) requestAnimationFrame(draw)
  isDrawn = false
}

function draw(): void {
  isDrawn = true
  const last = course.at(-1)
  put('step', String(last?.step ?? 0))
  put('bits', last?.bitsPerByte.toFixed(2) ?? '–')
  if (last !== undefined) put('parameters', last.parameters.toLocaleString('en'))
  if (sizes !== undefined) drawArchitecture(pictures[0], sizes)
  drawCourse(pictures[1], course)
}

function tellGrowth({ step, growth }: Point): void {
  if (growth === null) return
  const item = document.createElement('li')
  item.textContent = `Step ${step}: ${growth}`
  element('growths', HTMLElement).append(item)
}

function show(reply: Reply): void {
  switch (reply.kind) {
    case 'opened': {
      const { view, isResumed } = reply
      course = [...view.course]
      sizes = view.sizes
      put('parameters', view.parameters.toLocaleString('en'))
      element('growths', HTMLElement).replaceChildren()
      for (const point of course) tellGrowth(point)
      if (view.text !== '') text.value = view.text
      if (view.title !== '') title = view.title
      for (const each of buttons) each.disabled = false
      status.textContent = isResumed
        ? `Resumed at step ${view.step}, with ${view.device}.`
        : `A new model, with ${view.device}.`
      drawSoon()
      return
    }
    case 'learning': {
      go.disabled = reply.isLearning
      pause.disabled = !reply.isLearning
      if (reply.isLearning) status.textContent = `Learning ${reply.title}…`
      return
    }
    case 'stepped': {
      course = thinned([...course, reply.point])
      sizes = reply.sizes
      tellGrowth(reply.point)
      drawSoon()
      return
    }
    case 'wrote': {
      written.append(reply.piece)
      if (reply.isEnd) writing.disabled = false
      return
    }
    case 'saved': {
      if (go.disabled) return
      status.textContent = `Saved at step ${reply.step}.`
      return
    }
    case 'failed': {
      failure.textContent = reply.message
      failure.hidden = false
      writing.disabled = false
    }
  }
}

worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => show(data))
worker.addEventListener('error', ({ message }) => show({ kind: 'failed', message }))

/** Has a form do this when it is sent, instead of leaving the page. */
function onSubmit(id: string, act: () => void): void {
  element(id, HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    failure.hidden = true
    act()
  })
}

onSubmit('learn', () => ask({ kind: 'learn', text: text.value, title }))
onSubmit('write', () => {
  const { value: prompt } = element('prompt', HTMLInputElement)
  written.textContent = prompt
  writing.disabled = true
  ask({ kind: 'write', prompt: prompt === '' ? ' ' : prompt, tokens: 160 })
})
onSubmit('begin', () => {
  const { value } = element('every', HTMLSelectElement)
  ask({ kind: 'begin', files: [...(weights.files ?? [])], growEvery: Number(value) })
})
file.addEventListener('change', () => {
  const chosen = file.files?.[0]
  void chosen?.text().then((content) => {
    text.value = content
    title = chosen.name
    return content
  })
})
text.addEventListener('input', () => {
  title = 'the text'
})
pause.addEventListener('click', () => ask({ kind: 'pause' }))
device.addEventListener('change', () => {
  for (const each of buttons) each.disabled = true
  localStorage.setItem('device', device.value)
  ask({ kind: 'open', device: device.value as DeviceChoice })
})
new ResizeObserver(drawSoon).observe(pictures[1])
// A page that is hidden may be closed without a word.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') ask({ kind: 'save' })
})

device.value = localStorage.getItem('device') ?? 'auto'
ask({ kind: 'open', device: device.value as DeviceChoice })
