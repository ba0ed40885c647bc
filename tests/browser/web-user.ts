// A person at the web chat in a real Chromium: one profile folder is one device. Knows the page by its test ids only.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { BrowserContext, Locator, Page } from 'playwright-core'

import { launchBrowser } from '../helpers/chromium.ts'
import { saveChromiumCoverage } from '../helpers/coverage-env.ts'
import { root } from '../helpers/root.ts'
import { until } from '../helpers/until.ts'

/** A message as the page shows it. */
export interface ShownMessage {
  readonly text: string
  readonly user: string
  readonly state: string
  /** Undefined until it is sent. */
  readonly seq: number | undefined
}

/** Longest wait for something to appear; a page on a busy machine takes its time. */
const waitMs = 40_000

export class WebTab {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  at(testId: string): Locator {
    return this.page.getByTestId(testId)
  }

  async signIn(user: string): Promise<void> {
    await this.at('sign-in-user').fill(user)
    await this.at('sign-in-submit').click()
    await this.at('sign-out').waitFor()
  }

  /** Makes a conversation by the form and opens it; its id. */
  async create(title: string, members: string): Promise<string> {
    await this.at('new-conversation').click()
    await this.at('new-members').fill(members)
    await this.at('new-title').fill(title)
    await this.at('create-conversation').click()
    await this.at('composer').waitFor()
    return this.#conversation()
  }

  /** Opens a conversation from the list. */
  async choose(id: string): Promise<void> {
    await this.page.locator(`[data-testid="conversation-item"][data-id="${id}"]`).click()
    await this.at('timeline').waitFor()
  }

  async send(text: string): Promise<void> {
    await this.at('composer').fill(text)
    await this.at('send').click()
  }

  /** What the timeline shows, from top to bottom. */
  messages(): Promise<ShownMessage[]> {
    return this.at('message').evaluateAll((elements) =>
      elements.map((element) => {
        const data = element instanceof HTMLElement ? element.dataset : {}
        return {
          text: element.querySelector('[data-testid="message-text"]')?.textContent ?? '',
          user: data['user'] ?? '',
          // How far others have come is not what is asked for here.
          state: ['received', 'read'].includes(data['state'] ?? '') ? 'sent' : (data['state'] ?? ''),
          seq: data['seq'] === undefined ? undefined : Number(data['seq']),
        }
      }),
    )
  }

  /** Waits until the timeline shows exactly these, written `state text`, in this order. */
  async shows(lines: readonly string[]): Promise<void> {
    let shown: string[] = []
    const wanted = JSON.stringify(lines)
    const look = async (): Promise<boolean> => {
      shown = (await this.messages()).map(({ state, text }) => `${state} ${text}`)
      return JSON.stringify(shown) === wanted
    }
    await until('the timeline', look, waitMs).catch((error: unknown) => {
      throw new Error(`the timeline shows ${JSON.stringify(shown, null, 1)} in place of ${wanted}`, { cause: error })
    })
  }

  /** Waits until everything in the timeline is sent, `count` messages of it; what it shows then. */
  async allSent(count: number): Promise<readonly ShownMessage[]> {
    let shown: readonly ShownMessage[] = []
    const look = async (): Promise<boolean> => {
      shown = await this.messages()
      return shown.length === count && shown.every(({ state }) => state === 'sent')
    }
    await until('everything is sent', look, waitMs).catch((error: unknown) => {
      throw new Error(`the timeline shows ${JSON.stringify(shown, null, 1)}`, { cause: error })
    })
    return shown
  }

  /** The message that says so, be it a removed one. */
  message(text: string): Locator {
    const says = this.page.getByTestId('message-text').getByText(text, { exact: true })
    return this.at('message').filter({ has: says })
  }

  /** Waits until there is a message with this text of which the page shows this: data attributes, and `reactions`. */
  async showsMessage(text: string, wanted: Readonly<Partial<Record<string, string>>>): Promise<void> {
    let shown: Record<string, string | undefined> = {}
    const look = async (): Promise<boolean> => {
      const [found] = await this.message(text).evaluateAll((elements) =>
        elements.map((element) => {
          const data = element instanceof HTMLElement ? element.dataset : {}
          const chips = [...element.querySelectorAll<HTMLElement>('[data-testid="reaction"]')]
          const reactions = chips.map(({ dataset }) => `${dataset['emoji']} ${dataset['count']}`).join(', ')
          return Object.fromEntries([...Object.entries(data), ['reactions', reactions]])
        }),
      )
      shown = found ?? {}
      if (['received', 'read'].includes(shown['state'] ?? '')) shown['state'] = 'sent'
      return found !== undefined && Object.entries(wanted).every(([name, value]) => (shown[name] ?? '') === value)
    }
    await until(`the message ${text}`, look, waitMs).catch((error: unknown) => {
      throw new Error(`of "${text}" is shown ${JSON.stringify(shown)}`, { cause: error })
    })
  }

  /** Opens what can be done with a message, by the keyboard. */
  async openMenu(text: string): Promise<void> {
    await this.message(text).getByTestId('message-more').press('Enter')
    await this.at('message-menu').waitFor()
  }

