// Finds the Chromium of this machine and starts it; browser tests run in it or fail, they are never skipped.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import { chromium, type BrowserContext } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome']

const advice = 'no Chromium found: install the package chromium, or set CHROMIUM_PATH to the browser'

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Absolute path of the browser: `CHROMIUM_PATH`, else the first of the usual names on the PATH; undefined if none. */
function findChromium(): string | undefined {
  const chosen = process.env['CHROMIUM_PATH']
  if (chosen !== undefined && chosen !== '') {
    if (!isExecutable(chosen)) throw new Error(`CHROMIUM_PATH is not an executable file: ${chosen}`)
    return chosen
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

/** Absolute path of the browser; throws one line of advice when there is none. */
function chromiumPath(): string {
  const path = findChromium()
  if (path === undefined) throw new Error(advice)
  return path
}

/** Installs Debian's chromium when there is no browser and this process may do so; throws one line of advice else. */
export function ensureChromium(): void {
  if (findChromium() !== undefined) return
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const options = { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const
    spawnSync('apt-get', ['update', '-qq'], options)
    spawnSync('apt-get', ['install', '-y', '-qq', 'chromium'], options)
  }
  chromiumPath()
}

/** Starts the browser on a profile folder of its own: two folders are two people, one folder twice is one device again. */
export function launchBrowser(profileDir: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profileDir, {
    executablePath: chromiumPath(),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-quic',
      '--no-first-run',
    ],
  })
}
