/** Policy, approvals and the stop switch of a life on disk, by the command line and over HTTP. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'

import {
  decideApproval,
  heldPolicy as held,
  openRequests,
  learnRecords,
  type LifeSettings,
  loadLife,
  recordsFrom,
  releaseLife,
  sleepLife,
  stopLife,
} from 'burgeon/session'
import type { Policy } from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../docs/programs.ts'
import { called } from '../front-door/small-life.ts'
import { asking, lifeFolder, servedLife, smallServed } from '../server/small-served.ts'

const text = 'the quick brown fox jumps over the lazy dog. '.repeat(20)

/** The weights of a life as they are on disk. */
async function bitsOf(folder: string): Promise<string> {
  const { learner } = await loadLife(nodeDisk(folder))
  const bits = [...learner.model.parameters].map(
    ({ path, tensor }) => `${path}: ${[...tensor.readSync()].join()}`,
  )
  return bits.join('\n')
}

const file = (name: string, content: string): string => {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, content)
  return path
}

describe('a policy', () => {
  test('comes from a file, stays with the life, and its digest is what inspect shows', async () => {
    const rules: Policy = { learn: { personalData: 'redact' }, grow: { maxParameters: 900_000 } }
    const policy = file('policy.json', JSON.stringify(rules, null, 2))
    const source = file('notes.txt', `${text}carol.canary@mail.example.org is away. ${text.repeat(10)}`)
    const life = join(temporaryFolder(), 'life')
    await called(['learn', source, '--policy', policy, '--out', life, '--vocabulary', '256'])
    const { settings, learner } = await loadLife(nodeDisk(life))
    expect(settings.policy).toEqual(held(rules))
    expect(learner.budget).toEqual({ parameters: 900_000 })
    const { digest } = held(rules)
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    expect(
      held(JSON.parse('{"grow":{"maxParameters":900000},"learn":{"personalData":"redact"}}') as Policy)
        .digest,
    ).toBe(digest)
    expect(held({ ...rules, say: {} }).digest).not.toBe(digest)
    expect((await called(['inspect', life])).output).toContain(digest)
    expect(JSON.parse((await called(['inspect', life, '--json'])).output)).toMatchObject({ policy: digest })
    const bytes = readdirSync(life, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .map((one) => readFileSync(join(one.parentPath, one.name), 'latin1'))
    expect(bytes.join('')).not.toContain('canary')
    expect(bytes.join('')).toContain(digest)
  })
  test('that is wrong is refused with its file, line and field, and nothing is learnt', async () => {
    const source = file('notes.txt', text)
    const life = join(temporaryFolder(), 'life')
    const learn = (policy: string) => called(['learn', source, '--policy', policy, '--out', life])
    const wrong = file('policy.json', '{\n  "say": { "patterns": ["a*"] }\n}')
    await expect(learn(wrong)).rejects.toThrow(
      /policy\.json: policy: line 2: say\.patterns\[0\]: .*without end/,
    )
    await expect(learn(join(life, 'none.json'))).rejects.toThrow(/cannot be read/)
    expect(existsSync(life)).toBe(false)
  })
  test('whose rules were changed in the checkpoint is refused', async () => {
    const settings = { ...servedLife, policy: { ...held({}), rules: { say: { phrases: ['fox'] } } } }
    await expect(lifeFolder(settings)).rejects.toThrow(/policy/)
  })
  test('stays behind when the model is converted, and that is said', async () => {
    const to = (): string => join(temporaryFolder(), 'converted')
    const silent = await lifeFolder({ ...servedLife, policy: held({ say: { phrases: ['fox'] } }) })
    expect((await called(['convert', silent, to(), '--to', 'checkpoint'])).status).toContain('stays behind')
    const open = await lifeFolder({ ...servedLife, policy: held({ learn: { personalData: 'redact' } }) })
    expect((await called(['convert', open, to(), '--to', 'checkpoint'])).status).not.toContain('stays behind')
  })
  test('filters what the life says, by every way', async () => {
    const rules: Policy = { say: { phrases: ['a', 'e', 'o'], patterns: ['[q-z]{1,3}'], personalData: true } }
    const life = await lifeFolder({ ...servedLife, policy: held(rules) })
    const { ask } = await asking({}, await smallServed(life))
    await ask('/v1/learn', { text })
    const forbidden = /[aeoAEOq-z]/
    const own = (said: string): string => said.replaceAll(/\[withheld\]/g, '')
    const how = { model: 'life', max_tokens: 40, temperature: 0.9, seed: 3 }
    const completion = await ask('/v1/completions', { ...how, prompt: 'the ', n: 3 })
    const choices = completion.json['choices'] as readonly { text: string }[]
    expect(choices).toHaveLength(3)
    for (const choice of choices) expect(own(choice.text)).not.toMatch(forbidden)
    expect(choices.map((choice) => choice.text).join('')).toContain('[withheld]')
    const chat = await ask('/v1/chat/completions', { ...how, messages: [{ role: 'user', content: 'Hi' }] })
    const [{ message }] = chat.json['choices'] as readonly { message: { content: string } }[]
    expect(own(message.content)).not.toMatch(forbidden)
    const streamed = await ask('/v1/completions', { ...how, prompt: 'the ', stream: true })
    const parts = String(streamed.json['text']).matchAll(/"text":"((?:[^"\\]|\\.)*)"/g)
    const whole = [...parts].map(([, part]) => JSON.parse(`"${part}"`) as string).join('')
    expect(whole).toBe(choices[0].text)
    const said = await ask('/v1/completions', { ...how, prompt: 'the ', logprobs: 2 })
    expect(said).toMatchObject({ status: 400, json: { error: { code: 'filtered', param: 'logprobs' } } })
    const generated = await called([
      'generate',
      '--from',
      life,
      '-p',
      'the ',
      '-n',
      '40',
      '--seed',
      '3',
      '--json',
    ])
    const { text: written } = JSON.parse(generated.output) as { text: string }
    expect(own(written)).not.toMatch(forbidden)
    const talked = await called(['chat', '--from', life, '-n', '30', '--json'], { input: 'Hi\nHo\n' })
    for (const line of talked.output.trim().split('\n')) {
      expect(own((JSON.parse(line) as { content: string }).content)).not.toMatch(forbidden)
    }
    const open = await called(['generate', '--from', await lifeFolder(), '-p', 'the ', '-n', '40', '--json'])
    expect((JSON.parse(open.output) as { text: string }).text).toMatch(forbidden)
  })
})

