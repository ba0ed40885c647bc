// The layer rules of .oxlintrc.json, tried on files that break them: a rule that cannot fail would prove nothing.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { expect, test } from 'vitest'

import { root } from './helpers/root.ts'

/** Importing file, what it imports. */
type Import = readonly [file: string, specifier: string]

const breaches: readonly Import[] = [
  ['shared/limits.ts', '../server/config.ts'],
  ['shared/limits.ts', '../client/index.ts'],
  ['shared/limits.ts', '../tests/helpers/root.ts'],
  ['shared/limits.ts', 'node:fs'],
  ['shared/limits.ts', 'yjs'],
  ['shared/chat/entry.ts', 'zod'],
  ['shared/chat/entry.ts', 'lib0/random'],
  ['shared/sync/order.ts', '../chat/entry.ts'],
  ['shared/sync/chain-update/parse-update.ts', '../../chat/entry.ts'],
  ['shared/sync/order.ts', '../../server/config.ts'],
  ['server/server.ts', '../client/index.ts'],
  ['server/server.ts', '../tests/helpers/root.ts'],
  ['server/server.ts', 'yjs'],
  ['server/sync/session.ts', 'y-protocols/sync'],
  ['server/sync/session.ts', 'ws'],
  ['server/sync/session.ts', 'fastify'],
  ['server/http/app.ts', 'jose'],
  ['server/http/app.ts', 'level'],
  ['server/http/auth.ts', '../../client/index.ts'],
  ['server/http/messages.ts', 'ws'],
  ['server/storage/conversation-store.ts', '../sync/session.ts'],
  ['server/storage/memory/memory-store.ts', 'level'],
  ['server/storage/level/level-store.ts', '../../http/app.ts'],
  ['server/storage/level/level-store.ts', '../../sync/session.ts'],
  ['client/index.ts', '../server/index.ts'],
  ['client/index.ts', '../tests/helpers/root.ts'],
  ['client/index.ts', './web/main.tsx'],
  ['client/index.ts', 'node:fs'],
  ['client/outbox.ts', 'idb'],
  ['client/outbox.ts', 'y-websocket'],
  ['client/sync/engine.ts', 'y-indexeddb'],
  ['client/storage/browser.ts', 'level'],
  ['client/storage/node.ts', 'idb'],
  ['client/search/search-index.ts', 'minisearch'],
  ['client/web/main.tsx', 'yjs'],
  ['client/web/main.tsx', '../../server/index.ts'],
]

const permitted: readonly Import[] = [
  ['shared/chat/entry.ts', '../sync/ids.ts'],
  ['shared/sync/order.ts', 'lib0/decoding'],
  ['server/server.ts', '../shared/limits.ts'],
  ['server/server.ts', 'node:fs/promises'],
  ['server/http/app.ts', '@fastify/static'],
  ['server/http/app.ts', 'fastify'],
  ['server/http/auth.ts', 'jose'],
  ['server/sync/sockets.ts', 'ws'],
  ['server/storage/level/level-store.ts', 'level'],
  ['client/index.ts', 'yjs'],
  ['client/sync/engine.ts', 'y-websocket'],
  ['client/storage/browser.ts', 'idb'],
  ['client/storage/node.ts', 'level'],
  ['client/node.ts', 'ws'],
  ['client/search/segment.ts', 'minisearch'],
  ['client/web/main.tsx', 'react-dom/client'],
  ['tests/server/server.test.ts', '../../client/index.ts'],
]

/** What oxlint says of a folder laid out like this repository: `file:line rule`, sorted. */
function lint(files: Readonly<Record<string, readonly string[]>>, ...flags: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'parley-layers-'))
  try {
    copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
    // The typed rules run in a program that oxlint looks for here.
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    for (const [name, lines] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), lines.join('\n') + '\n')
    }
    const bin = join(root, 'node_modules/oxlint/bin/oxlint')
    const sources = new Set(Object.keys(files).map((name) => name.split('/')[0] ?? ''))
    const args = [bin, '--format', 'unix', ...flags, ...sources]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
    const found = [...stdout.matchAll(/^([^:\s]+):(\d+):\d+: .*\[Error\/(.+)\]$/gm)]
    // Status 1 is what `npm run check` stops at; anything else unexpected is a broken configuration.
    if ((status === 1) !== found.length > 0) throw new Error(`oxlint ended with ${status}: ${stdout}${stderr}`)
    return found.map(([, file, line, rule]) => `${file}:${line} ${rule}`).toSorted()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** One file for all imports that are written in it, and where each of them stands. */
function lay(imports: readonly Import[]): { files: Record<string, string[]>; places: string[] } {
  const files: Record<string, string[]> = {}
  const places = imports.map(([file, specifier]) => `${file}:${(files[file] ??= []).push(`import '${specifier}'`)}`)
  return { files, places }
}

const layerRule = 'eslint(no-restricted-imports)'

test('[HOUSE1] every import across a layer, and every second importer of a package, is a lint error', () => {
  const { files, places } = lay(breaches)
  const found = lint(files).filter((one) => one.endsWith(layerRule))
  expect(found).toEqual(places.map((place) => `${place} ${layerRule}`).toSorted())
})

test('[HOUSE1] what a layer may import is not an error', () => {
  expect(lint(lay(permitted).files).filter((one) => one.endsWith(layerRule))).toEqual([])
})

test.each([
  ["import type { A } from '../server/config.ts'\nexport type B = A"],
  ["export { a } from '../server/config.ts'"],
  ["export * from '../server/config.ts'"],
  ["export const load = async (): Promise<unknown> => await import('../server/config.ts')"],
])('[HOUSE1] no form of import crosses a layer: %s', (code) => {
  expect(lint({ 'shared/limits.ts': [code] })).toEqual([`shared/limits.ts:1 ${layerRule}`])
})

test('[HOUSE1] a cycle of imports is a lint error', () => {
  const found = lint({
    'server/a.ts': ["import { b } from './b.ts'", 'export const a = (): unknown => b'],
    'server/b.ts': ["import { a } from './a.ts'", 'export const b = (): unknown => a'],
  })
  expect(found).toEqual(['server/a.ts:1 import(no-cycle)', 'server/b.ts:1 import(no-cycle)'])
})

test('[HOUSE1] a forgotten promise is a lint error', () => {
  const found = lint(
    {
      'server/tsconfig.json': ['{ "compilerOptions": { "strict": true, "target": "es2023" } }'],
      'server/a.ts': ['async function save(): Promise<void> {}', 'export function run(): void {', '  save()', '}'],
    },
    '--type-aware',
  )
  expect(found).toEqual(['server/a.ts:3 typescript(no-floating-promises)'])
})
