/** The dashboard: a page that shows what is served, kept up by the events of the server. */
import { ask, type AskError, fetched, hasKey, type Json, useKey } from './ask.ts'
import { type ModelJson, stayConnected } from './connection.ts'
import { showCourse, watchCourse } from './course.ts'
import { clearDecisions, keep, showCheckpoints, showGrowth } from './deciding.ts'
import { acting, byId, isAsking, onSubmit, part, say } from './elements.ts'
import {
  addEvent,
  addStep,
  type Life,
  type LifeEvent,
  lifeOf,
  type RecordJson,
  type StepJson,
} from './life.ts'
import { type LessonJson, lessonText } from './talk/judge.ts'
import { clearFigures, learnt, showLife, showMachine, showModel } from './now.ts'
import { showSenses, watchDrawing } from './talk/draw.ts'
import { watchForetelling } from './talk/foretell.ts'
import { watchTalk } from './talk/talk.ts'

let model: ModelJson = { id: '', context: 0, parameters: 0, learns: false, senses: [] }
let life: Life | null = null
let connection = new AbortController()
/** Whether checkpoints may have changed since they were asked for. */
let mayHaveSaved = true

function show(): void {
  if (life === null) return
  showLife(life)
  showCourse(life)
}

async function poll(): Promise<void> {
  if (life !== null) {
    showLife(life)
    await showGrowth()
    // What somebody is asked about stays as it is.
    if (mayHaveSaved && !isAsking()) {
      mayHaveSaved = false
      await showCheckpoints()
    }
  }
  await showMachine()
}

function met(served: ModelJson): void {
  const isOther = served.id !== model.id || served.learns !== model.learns
  model = served
  part('locked').hidden = true
  part('open').hidden = false
  part('parts').hidden = !served.learns
  part('another-key').hidden = !hasKey()
  part('name').textContent = served.id
  document.title = `${served.id} – burgeon`
  mayHaveSaved = true
  showSenses(served.senses)
  if (!isOther) return
  life = null
  clearFigures()
  clearDecisions()
  for (const each of document.querySelectorAll<HTMLElement>('.of-life')) each.hidden = !served.learns
  part('no-life').hidden = served.learns
  part('no-life').textContent =
    `${served.id} does not learn: it answers, and stays as it is. Serve the folder of a life, and this page shows it learn.`
  if (!served.learns) showModel(served.parameters, served.context)
}

/** Takes note of an event. Returns whether all of the life has to be asked for again. */
function heard(name: string, data: Json): boolean {
  if (life === null) return true
  if (name === 'step') {
    const step = data as unknown as StepJson
    if (addStep(life, step)) learnt(step.bytes)
  } else if (name === 'learner') addEvent(life, data as unknown as LifeEvent)
  else mayHaveSaved = true
  show()
  // What was decided, here or elsewhere, is shown at once; what fails now is asked for again with the rest.
  const isDecision = name === 'kept' || (name === 'learner' && String(data['kind']).startsWith('growth'))
  if (isDecision) void poll().catch(() => {})
  // A sense that has come is grown.
  if (name === 'learner' && data['kind'] === 'growth') void refreshSenses().catch(() => {})
  return name === 'rollback'
}

async function refreshSenses(): Promise<void> {
  const { data } = await ask<{ readonly data: readonly ModelJson[] }>('/v1/models')
  model = { ...model, senses: data[0].senses }
  showSenses(model.senses)
}

function setStatus(text: string, isLost: boolean): void {
  const status = part('status')
  // What is said already is not said again.
  if (status.textContent !== text) status.textContent = text
  status.classList.toggle('lost', isLost)
}

function connect(): void {
  connection.abort()
  connection = new AbortController()
  const listener = {
    ...{ met, heard, poll },
    async begin() {
      const record = await ask<RecordJson>('/v1/record')
      life = lifeOf(record)
      mayHaveSaved = true
      show()
      return record.last_event_id
    },
    connected: () => setStatus('Connected', false),
    lost: (why: string) => setStatus(`Not connected. ${why} It is tried again.`, true),
    locked({ status, message }: AskError) {
      setStatus('Locked', true)
      for (const id of ['open', 'parts', 'another-key']) part(id).hidden = true
      part('locked').hidden = false
      const wrong = status === 401 ? 'That key is not known here.' : `That key will not do: ${message}`
      part('key-why').textContent = hasKey() ? wrong : 'This server answers who has a key.'
      byId('key', HTMLInputElement).focus()
    },
  }
  void stayConnected(listener, connection.signal)
}

onSubmit('key-form', () => {
  const input = byId('key', HTMLInputElement)
  useKey(input.value)
  input.value = ''
  connect()
})
part('another-key').addEventListener('click', () => {
  useKey('')
  connect()
})
byId('keep', HTMLButtonElement).addEventListener('click', (event) => {
  void acting(event.currentTarget as HTMLButtonElement, keep)
})
onSubmit('teach-form', () => {
  const [text, domain] = [byId('lesson', HTMLTextAreaElement), byId('domain', HTMLInputElement)]
  const send = part('teach-form').querySelector('button') as HTMLButtonElement
  void acting(send, async () => {
    const { documents } = await ask<{ readonly documents: readonly LessonJson[] }>('/v1/learn', {
      ...{ text: text.value, domain: domain.value },
    })
    text.value = ''
    say(lessonText(documents[0]))
  })
})
// A link cannot carry a key; with one, the report is asked for here and kept as a file.
part('report').addEventListener('click', (event) => {
  if (!hasKey()) return
  event.preventDefault()
  void fetched('/v1/report')
    .then((response) => response.blob())
    .then(saveReport)
    .catch((error: unknown) => say((error as Error).message))
})

function saveReport(report: Blob): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(report)
  link.download = `${model.id}-report.html`
  link.click()
  URL.revokeObjectURL(link.href)
}

part('dismiss').addEventListener('click', () => say(''))
watchCourse()
watchTalk(() => model)
watchDrawing(() => model)
watchForetelling(() => model)
connect()