describe('what the policy has somebody approve', () => {
  const rules: Policy = { approve: { forget: true, policy: true, budget: true, growthAbove: 0 } }
  const settings: LifeSettings = { ...servedLife, policy: held(rules), plateau: 8, maxParameters: 9000 }
  async function* records() {
    yield { id: '1', text, domain: 'notes' }
  }
  const approve = (...args: readonly string[]) => called(['approve', ...args])

  test('is listed, decided by somebody, once, and on record', async () => {
    const life = await lifeFolder(settings)
    expect((await approve(life)).output).toBe('Nothing waits.\n')
    await learnRecords(life, recordsFrom('broker', records()))
    const forget = ['forget', '--from', life, '--source', 'broker', '--json']
    const { waiting } = JSON.parse((await called(forget)).output) as { waiting: string }
    expect(waiting).toMatch(/^forget-/)
    const file = join(life, 'approvals.jsonl')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect((await approve(life)).output).toContain(`${waiting}  forget broker`)
    // Nothing happened, and it waits on.
    expect(JSON.parse((await called(forget)).output)).toEqual({ from: life, waiting })
    await expect(approve(life, waiting)).rejects.toThrow(/--by/)
    await expect(approve(life, 'forget-0', '--by', 'anna')).rejects.toThrow(/does not wait/)
    await approve(life, waiting, '--by', 'anna')
    await expect(approve(life, waiting, '--by', 'bob')).rejects.toThrow(/anna has decided/)
    expect(JSON.parse((await called(forget)).output)).toMatchObject({ experiences: 1 })
    // Once: the next time somebody is asked again.
    expect(JSON.parse((await called(forget)).output)).toMatchObject({ waiting })
    expect(readFileSync(file, 'utf8')).toMatch(/"by":"anna"/)
  })
  test('waits as another policy or a larger budget, and the life goes on as it was', async () => {
    const life = await lifeFolder(settings)
    const other = file('other.json', '{}')
    const source = file('notes.txt', text)
    const learn = (...more: readonly string[]) =>
      called([
        'learn',
        source,
        '--append',
        '--out',
        life,
        '--policy',
        other,
        '--max-parameters',
        '9500',
        ...more,
      ])
    const { status } = await learn()
    expect(status).toMatch(/waits for approval/)
    const now = async () => (await loadLife(nodeDisk(life))).settings
    expect(await now()).toMatchObject({ maxParameters: 9000, policy: held(rules) })
    expect((await loadLife(nodeDisk(life))).learner.step).toBeGreaterThan(0)
    const [first, second] = openRequests(life)
    expect([first.kind, second.kind]).toEqual(['budget', 'policy'])
    await approve(life, first.id, '--by', 'anna')
    await approve(life, second.id, '--by', 'anna', '--refuse')
    expect((await learn()).status).toMatch(/was refused by anna/)
    expect(await now()).toMatchObject({ maxParameters: 9500, policy: held(rules) })
    // A smaller budget is nobody's to approve.
    await called(['learn', source, '--append', '--out', life, '--max-parameters', '8000'])
    expect((await now()).maxParameters).toBe(8000)
  })
  test('waits as growth, over a restart, while the life learns on, until somebody says yes', async () => {
    const life = await lifeFolder(settings)
    const learnt = async (served: Awaited<ReturnType<typeof smallServed>>) => {
      const { ask } = await asking({}, served)
      return { ask, json: (await ask('/v1/learn', { text: text.repeat(3) })).json }
    }
    const served = await smallServed(life)
    const { size } = served.model.parameters
    let first = await learnt(served)
    for (let lessons = 1; openRequests(life).length === 0 && lessons < 40; lessons++)
      first = await learnt(served)
    const [request] = openRequests(life)
    expect(request).toMatchObject({ kind: 'growth', decision: null })
    expect(first.json['parameters']).toBe(size)
    // Another process takes it up, and says so over HTTP.
    const again = await smallServed(life)
    const { ask, json } = await learnt(again)
    expect(json['parameters']).toBe(size)
    expect(Number(json['step'])).toBeGreaterThan(Number(first.json['step']))
    const control = await ask('/v1/control')
    expect(control.json).toMatchObject({ stopped: null, policy: held(rules).digest })
    expect(control.json['waiting']).toEqual([{ id: request.id, kind: 'growth', summary: request.summary }])
    const body = { decision: 'approve', by: 'anna' }
    expect((await ask('/v1/control/approvals/growth-0', body)).status).toBe(404)
    expect((await ask(`/v1/control/approvals/${request.id}`, body)).json['waiting']).toEqual([])
    const grown = await ask('/v1/learn', { text })
    expect(grown.json['parameters']).toBeGreaterThan(size)
  })
  test('keeps what was decided though a line was cut off', async () => {
    const life = await lifeFolder(settings)
    const forget = ['forget', '--from', life, '--source', 'broker', '--json']
    await learnRecords(life, recordsFrom('broker', records()))
    const { waiting } = JSON.parse((await called(forget)).output) as { waiting: string }
    const file = join(life, 'approvals.jsonl')
    writeFileSync(file, `${readFileSync(file, 'utf8')}{"id":"forget-1","ki`)
    await decideApproval(life, waiting, { decision: 'approve', by: 'anna' })
    expect(openRequests(life)).toMatchObject([{ id: waiting, decision: 'approve', by: 'anna' }])
  })
})

