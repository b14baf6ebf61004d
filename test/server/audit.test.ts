/** The audit log over HTTP: every answer tells its head, and whoever keeps one can ask for proofs. */
import {
  type AuditHead,
  checkConsistency,
  type ConsistencyProof,
  type InclusionProof,
} from '@burgeon/continual'
import { checkLearnt, learnRecords, recordsFrom } from 'burgeon/session'
import { expect, test } from 'vitest'
import { asking, lifeFolder, servedLife, smallServed } from './small-served.ts'

async function* notes() {
  for (let i = 0; i < 3; i++) yield { id: `${i}`, text: `note ${i}: it rained all day long`, domain: 'diary' }
}

/** A head as it is told. */
function headFrom(text: string): AuditHead {
  const [root, size] = text.split(':')
  return { root, size: Number(size) }
}

const served = async () => {
  const folder = await lifeFolder({ ...servedLife, feedback: 10 })
  await learnRecords(folder, recordsFrom('anna', notes()))
  return asking({}, await smallServed(folder))
}

test('each client is a witness: the head is with every answer, and each log begins with those before it', async () => {
  const { ask, app } = await served()
  const headOf = async (path: string, body?: object): Promise<string> =>
    (await ask(path, body)).headers.get('x-burgeon-audit') ?? 'none'
  const first = await headOf('/v1/models')
  expect(await headOf('/health')).toBe(first)
  expect(await headOf('/v1/completions', { model: 'life', prompt: 'it ', max_tokens: 3 })).toBe(first)
  const second = await headOf('/v1/learn', { text: 'The boiler is in the cellar. '.repeat(4) })
  expect(headFrom(second).size).toBeGreaterThan(headFrom(first).size)
  const { json } = await ask(`/v1/audit?since=${headFrom(first).size}`)
  const proof = json as unknown as ConsistencyProof & { readonly object: string }
  expect(proof).toMatchObject({ first: headFrom(first), second: headFrom(second) })
  const { object: _, ...bare } = proof
  expect(checkConsistency(bare)).toBe(true)
  expect((await ask('/v1/audit')).json).toEqual({ object: 'audit', ...headFrom(second) })
  for (const wrong of ['9999', 'abc', '-1', '1e3']) {
    const { status, json: failed } = await ask(`/v1/audit?since=${wrong}`)
    expect([status, failed.error?.code]).toEqual([400, 'no_such_size'])
  }
  await app.drain()
})

test('whoever asks gets a proof that an experience was learnt, without what names its text', async () => {
  const { ask } = await served()
  const { json } = await ask('/v1/audit/experiences/2')
  const { object: _, ...proof } = json as unknown as InclusionProof & { readonly object: string }
  expect(Object.keys(proof).toSorted()).toEqual(['entry', 'head', 'index', 'path', 'since'])
  expect(JSON.parse(proof.entry)).toMatchObject({ kind: 'learnt', data: { id: 2, bytes: 30 } })
  expect(checkLearnt({ ...proof, opening: null, since: [] }).holds).toBe(true)
  for (const wrong of ['3', 'x']) {
    expect((await ask(`/v1/audit/experiences/${wrong}`)).status).toBe(404)
  }
})

test('a model that is no life has no log', async () => {
  const { ask } = await asking({}, await smallServed(await lifeFolder(), true))
  expect((await ask('/v1/audit')).status).toBe(409)
  expect((await ask('/v1/models')).headers.get('x-burgeon-audit')).toBe(null)
})
