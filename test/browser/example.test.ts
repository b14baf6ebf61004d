/** The page of `examples/browser` as people use it: it learns, grows, writes, is reloaded and goes on. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { build } from 'vite'
import { describe, expect, test } from 'vitest'
import { compilePackages, root } from '../../scripts/pack-packages.ts'
import { shortOrLong } from '../how-long.ts'
import { withChromium } from './chromium.ts'
import { filesIn, type SiteFiles } from './serve-page.ts'

const example = join(root, 'examples/browser')

/** The page as `vite build` makes it. */
async function builtExample(): Promise<SiteFiles> {
  compilePackages()
  const outDir = mkdtempSync(join(tmpdir(), 'burgeon-example-'))
  await build({
    ...{ root: example, configFile: join(example, 'vite.config.ts'), logLevel: 'silent' },
    build: { outDir, emptyOutDir: true },
  })
  const files = filesIn(outDir)
  rmSync(outDir, { recursive: true })
  return files
}

const said = (page: Page, id: string): Promise<string> => page.innerText(`#${id}`)
const numberIn = async (page: Page, id: string): Promise<number> =>
  Number((await said(page, id)).replaceAll(',', ''))
const isReady = (page: Page): Promise<unknown> =>
  page.waitForFunction('!document.getElementById("beginning").disabled')
/** Learns this many steps more, by the keyboard alone, and pauses. */
async function learn(page: Page, steps: number): Promise<void> {
  const before = await numberIn(page, 'step')
  await page.focus('#go')
  await page.keyboard.press('Enter')
  await page.waitForFunction(`Number(document.getElementById('step').textContent) >= ${before + steps}`)
  await page.focus('#pause')
  await page.keyboard.press('Enter')
  await page.waitForFunction('document.getElementById("status").textContent.startsWith("Saved at step")')
}

withChromium((open) => {
  describe('the page of examples/browser', () => {
    const { page, another } = open({ isolated: true, files: builtExample })

    test('opens with a model that knows nothing, and says what computes', async () => {
      await isReady(page())
      expect(await said(page(), 'status')).toBe('A new model, with WebAssembly, on several threads.')
      expect(await numberIn(page(), 'parameters')).toBeGreaterThan(10_000)
      expect(await page().getAttribute('#course', 'aria-label')).toBe('Nothing has been learnt yet.')
    })

    test('learns and grows while the page goes on drawing, and writes what it has learnt', async () => {
      await page().selectOption('#every', '20')
      await page().click('#beginning')
      await expect.poll(() => said(page(), 'status')).toMatch(/^(A new model|Saved)/)
      const parameters = await numberIn(page(), 'parameters')
      await page().fill('#text', 'All work and no play makes Jack a dull boy.\n'.repeat(20))
      await learn(page(), 45)
      expect(await numberIn(page(), 'parameters')).toBeGreaterThan(parameters)
      // How far it comes until it is paused depends on the machine.
      const growths = await page().locator('#growths li').allInnerTexts()
      expect(growths).toHaveLength(Math.floor((await numberIn(page(), 'step')) / 20))
      expect(growths.slice(0, 2)).toEqual([
        'Step 20: block b0: mlpHidden 128 → 192',
        'Step 40: block b0: mlpHidden 192 → 288',
      ])
      expect(await numberIn(page(), 'bits')).toBeLessThan(5)
      expect(await page().getAttribute('#course', 'aria-label')).toContain(`in ${growths.length} growths.`)
      expect(await page().getAttribute('#architecture', 'aria-label')).toMatch(
        /with (?!128 )\d+ hidden units/,
      )
      expect(await page().locator('#course .growth').count()).toBe(growths.length)

      // The model is never on the page's thread: frames go on within one turn of the worker.
      const frames = await page().evaluate<number>(`new Promise((resolve) => {
        let frames = 0
        const count = () => {
          if (document.getElementById('writing').disabled) requestAnimationFrame(count)
          else resolve(frames)
          frames++
        }
        document.getElementById('writing').click()
        count()
      })`)
      expect(frames).toBeGreaterThan(2)
      expect((await said(page(), 'written')).length).toBeGreaterThan(100)
    })

    test('goes on after a reload where it was', async () => {
      const seen = async (): Promise<readonly (string | null)[]> => [
        ...(await Promise.all(['step', 'bits', 'parameters', 'growths'].map((id) => said(page(), id)))),
        await page().getAttribute('#course', 'aria-label'),
        await page().getAttribute('#architecture', 'aria-label'),
        await page().inputValue('#text'),
      ]
      const [before, step] = [await seen(), await numberIn(page(), 'step')]
      await page().reload()
      await isReady(page())
      expect(await said(page(), 'status')).toBe(
        `Resumed at step ${step}, with WebAssembly, on several threads.`,
      )
      await expect.poll(seen).toEqual(before)
      await learn(page(), 20)
      expect(await page().locator('#growths li').nth(2).innerText()).toContain('layer 1 → 2')
    })

    test('is saved when it is hidden, for nobody says when a page is closed', async () => {
      await page().evaluate(`
        document.getElementById('status').textContent = ''
        Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
        delete document.visibilityState`)
      await expect.poll(() => said(page(), 'status')).toMatch(/^Saved at step \d+\.$/)
    })

    test('tells a second tab that the model is open in another', async () => {
      const second = await another()
      await expect.poll(() => said(second, 'failure')).toMatch(/another page or worker saves/)
      await second.close()
      await page().bringToFront()
    })

    test('has no fault that axe-core finds, light or dark', async () => {
      await page().evaluate(axe.source)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page().emulateMedia({ colorScheme })
        const faults = await page().evaluate<string[]>(
          'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html))',
        )
        expect(faults, colorScheme).toEqual([])
      }
    })

    test('begins with the weights and the tokenizer of files, and says what is wrong with others', async () => {
      const folder = join(root, 'test/gold/small-llama')
      const names = ['config.json', 'model.safetensors', 'tokenizer.json']
      await page().setInputFiles('#weights', join(folder, names[0]))
      await page().click('#beginning')
      await expect
        .poll(() => said(page(), 'failure'))
        .toContain('There is no tokenizer.json among the files.')
      await page().setInputFiles(
        '#weights',
        names.map((name) => join(folder, name)),
      )
      await page().click('#beginning')
      await expect.poll(() => numberIn(page(), 'step')).toBe(0)
      expect(await page().isVisible('#failure')).toBe(false)
      await learn(page(), 2)
      await page().setInputFiles('#weights', join(root, 'test/gold/gguf/llama.gguf'))
      await page().click('#beginning')
      await expect.poll(() => numberIn(page(), 'step')).toBe(0)
    })

    test('computes with WebGPU if asked, on the same model', async ({ skip }) => {
      skip(shortOrLong(true, false), 'a GPU in software takes long to translate kernels')
      await page()
        .selectOption('#weights', [])
        .catch(() => {})
      await page().selectOption('#device', 'webgpu')
      await expect.poll(() => said(page(), 'status')).toMatch(/with WebGPU\.$/)
      await learn(page(), 2)
      expect(await numberIn(page(), 'step')).toBeGreaterThanOrEqual(2)
    })
  })
})