describe('the stop switch', () => {
  const settings: LifeSettings = { ...servedLife, feedback: 20, memoryRows: 200 }
  test('keeps every way from changing the weights, over restarts, until it is released; the life answers', async () => {
    const life = await lifeFolder(settings)
    const before = await smallServed(life)
    const { ask } = await asking({}, before)
    await ask('/v1/learn', { text })
    const source = file('notes.txt', text)
    await called(['stop', life, '--by', 'anna'])
    const bits = await bitsOf(life)
    const refused = { status: 409, json: { error: { code: 'stopped' } } }
    for (const again of [{ ask }, await asking({}, await smallServed(life))]) {
      expect(await again.ask('/v1/learn', { text })).toMatchObject(refused)
      expect(await again.ask('/v1/growth', { request: { kind: 'addLayer', at: 1 } })).toMatchObject(refused)
      expect(await again.ask('/v1/checkpoints/1/rollback', {})).toMatchObject(refused)
      const feedback = { prompt: 'Hi', completion: ' Ho', score: 1 }
      expect(await again.ask('/v1/feedback', feedback)).toMatchObject(refused)
      const answer = await again.ask('/v1/completions', { model: 'life', prompt: 'the', max_tokens: 4 })
      expect(answer.status).toBe(200)
      expect((await again.ask('/v1/control')).json).toMatchObject({ stopped: { by: 'anna' } })
    }
    await expect(called(['learn', source, '--append', '--out', life])).rejects.toThrow(/stopped by anna/)
    await expect(learnRecords(life, recordsFrom('x', (async function* () {})()))).rejects.toThrow(
      /stopped by anna/,
    )
    await expect(sleepLife(life)).rejects.toThrow(/stopped by anna/)
    const talk = await called(['chat', '--from', life, '-n', '3'], { input: 'Hi\n/better Ho\n' })
    expect(talk.status).toMatch(/stopped by anna/)
    expect(await bitsOf(life)).toBe(bits)
    expect((await called(['stop', life, '--release', '--json'])).output).toBe(
      `{"folder":"${life}","stopped":null}\n`,
    )
    expect((await ask('/v1/learn', { text })).status).toBe(200)
    expect(await bitsOf(life)).not.toBe(bits)
  })
  test('ends learning within a step: no step is made after it', async () => {
    const life = await lifeFolder(settings)
    let [steps, after] = [0, 0]
    async function* records() {
      for (let i = 0; i < 60; i++) yield { id: String(i), text: `${i}: ${text}`, domain: 'notes' }
    }
    const done = await learnRecords(life, recordsFrom('endless', records()), {
      onStep() {
        steps++
        if (steps === 5) writeFileSync(join(life, 'stop'), '')
        if (steps > 5) after++
      },
    })
    expect([done, steps, after]).toEqual([false, 5, 0])
    const { learner } = await loadLife(nodeDisk(life))
    expect(learner.step).toBe(5)
    // An empty file, and one that cannot be read, have stopped it, too.
    await expect(learnRecords(life, recordsFrom('endless', records()))).rejects.toThrow(/stopped by somebody/)
    expect(await releaseLife(life)).toMatchObject({ by: 'somebody' })
    mkdirSync(join(life, 'stop'))
    await expect(sleepLife(life)).rejects.toThrow(/stopped/)
  })
  test('over HTTP wants the key of an admin', async () => {
    const life = await lifeFolder(settings)
    const keys = (['read', 'teach', 'admin'] as const).map((scope) => ({
      key: `${scope}-0123456789abcdef`,
      scopes: [scope],
    }))
    const { ask } = await asking({ keys }, await smallServed(life))
    const as = (scope: string) => ({ authorization: `Bearer ${scope}-0123456789abcdef` })
    for (const scope of ['read', 'teach']) {
      for (const path of ['/v1/control/stop', '/v1/control/release', '/v1/control/approvals/x']) {
        expect((await ask(path, { by: 'eve', decision: 'approve' }, as(scope))).status).toBe(403)
      }
    }
    expect((await ask('/v1/control/stop', { by: 'anna' }, as('admin'))).json).toMatchObject({
      stopped: { by: 'anna' },
    })
    expect((await ask('/v1/learn', { text }, as('teach'))).status).toBe(409)
    expect((await ask('/v1/control/release', { by: 'anna' }, as('admin'))).json).toMatchObject({
      stopped: null,
    })
    expect((await ask('/v1/learn', { text }, as('teach'))).status).toBe(200)
    const { ask: model } = await asking({}, await smallServed(life, true))
    expect((await model('/v1/control')).status).toBe(409)
  })
  test('says what is wrong with how it is called', async () => {
    await expect(called(['stop', join(temporaryFolder(), 'none')])).rejects.toThrow(/no folder/)
    await expect(called(['approve', join(temporaryFolder(), 'none')])).rejects.toThrow(/no folder/)
    await expect(called(['approve', temporaryFolder(), '--by', 'anna'])).rejects.toThrow(/without a request/)
    await expect(stopLife('', { by: 'anna' })).rejects.toThrow(/folder/)
    const none = join(temporaryFolder(), 'none')
    await expect(stopLife(none, { by: 'anna' })).rejects.toThrow(OptionError)
    expect(existsSync(none)).toBe(false)
  })
})
