// Where the repository lies, both for tests/ run by Vitest and for dist/tests/ run by Node.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function findRoot(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findRoot(dirname(folder))
}

/** Absolute path of the repository, without a slash at the end. */
export const root = findRoot(dirname(fileURLToPath(import.meta.url)))
