// Installs the servers that the bench compares with, in a folder of their own outside of the repository: they are no
// dependencies of the package.
import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { root } from '../../helpers/root.ts'

const manifest = {
  private: true,
  type: 'module',
  dependencies: {
    '@hocuspocus/extension-sqlite': '4.7.0',
    '@hocuspocus/server': '4.7.0',
    '@y/websocket-server': '0.1.1',
    lib0: '0.2.120',
    ws: '8.23.0',
    'y-leveldb': '0.2.0',
    'y-protocols': '1.0.7',
    yjs: '13.6.33',
  },
  // Their native parts are built, or fetched, by install scripts.
  allowScripts: { 'better-sqlite3': true, 'classic-level': true, leveldown: true },
}

/** Installs what is not installed yet; the folder. */
export async function installPeers(): Promise<string> {
  const folder = join(tmpdir(), 'parley-bench-peers')
  await mkdir(folder, { recursive: true })
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`
  const done = join(folder, 'installed.json')
  if ((await readFile(done, 'utf8').catch(() => '')) !== text) {
    console.error(`installing the peers in ${folder} …`)
    await writeFile(join(folder, 'package.json'), text)
    const args = ['install', '--no-audit', '--no-fund', '--no-package-lock']
    const { status } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
    if (status !== 0) throw new Error(`npm install ended with ${String(status)}`)
    await writeFile(done, text)
  }
  await copyFile(join(root, 'tests/bench/peers/hocuspocus.mjs'), join(folder, 'hocuspocus.mjs'))
  return folder
}
