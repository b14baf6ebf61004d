/** Pictures and sound on the dashboard: sent, drawn, and shown as what they are. */
import { writeWav } from '@burgeon/senses'
import { writePng } from '@burgeon/senses/node'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { compileDashboard } from '../../scripts/pack-packages.ts'
import { withChromium } from '../browser/chromium.ts'
import { pageOf } from '../browser/serve-page.ts'
import { picture, sensibleServed, sound, table } from '../server/sensible-served.ts'
import { smallServed } from '../server/small-served.ts'
import { accessFaults, faultsOf, openDashboard, servedFor } from './shown.ts'

const png = Buffer.from(writePng({ ...picture(8), channels: 1 }))
const wav = Buffer.from(writeWav(sound))

/** Width of each picture below an element, once it is decoded. */
const widths = (page: Page, place: string): Promise<number[]> =>
  page.evaluate<number[]>(`Promise.all([...document.querySelectorAll('${place} img')].map((image) =>
    image.decode().then(() => image.naturalWidth)))`)

/** Milliseconds of each sound below an element; −1 of one that cannot be heard. */
const lengths = (page: Page, place: string): Promise<number[]> =>
  page.evaluate<number[]>(`Promise.all([...document.querySelectorAll('${place} audio')].map((audio) =>
    new Promise((resolve) => {
      const tell = () => resolve(audio.error ? -1 : Math.round(1000 * audio.duration))
      if (audio.readyState > 0 || audio.error) return tell()
      for (const name of ['loadedmetadata', 'error']) audio.addEventListener(name, tell)
    })))`)

withChromium((open) => {
  beforeAll(compileDashboard)

  describe('the dashboard', () => {
    const { page } = open({ isolated: false, files: () => Promise.resolve(pageOf('')) })

    test('shows what is sent with a message, and sends it', async () => {
      const { url } = await servedFor(await sensibleServed())
      const faults = faultsOf(page())
      await openDashboard(page(), url)
      const name = '<img src=x onerror=alert(1)>.png'
      await page()
        .getByLabel('Pictures (PNG) and sound (WAV)')
        .setInputFiles([
          { name, mimeType: 'image/png', buffer: png },
          { name: 'a tone.wav', mimeType: 'audio/wav', buffer: wav },
        ])
      await page().getByLabel('Message').fill('This?')
      const asked = page().waitForRequest(/chat\/completions/)
      await page().keyboard.press('Enter')
      const { messages } = JSON.parse((await asked).postData() ?? '') as { messages: { content: unknown }[] }
      expect(messages[0].content).toEqual([
        { type: 'text', text: 'This?' },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${png.toString('base64')}` } },
        { type: 'input_audio', input_audio: { data: wav.toString('base64'), format: 'wav' } },
      ])
      await expect.poll(() => page().innerText('#answered')).toMatch(/^life: /)
      expect(await widths(page(), '.mine')).toEqual([8])
      expect(await lengths(page(), '.mine')).toEqual([10])
      expect(await page().innerText('.mine')).toContain(name)
      // They were sent, and are not sent again.
      expect(await page().inputValue('#files')).toBe('')
      expect(await accessFaults(page())).toEqual([])
      expect(faults).toEqual([])
    })

    test('draws, and shows it as a picture and as sound', async () => {
      const { url } = await servedFor(await sensibleServed())
      const faults = faultsOf(page())
      await openDashboard(page(), url)
      await page().getByLabel('Called').fill('<b>dot</b>')
      await page().keyboard.press('Enter')
      await expect.poll(() => widths(page(), '#drawn')).toEqual([8])
      expect(await page().innerText('#drawn')).toBe('<b>dot</b> (grey/1 8×8)')
      await page().getByLabel('Called').fill('')
      await page().getByLabel('Sense').selectOption('pcm8/1')
      await page().getByRole('button', { name: 'Draw' }).click()
      await expect.poll(() => lengths(page(), '#drawn')).toHaveLength(1)
      expect((await lengths(page(), '#drawn'))[0]).toBeGreaterThan(50)
      // The latest comes first.
      expect(await page().locator('#drawn > :first-child audio').count()).toBe(1)
      // What cannot be drawn is said.
      await page().getByLabel('Called').fill('tone')
      await page().keyboard.press('Enter')
      await expect.poll(() => page().innerText('#said')).toContain('grown with a share')
      expect(faults).toEqual([])
    })

    test('tells what comes next in a table, as lines', async () => {
      const { url } = await servedFor(await sensibleServed())
      const faults = faultsOf(page())
      await openDashboard(page(), url)
      const buffer = Buffer.from(table.replace('degrees', '<b>degrees</b>'))
      await page().getByLabel('Table (CSV)').setInputFiles({ name: 'hall.csv', mimeType: 'text/csv', buffer })
      await page().getByLabel('Moments ahead').fill('5')
      await page().keyboard.press('Enter')
      const drawing = page().getByRole('img', { name: /^<b>degrees<\/b>: from [\d.]+ to .* in 5 moments$/ })
      await drawing.waitFor()
      const path = async (kind: string): Promise<string> =>
        String(await drawing.locator(`.${kind}`).getAttribute('d'))
      // 39 numbers around one that is missing.
      expect((await path('raw')).match(/[ML]/g)).toHaveLength(39)
      expect((await path('raw')).match(/M/g)).toHaveLength(2)
      expect((await path('curve')).match(/[ML]/g)?.length).toBeGreaterThan(0)
      expect(await accessFaults(page())).toEqual([])
      expect(faults).toEqual([])
    })

    test('sends no file of another form, and a model of text is offered none', async () => {
      const { url } = await servedFor(await sensibleServed())
      await openDashboard(page(), url)
      const files = [{ name: 'a.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg/>') }]
      await page().getByLabel('Pictures (PNG) and sound (WAV)').setInputFiles(files)
      await page().getByLabel('Message').fill('This?')
      await page().keyboard.press('Enter')
      await expect.poll(() => page().innerText('#said')).toContain('a.svg is neither a picture')
      expect(await page().inputValue('#message')).toBe('This?')
      const other = await servedFor(await smallServed())
      await openDashboard(page(), other.url)
      for (const id of ['#attach', '#draw', '#foretell']) expect(await page().isVisible(id)).toBe(false)
    })
  })
})