  /** Does something with a message. */
  async act(text: string, testId: string): Promise<void> {
    await this.openMenu(text)
    await this.at(testId).first().click()
  }

  /** What the menu that is open offers. */
  async offered(): Promise<readonly string[]> {
    const buttons = this.at('message-menu').locator('button')
    const ids = await buttons.evaluateAll((elements) => elements.map((element) => element.getAttribute('data-testid')))
    return [...new Set(ids.map(String))].toSorted()
  }

  /** The test id of what has the focus. */
  focused(): Promise<string | null> {
    return this.page.evaluate(() => document.activeElement?.getAttribute('data-testid') ?? null)
  }

  /** Waits for a phase of the connection. */
  connection(...phases: readonly string[]): Promise<void> {
    return this.#phase('connection', phases)
  }

  storage(phase: string): Promise<void> {
    return this.#phase('storage', [phase])
  }

  /** Keeps a picture in tests/screenshots, to be looked at. */
  async picture(name: string): Promise<void> {
    const folder = join(root, 'tests/screenshots')
    mkdirSync(folder, { recursive: true })
    await this.page.screenshot({ path: join(folder, `${name}.png`) })
  }

  /**
   * Rows of the outbox in IndexedDB, all of them or those of one conversation: what this device keeps although it is not known
   * to be sent.
   */
  outboxRows(database: string, conversation?: string): Promise<number> {
    return this.page.evaluate(
      ([name, id]) =>
        new Promise<number>((resolve, reject) => {
          const opening = indexedDB.open(name)
          opening.addEventListener('error', () => reject(new Error('it cannot be opened')))
          opening.addEventListener('success', () => {
            const range = id === undefined ? undefined : IDBKeyRange.bound([id], [id, []])
            const count = opening.result.transaction('outbox').objectStore('outbox').count(range)
            count.addEventListener('success', () => {
              opening.result.close()
              resolve(count.result)
            })
          })
        }),
      [database, conversation] as const,
    )
  }

  /** Measures what runs in this page until `stopCoverage`. */
  async startCoverage(): Promise<void> {
    await this.page.coverage.startJSCoverage({ resetOnNavigation: false })
  }

  async stopCoverage(): Promise<void> {
    saveChromiumCoverage(await this.page.coverage.stopJSCoverage())
  }

  async #conversation(): Promise<string> {
    const id = await until('the address names the conversation', () => /#\/c\/(.+)$/.exec(this.page.url())?.[1])
    return id
  }

  async #phase(testId: string, phases: readonly string[]): Promise<void> {
    const selector = phases.map((phase) => `[data-testid="${testId}"][data-phase="${phase}"]`).join(', ')
    await this.page.locator(selector).waitFor({ state: 'attached', timeout: waitMs })
  }
}

/** A browser on a profile folder; the folder outlives it. */
export class WebDevice {
  readonly profile: string
  #context: BrowserContext

  private constructor(profile: string, context: BrowserContext) {
    this.profile = profile
    this.#context = context
  }

  static async start(): Promise<WebDevice> {
    const profile = await mkdtemp(join(tmpdir(), 'parley-profile-'))
    return new WebDevice(profile, await launchBrowser(profile))
  }

  /** Another device that begins with all that this one has kept, as a copied profile does; both run afterwards. */
  async copy(): Promise<WebDevice> {
    await this.#context.close()
    const profile = await mkdtemp(join(tmpdir(), 'parley-profile-'))
    await cp(this.profile, profile, { recursive: true })
    this.#context = await launchBrowser(this.profile)
    return new WebDevice(profile, await launchBrowser(profile))
  }

  /** The tabs to come run `script` before the page's own. */
  addScript(script: () => void): Promise<unknown> {
    return this.#context.addInitScript(script)
  }

  async open(url: string): Promise<WebTab> {
    const page = await this.#context.newPage()
    page.setDefaultTimeout(waitMs)
    await page.goto(url)
    return new WebTab(page)
  }

  /** SIGKILL to the whole browser, and a new one on the same profile. */
  async killAndRestart(): Promise<void> {
    const closed = new Promise((resolve) => this.#context.once('close', resolve))
    process.kill(browserProcess(this.profile), 'SIGKILL')
    await closed
    this.#context = await launchBrowser(this.profile)
  }

  /** Closes the browser as people do, and opens it again: everything it keeps is on the disk then. */
  async restart(): Promise<void> {
    await this.#context.close()
    this.#context = await launchBrowser(this.profile)
  }

  async dispose(): Promise<void> {
    await this.#context.close()
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** The process that all others of the browser on this profile hang on. */
function browserProcess(profile: string): number {
  const list = execFileSync('ps', ['-axww', '-o', 'pid=,command='], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  const lines = list.split('\n').filter((line) => line.includes(`--user-data-dir=${profile}`) && !/ --type=/.test(line))
  const pids = lines.map((line) => Number.parseInt(line.trim(), 10))
  if (pids[0] === undefined) throw new Error('no browser runs on this profile')
  // Wrapper scripts come first and end with what they started.
  return Math.max(...pids)
}
