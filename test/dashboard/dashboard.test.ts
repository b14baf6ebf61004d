/** The dashboard in Chromium: it shows what the life is, what is clicked happens, and text stays text. */
import { readFileSync } from 'node:fs'
import { serve } from '@burgeon/server'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { compileDashboard } from '../../scripts/pack-packages.ts'
import { withChromium } from '../browser/chromium.ts'
import { pageOf } from '../browser/serve-page.ts'
import { shortOrLong } from '../how-long.ts'
import { lifeFolder, servedLife, smallServed } from '../server/small-served.ts'
import { accessFaults, breakable, clientOf, faultsOf, openDashboard, servedFor } from './shown.ts'

const text = 'the quick brown fox jumps over the lazy dog. '.repeat(20)
const said = (page: Page, id: string): Promise<string> => page.innerText(`#${id}`)
/** A figure of the moment. */
const figure = (page: Page, name: string): Promise<string> =>
  page.locator('#now div').filter({ hasText: name }).locator('dd').innerText()

/** The parts of these pages are those of others, which are looked at in both. */
const someSchemes = shortOrLong(['dark'] as const, ['light', 'dark'] as const)

withChromium((open) => {
  beforeAll(compileDashboard)

  describe('the dashboard', () => {
    const { page } = open({ isolated: false, files: () => Promise.resolve(pageOf('')) })

    test('shows a life from nothing on: it learns, is kept, and goes back, by the keyboard alone', async () => {
      const served = await smallServed()
      const { client, url } = await servedFor(served)
      const faults = faultsOf(page())
      await openDashboard(page(), url)
      await page().getByText('Nothing has been learnt yet.').waitFor()
      expect(await figure(page(), 'Steps')).toBe('0')

      await page().getByLabel('Text', { exact: true }).fill(text)
      await page().getByLabel('Domain', { exact: true }).fill('foxes')
      await page().keyboard.press('Enter')
      await expect.poll(() => said(page(), 'said')).toMatch(/^Learnt: 899 B in 4 steps, at \d\.\d\d bits/)
      await expect.poll(() => figure(page(), 'Steps')).toBe('4')
      expect(await figure(page(), 'Learnt')).toBe('899 B')
      await page()
        .getByRole('row', { name: /^foxes 899 B 1 \d\.\d\d$/ })
        .waitFor()
      const loss = page().getByRole('img', {
        name: /^Loss before learning, over 899 B: 8\.\d\d bits per byte/,
      })
      await loss.waitFor()
      expect(await loss.locator('.curve').count()).toBe(1)
      // The slider reads the curve at any place.
      await page().getByLabel('A place in the course').focus()
      await page().keyboard.press('Home')
      await expect
        .poll(() => said(page(), 'reading'))
        .toMatch(/^At 0 B: 8\.\d\d bits per byte, [\d,]+ parameters, foxes$/)

      await page().getByRole('button', { name: 'Keep this moment' }).press('Enter')
      const all = page().getByRole('button', { name: /^Go back to checkpoint/ })
      const name = String(await all.getAttribute('aria-label'))
      const back = page().getByRole('button', { name, exact: true })
      const focused = (): Promise<unknown> => page().evaluate('document.activeElement.ariaLabel')
      await client.post('/v1/learn', { text, domain: '<img src=x onerror=alert(1)>' })
      await page().getByRole('cell', { name: '<img src=x onerror=alert(1)>' }).waitFor()
      expect(served.step()).toBe(8)
      // The focus stays where it is when a checkpoint comes from elsewhere.
      await back.focus()
      await client.post('/v1/checkpoints', {})
      await expect.poll(() => all.count()).toBe(2)
      expect(await focused()).toBe(name)
      // Escape, and Enter on what has the focus first, change nothing.
      for (const key of ['Escape', 'Enter']) {
        await back.press('Enter')
        await page().getByRole('dialog', { name }).waitFor()
        await page().keyboard.press(key)
        await page().getByRole('dialog').waitFor({ state: 'hidden' })
        expect(await focused()).toBe(name)
        // The page hears of it a moment later.
        await expect.poll(() => back.getAttribute('aria-disabled')).toBeNull()
      }
      expect(served.step()).toBe(8)
      await back.press('Enter')
      await page().getByRole('dialog', { name }).waitFor()
      await page().keyboard.press('Tab')
      await page().keyboard.press('Enter')
      await expect.poll(() => said(page(), 'said')).toMatch(/^It is back at checkpoint .*, step 4;/)
      expect(served.step()).toBe(4)
      await expect.poll(() => figure(page(), 'Steps')).toBe('4')
      await expect.poll(() => said(page(), 'event-list')).toMatch(/^rollback back to the checkpoint/)
      await expect.poll(() => all.count()).toBe(3)
      expect(faults).toEqual([])
    })

    test('grows when somebody approves, and shows it as it happens', async () => {
      // What learns nothing is on a plateau soon.
      const folder = await lifeFolder({ ...servedLife, plateau: 8, learningRate: 0, maxParameters: 9000 })
      const served = await smallServed(folder, false, { asks: true })
      const { client, url } = await servedFor(served)
      await openDashboard(page(), url)
      const waits = async (): Promise<void> => {
        for (let i = 0; i < 100 && served.growth?.waiting() === null; i++)
          await client.post('/v1/learn', { text })
      }
      await waits()
      const { size } = served.model.parameters
      await page().getByText('Waits for you:').waitFor()
      await page().getByRole('link', { name: 'Growth: 1 waits' }).click()
      await page()
        .getByText(/^From [\d.]+ k to [\d.]+ k parameters/)
        .waitFor()
      await page().getByRole('button', { name: 'Refuse' }).waitFor()
      expect(await accessFaults(page())).toEqual([])
      await page().getByRole('button', { name: 'Approve' }).click()
      await expect.poll(() => said(page(), 'said')).toMatch(/^Grown to [\d,]+ parameters\.$/)
      expect(served.model.parameters.size).toBeGreaterThan(size)
      const grown = served.model.parameters.size.toLocaleString('en')
      await expect.poll(() => figure(page(), 'Parameters')).toBe(grown)
      await page().locator('#size .mark.growth').waitFor({ state: 'attached' })
      await expect.poll(() => said(page(), 'growth-list')).toContain('1 growth so far')
      await page().getByText('Waits for you:').waitFor({ state: 'detached' })
      // The button has gone, and who pressed it stands where it was.
      await expect.poll(() => page().evaluate('document.activeElement.textContent')).toBe('Growth')
      await waits()
      await page().getByRole('button', { name: 'Refuse' }).click()
      await expect.poll(() => said(page(), 'said')).toBe('Refused.')
      expect(await figure(page(), 'Parameters')).toBe(grown)
    })

    test('says what an answer was written from; a thumb is the owner’s word, and learnt', async () => {
      const own = { ...servedLife, recall: 2 ** 18, feedback: 20 }
      const served = await smallServed(await lifeFolder(own))
      const { url, client } = await servedFor(served)
      await client.post('/v1/learn', { text: 'User: Where is it?\nAssistant: In the cellar.\n'.repeat(40) })
      await openDashboard(page(), url)
      await page().getByLabel('Message').fill('Where is it?')
      await page().keyboard.press('Enter')
      await page()
        .getByText(/^Recalled: “.*cellar.*” \(taught\)/)
        .waitFor()
      const step = served.step()
      await page().getByRole('button', { name: 'Bad' }).click()
      await page()
        .getByText(/^Learnt in 8 steps\./)
        .waitFor()
      expect([served.step(), served.rehearsed?.()]).toEqual([step, 8])
    })

    test('says why it gave an answer: of a life that rehearses, and of a model that does not learn', async () => {
      const folder = await lifeFolder()
      const served = await smallServed(folder)
      const { url, client } = await servedFor(served)
      const faults = faultsOf(page())
      await client.post('/v1/learn', { text: 'User: <i>Who</i>?\nAssistant: Me.\n'.repeat(20) })
      const step = served.step()
      const askWhy = async (address: string): Promise<void> => {
        await openDashboard(page(), address)
        await page().getByLabel('Message').fill('<i>Who</i>?')
        await page().keyboard.press('Enter')
        await page().getByRole('button', { name: 'Why?' }).click()
        await page()
          .getByText(/^Most speaks “/)
          .waitFor()
        expect(await page().locator('.why .read').innerText()).toContain('<i>Who</i>?')
        await page()
          .getByText(/likeliest answer/)
          .waitFor()
        expect(await page().getByText('What it rehearses that speaks most for it:').count()).toBe(
          address === url ? 1 : 0,
        )
      }
      await askWhy(url)
      expect(await page().locator('.why li').first().innerText()).toMatch(/Assistant.*\(taught\)$/s)
      expect(await accessFaults(page())).toEqual([])
      // Once it is told, the button folds it.
      await page().getByRole('button', { name: 'Why?', expanded: true }).click()
      await page()
        .getByText(/^Most speaks “/)
        .waitFor({ state: 'hidden' })
      expect(served.step()).toBe(step)
      const quiet = await servedFor(await smallServed(folder, true))
      await askWhy(quiet.url)
      expect(faults).toEqual([])
    })

    test('talks, and what is said of an answer has the effect that it tells', async () => {
      const served = await smallServed()
      const { url } = await servedFor(served)
      const faults = faultsOf(page())
      await openDashboard(page(), url)
      const asked: { messages: { content: string }[] }[] = []
      page().on('request', (request) => {
        if (request.url().endsWith('/chat/completions'))
          asked.push(request.postDataJSON() as (typeof asked)[0])
      })
      const send = async (message: string): Promise<void> => {
        await page().getByLabel('Message').fill(message)
        await page().keyboard.press('Enter')
        await page().getByRole('button', { name: 'Send' }).waitFor()
      }
      await send('<b>Hi</b>')
      const [first] = await page().locator('#messages .text').all()
      expect(await first.innerText()).toBe('<b>Hi</b>')
      await page().getByRole('button', { name: 'Bad' }).click()
      await page().getByText('Written down. It has no other effect yet.').waitFor()
      expect(await page().getByRole('button', { name: 'Good' }).isDisabled()).toBe(true)
      expect(served.step()).toBe(0)
      await page().getByRole('button', { name: 'Correct…' }).click()
      await page().getByLabel('What it should have said').fill('Good day to you.')
      await page().getByRole('button', { name: 'Teach this' }).click()
      await page()
        .getByText(/^Learnt: \d+ B in 1 step/)
        .waitFor()
      expect(served.step()).toBe(1)
      // All of the talk is sent as far as it fits, and room for an answer is left: here, two short messages.
      for (let i = 0; i < 3; i++) {
        await send(`M${i}`)
        await expect.poll(() => page().locator('#messages .its').count()).toBe(i + 2)
      }
      expect(asked.length).toBeGreaterThanOrEqual(4)
      expect(asked[0].messages.map(({ content }) => content)).toEqual(['<b>Hi</b>'])
      expect(asked.at(-1)?.messages.at(-1)?.content).toBe('M2')
      expect(asked.every(({ messages }) => messages.length <= 3)).toBe(true)
      expect(await page().getByText('the context of this model').count()).toBe(0)
      expect(await accessFaults(page())).toEqual([])
      // What is stopped before it begins is no part of the talk.
      await page().route('**/v1/chat/completions', () => {}, { times: 1 })
      const isHeld = page().waitForRequest('**/v1/chat/completions')
      await page().getByLabel('Message').fill('Never')
      await page().getByRole('button', { name: 'Send' }).click()
      await isHeld
      await page().getByRole('button', { name: 'Stop' }).click()
      await page().getByText('Stopped.').waitFor()
      await send('M4')
      expect(asked.at(-1)?.messages.map(({ content }) => content)).not.toContain('Never')
      await page().getByRole('button', { name: 'Begin anew' }).click()
      expect(await page().locator('#messages').isVisible()).toBe(false)
      expect(faults).toEqual([])
    })

    test('shows after a reload what it showed, and a break loses nothing', async () => {
      const served = await smallServed()
      const { client, port } = await servedFor(served)
      const way = await breakable(port)
      const records: string[] = []
      page().on('request', (request) => {
        if (request.url().endsWith('/v1/record')) records.push(request.url())
      })
      await client.post('/v1/learn', { text, domain: 'foxes' })
      await openDashboard(page(), way.url)
      const shown = (): Promise<readonly string[]> =>
        Promise.all(['Steps', 'Learnt', 'Parameters', 'Bits per byte'].map((name) => figure(page(), name)))
      await expect.poll(() => figure(page(), 'Steps')).toBe('4')
      const before = await shown()
      await page().reload()
      await expect.poll(shown).toEqual(before)
      await page().getByText('Connected', { exact: true }).waitFor()
      records.length = 0
      way.cut()
      await page()
        .getByText(/^Not connected\. The/)
        .waitFor()
      await page().getByRole('button', { name: 'Keep this moment' }).click()
      await expect.poll(() => said(page(), 'said')).toBe('The server cannot be reached.')
      await client.post('/v1/learn', { text, domain: 'foxes' })
      way.mend()
      await page().getByText('Connected', { exact: true }).waitFor()
      await expect.poll(() => figure(page(), 'Steps')).toBe('8')
      expect(await figure(page(), 'Learnt')).toBe('1.8 kB')
      // What was missed was heard, and not asked for as a whole.
      expect(records).toEqual([])
    })

    test('finds a server again that ends and begins, with the life of then', async () => {
      const folder = await lifeFolder()
      const first = await serve(await smallServed(folder), { port: 0 })
      await clientOf(first.url).post('/v1/learn', { text })
      await openDashboard(page(), first.url)
      await expect.poll(() => figure(page(), 'Steps')).toBe('4')
      await first.close()
      await page()
        .getByText(/^Not connected/)
        .waitFor()
      const served = await smallServed(folder)
      const { client } = await servedFor(served, { port: first.port })
      await client.post('/v1/learn', { text })
      await page().getByText('Connected', { exact: true }).waitFor()
      await expect.poll(() => figure(page(), 'Steps')).toBe('8')
      await client.post('/v1/learn', { text })
      await expect.poll(() => figure(page(), 'Steps')).toBe('12')
    })

    test('asks for a key where there are some, says that one will not do, and forgets it', async () => {
      const key = { key: 'admin-key-of-sixteen-and-more', scopes: ['read', 'teach', 'admin'] as const }
      const reader = { key: 'read-key-of-sixteen-and-more', scopes: ['read'] as const }
      const { client, url } = await servedFor(await smallServed(), { keys: [key, reader] })
      await client.post('/v1/learn', { text })
      const enter = async (own: string): Promise<void> => {
        await page().getByLabel('Key of this server').fill(own)
        await page().keyboard.press('Enter')
      }
      await page().goto(url)
      await page().getByText('This server answers who has a key.').waitFor()
      expect(await page().getByRole('link').count()).toBe(0)
      expect(await page().locator('main').innerText()).not.toContain('Prequential loss')
      expect(await accessFaults(page(), someSchemes)).toEqual([])
      await enter('a-wrong-key-of-sixteen')
      await page().getByText('That key is not known here.').waitFor()
      await enter(reader.key)
      await expect.poll(() => figure(page(), 'Steps')).toBe('4')
      await page().getByRole('button', { name: 'Keep this moment' }).click()
      await expect.poll(() => said(page(), 'said')).toBe('this key does not allow to admin.')
      const download = page().waitForEvent('download')
      await page().getByRole('link', { name: 'Report' }).click()
      expect(readFileSync(await (await download).path(), 'utf8')).toContain('The life life')
      await page().getByRole('button', { name: 'Another key' }).click()
      await enter(key.key)
      await page().getByRole('button', { name: 'Keep this moment' }).click()
      await expect.poll(() => said(page(), 'said')).toMatch(/^Step 4 is kept/)
      expect(await page().evaluate('JSON.stringify([localStorage, sessionStorage, document.cookie])')).toBe(
        '[{},{},""]',
      )
      await page().reload()
      await page().getByText('This server answers who has a key.').waitFor()
    })

    test('says of a model that does not learn that it does not, and talks with it', async () => {
      const { url } = await servedFor(await smallServed(undefined, true))
      const faults = faultsOf(page())
      await openDashboard(page(), url)
      await page().getByText('life does not learn: it answers, and stays as it is.').waitFor()
      for (const name of ['Prequential loss', 'Checkpoints', 'Teach it a text'])
        expect(await page().getByRole('heading', { name }).isVisible(), name).toBe(false)
      await page().getByLabel('Message').fill('Hello')
      await page().getByRole('button', { name: 'Send' }).click()
      await expect.poll(() => said(page(), 'answered')).toMatch(/^life: /)
      expect(await page().getByRole('button', { name: 'Good' }).count()).toBe(0)
      expect(await accessFaults(page(), someSchemes)).toEqual([])
      expect(faults).toEqual([])
    })

    test('fits a telephone', async () => {
      const { client, url } = await servedFor(await smallServed())
      await client.post('/v1/learn', { text, domain: 'a-name-without-a-space-'.repeat(4) })
      const before = page().viewportSize()
      onTestFinished(async () => {
        if (before !== null) await page().setViewportSize(before)
      })
      await page().setViewportSize({ width: 360, height: 740 })
      await openDashboard(page(), url)
      await page().getByRole('img', { name: /^Loss/ }).waitFor()
      expect(await page().evaluate('document.documentElement.scrollWidth')).toBe(360)
    })

    test('takes a connection on which nothing is heard for a dead one, and makes another', async () => {
      const { client, url } = await servedFor(await smallServed())
      await page().clock.install()
      const follows: string[] = []
      page().on('request', (request) => {
        if (request.url().endsWith('/v1/events')) follows.push(request.url())
      })
      await openDashboard(page(), url)
      await page().clock.fastForward(50_000)
      await expect.poll(() => follows.length).toBe(2)
      await client.post('/v1/learn', { text })
      await expect.poll(() => figure(page(), 'Steps')).toBe('4')
    })
  })
})
