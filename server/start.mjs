// `npm start`: builds what is stale, then runs the server in this very process, so that signals reach it directly.
// Plain JavaScript, because it runs before anything is built. Knows nothing of the server but where its entry lies.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Newest mtime, in ms, of a file or of everything below a folder; a folder's own mtime tells of deletions.
 * @param {string} path
 * @returns {number} */
function newestMs(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestMs(join(path, name))))
}

/** Runs a build step; its chatter goes to stderr, because stdout belongs to the server.
 * @param {string} script file inside node_modules
 * @param {string[]} args */
function build(script, ...args) {
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) process.exit(status ?? 1)
}

if (!existsSync(join(root, 'node_modules/vite'))) {
  process.stderr.write('the build tools are not installed: run `npm ci` first\n')
  process.exit(1)
}

const page = statSync(join(root, 'dist/web/index.html'), { throwIfNoEntry: false })
const pageSources = ['client', 'shared', 'package-lock.json'].map((name) => newestMs(join(root, name)))

// The SDK too: the README's program imports it.
build('typescript/bin/tsc', '-b', 'server', 'client/tsconfig.node.json')
if (page === undefined || page.mtimeMs < Math.max(...pageSources)) build('vite/bin/vite.js', 'build', 'client/web')

// Built a moment ago, therefore unknown to the type checker: hence not a literal.
const entry = '../dist/server/main.js'
await import(entry)
